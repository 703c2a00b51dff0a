"""What differs between two scans, in words and as JSON. Pure.

A change is *material* where a visitor who consented would want to be asked again: a new tracker, vendor or purpose,
or a longer lifetime. What needs no consent, or disappeared, is cosmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from policies.lifetime import difference, in_words
from policies.observation import Scan
from policies.purpose import Purpose
from scanner.names import steady

ThingKind = Literal["cookie", "storage", "host", "technique"]
ChangeKind = Literal["new", "gone", "longer_lived", "shorter_lived", "vendor_changed", "purpose_changed"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Thing(_Frozen):
    """One cookie, key, third-party host or technique. `lifetime` is seconds asked for; None a session or unknown."""

    kind: ThingKind
    subject: tuple[str, ...]
    """What makes it this thing: name, domain and path; kind, origin and key; host; technique and script's host."""
    name: str
    vendor: str | None = None
    purpose: str | None = None
    lifetime: int | None = None
    third_party: bool = False


class Essence(_Frozen):
    """The part of a scan that a comparison looks at."""

    site: str
    started: str
    things: tuple[Thing, ...]


class Change(_Frozen):
    """One difference, with the sentence that every report prints."""

    kind: ChangeKind
    thing: ThingKind
    name: str
    subject: tuple[str, ...]
    before: str | int | None = None
    after: str | int | None = None
    vendor: str | None = None
    purpose: str | None = None
    material: bool
    because: str


class Changes(_Frozen):
    """Everything that differs, material changes first."""

    before: str
    after: str
    changes: tuple[Change, ...] = ()

    @property
    def material(self) -> bool:
        return any(change.material for change in self.changes)

    def in_words(self) -> str:
        """One line each, as for a terminal; a sentence where nothing differs."""
        if not self.changes:
            return "Nothing has changed."
        return "\n".join(f"{'!' if change.material else ' '} {change.because}" for change in self.changes)


def essence_of(scan: Scan) -> Essence:
    """What can differ in a way that matters. Cookies that a browser refused were never there, and a name that is
    another one on each visit is one name."""
    things: dict[tuple[str, ...], Thing] = {}
    for cookie in scan.cookies:
        if cookie.state not in ("stored", "expected"):
            continue
        name = steady(cookie.name)
        subject = (name, cookie.domain, cookie.path)
        key = ("cookie", *subject)
        before = things.get(key)
        if before is None or (cookie.declared_lifetime or 0) > (before.lifetime or 0):
            things[key] = Thing(
                kind="cookie", subject=subject, name=name, vendor=cookie.vendor, purpose=cookie.purpose,
                lifetime=cookie.declared_lifetime, third_party=not cookie.first_party,
            )  # fmt: skip
    for item in scan.storage:
        subject = (item.kind, item.origin, steady(item.key))
        things["storage", *subject] = Thing(
            kind="storage", subject=subject, name=subject[2], vendor=item.vendor, purpose=item.purpose
        )
    for request in scan.requests:
        host = urlsplit(request.url).hostname or ""
        if request.third_party and host and ("host", host) not in things:
            things["host", host] = Thing(
                kind="host",
                subject=(host,),
                name=host,
                vendor=request.vendor,
                purpose=request.purpose,
                third_party=True,
            )
    for technique in scan.techniques:
        script = urlsplit(technique.script).hostname or ""
        things["technique", technique.kind, script] = Thing(
            kind="technique", subject=(technique.kind, script), name=technique.kind
        )
    return Essence(site=scan.site, started=scan.started, things=tuple(things[key] for key in sorted(things)))


def compare(before: Essence, after: Essence) -> Changes:
    """Every difference from one scan to a later one."""
    old = {(thing.kind, *thing.subject): thing for thing in before.things}
    new = {(thing.kind, *thing.subject): thing for thing in after.things}
    vendors = {thing.vendor for thing in before.things if thing.vendor}
    found: list[Change] = []
    for key, thing in new.items():
        found += _new(thing, vendors) if key not in old else _differences(old[key], thing)
    found += [_gone(thing) for key, thing in old.items() if key not in new]
    found.sort(key=lambda change: (not change.material, change.thing, change.kind, change.name, change.subject))
    return Changes(before=before.started, after=after.started, changes=tuple(found))


def _new(thing: Thing, vendors: Iterable[str]) -> list[Change]:
    material = _needs_consent(thing)
    whose = f" of {thing.vendor}" if thing.vendor else ""
    unheard = f"; {thing.vendor} was not on the site before" if thing.vendor and thing.vendor not in vendors else ""
    lifetime = f", kept for {in_words(thing.lifetime)}" if thing.lifetime else ""
    return [_change("new", thing, material, f"new {_called(thing)}{whose}{_for(thing)}{lifetime}{unheard}")]


def _gone(thing: Thing) -> Change:
    return _change("gone", thing, False, f"gone: {_called(thing)}")


def _differences(old: Thing, new: Thing) -> list[Change]:
    found = []
    if old.vendor != new.vendor:
        material = new.vendor is not None and _needs_consent(new)
        words = (
            f"{_called(new)} now belongs to {new.vendor or 'nobody known'}, before to {old.vendor or 'nobody known'}"
        )
        found.append(_change("vendor_changed", new, material, words, old.vendor, new.vendor))
    if old.purpose != new.purpose:
        words = (
            f"{_called(new)} is now for {new.purpose or 'a purpose unknown'}, before for {old.purpose or 'one unknown'}"
        )
        found.append(_change("purpose_changed", new, _needs_consent(new), words, old.purpose, new.purpose))
    if new.kind == "cookie" and (gap := difference(new.lifetime, old.lifetime)):
        longer = gap.kind == "longer"
        words = f"{_called(new)} is kept for {in_words(new.lifetime)}, before for {in_words(old.lifetime)}"
        kind: ChangeKind = "longer_lived" if longer else "shorter_lived"
        found.append(_change(kind, new, longer and _needs_consent(new), words, old.lifetime, new.lifetime))
    return found


def _change(
    kind: ChangeKind,
    thing: Thing,
    material: bool,
    because: str,
    before: str | int | None = None,
    after: str | int | None = None,
) -> Change:
    return Change(
        kind=kind, thing=thing.kind, name=thing.name, subject=thing.subject, before=before, after=after,
        vendor=thing.vendor, purpose=thing.purpose, material=material, because=because,
    )  # fmt: skip


def _needs_consent(thing: Thing) -> bool:
    """Known to need consent, or unknown and a third party's; an unknown first-party cookie is no tracker yet."""
    if thing.purpose is not None:
        return thing.purpose != Purpose.NECESSARY
    return thing.vendor is not None or thing.third_party or thing.kind == "technique"


_CALLED = {
    "cookie": "cookie {0} on {1}",
    "storage": "storage key {2} ({0}) on {1}",
    "host": "third party {0}",
    "technique": "{0} fingerprinting by {1}",
}


def _called(thing: Thing) -> str:
    return _CALLED[thing.kind].format(*thing.subject)


def _for(thing: Thing) -> str:
    return f" for {thing.purpose}" if thing.purpose else ""

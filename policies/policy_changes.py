"""What differs between two site policies, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from policies.lifetime import in_words
from policies.site_policy import (
    PolicyCookie,
    PolicyHost,
    PolicyKey,
    SitePolicy,
    TrackerKey,
    lived,
    outlives,
    tracker_key,
    trackers,
)

Part = PolicyCookie | PolicyKey | PolicyHost


class PolicyChange(BaseModel):
    """One difference. `material` asks visitors for consent again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    subject: str
    material: bool
    because: str


def policy_changes(old: SitePolicy, new: SitePolicy) -> tuple[PolicyChange, ...]:
    """Every difference, material ones first."""
    before, after = _parts(old), _parts(new)
    known = trackers(old)
    found = [
        change
        for key in sorted({*before, *after})
        for change in _differences(key, before.get(key), after.get(key), known)
    ]
    return tuple(sorted(found, key=lambda change: (not change.material, change.kind, change.subject)))


def _parts(policy: SitePolicy) -> dict[tuple[str, str, str], Part]:
    found: dict[tuple[str, str, str], Part] = {("cookie", c.name, c.domain): c for c in policy.cookies}
    found |= {("storage key", k.key, k.kind): k for k in policy.storage}
    found |= {("host", h.host, ""): h for h in policy.contacts}
    return found


def _differences(
    key: tuple[str, str, str], old: Part | None, new: Part | None, known: Mapping[TrackerKey, int]
) -> Iterator[PolicyChange]:
    kind, name, _ = key
    unheard = new is not None and (tracked := tracker_key(new)) is not None and tracked not in known

    def change(words: str, *, material: bool) -> PolicyChange:
        return PolicyChange(kind=kind, subject=name, material=material, because=f"{kind} {name} {words}")

    if old is None and new is not None:
        longer = isinstance(new, PolicyCookie) and _longer(new, known)
        yield change(f"is new, for {new.purpose or 'an unknown purpose'}", material=unheard or longer)
        return
    if new is None or old is None:
        yield change("is gone", material=False)
        return
    if isinstance(old, PolicyHost) and isinstance(new, PolicyHost) and old.tracker is not new.tracker:
        yield change("is now known to track" if new.tracker else "is no longer taken for a tracker", material=unheard)
    if old.purpose is not new.purpose:
        words = f"is now for {new.purpose or 'an unknown purpose'}, before for {old.purpose or 'an unknown one'}"
        yield change(words, material=unheard)
    if old.vendor != new.vendor:
        words = f"now belongs to {new.vendor or 'nobody known'}, before to {old.vendor or 'nobody known'}"
        yield change(words, material=unheard)
    if isinstance(old, PolicyCookie) and isinstance(new, PolicyCookie):
        longer = outlives(lived(new), lived(old))
        if longer or outlives(lived(old), lived(new)):
            yield change(f"now asks for {_life(new)}, before for {_life(old)}", material=_longer(new, known))


def _longer(cookie: PolicyCookie, known: Mapping[TrackerKey, int]) -> bool:
    key = tracker_key(cookie)
    return key is not None and key in known and outlives(lived(cookie), known[key])


def _life(cookie: PolicyCookie) -> str:
    if cookie.session:
        return "the session"
    return "an unknown lifetime" if cookie.lifetime is None else in_words(cookie.lifetime)

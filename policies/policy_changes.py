"""What differs between two site policies, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from policies.lifetime import in_words
from policies.purpose import Purpose
from policies.site_policy import PolicyCookie, PolicyHost, PolicyKey, SitePolicy, is_material

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
    found = [
        change for key in sorted({*before, *after}) for change in _differences(key, before.get(key), after.get(key))
    ]
    if is_material(old, new) and not any(change.material for change in found):
        found.append(
            PolicyChange(kind="vendor", subject=new.site, material=True, because="a vendor or purpose is new")
        )  # fmt: skip
    return tuple(sorted(found, key=lambda change: (not change.material, change.kind, change.subject)))


def _parts(policy: SitePolicy) -> dict[tuple[str, str, str], Part]:
    found: dict[tuple[str, str, str], Part] = {("cookie", c.name, c.domain): c for c in policy.cookies}
    found |= {("storage key", k.key, k.kind): k for k in policy.storage}
    found |= {("host", h.host, ""): h for h in policy.contacts}
    return found


def _differences(key: tuple[str, str, str], old: Part | None, new: Part | None) -> Iterator[PolicyChange]:
    kind, name, _ = key

    def change(words: str, *, material: bool) -> PolicyChange:
        return PolicyChange(kind=kind, subject=name, material=material, because=f"{kind} {name} {words}")

    if old is None and new is not None:
        yield change(f"is new, for {new.purpose or 'an unknown purpose'}", material=_asks(new))
        return
    if new is None or old is None:
        yield change("is gone", material=False)
        return
    if old.purpose is not new.purpose:
        words = f"is now for {new.purpose or 'an unknown purpose'}, before for {old.purpose or 'an unknown one'}"
        yield change(words, material=_asks(new))
    if old.vendor != new.vendor:
        words = f"now belongs to {new.vendor or 'nobody known'}, before to {old.vendor or 'nobody known'}"
        yield change(words, material=_asks(new))
    if isinstance(old, PolicyCookie) and isinstance(new, PolicyCookie) and _life(old) != _life(new):
        longer = not new.session and (old.session or (new.lifetime or 0) > (old.lifetime or 0))
        yield change(f"now asks for {_life(new)}, before for {_life(old)}", material=longer and _asks(new))


def _asks(part: Part) -> bool:
    tracks = part.tracker if isinstance(part, PolicyHost) else part.purpose is not None
    return tracks and part.purpose is not Purpose.NECESSARY


def _life(cookie: PolicyCookie) -> str:
    if cookie.session:
        return "the session"
    return "an unknown lifetime" if cookie.lifetime is None else in_words(cookie.lifetime)

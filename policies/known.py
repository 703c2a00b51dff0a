"""What a subject is, before anybody's consent is asked, and what a consent makes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.purpose import Consent, Purpose
from policies.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Known:
    """What a subject is. `purpose` None on a tracker: for what is not known, so only full consent lets it through."""

    because: str
    tracker: str | None = None
    vendor: str | None = None
    purpose: Purpose | None = None
    known: bool = True
    passes: bool = False
    """Passes whatever was consented to: the site's own, or unknown where the operator lets that pass."""
    manager: bool = False
    placeholder: str | None = None


def judge(known: Known, consent: Consent, refuse: Literal["block", "strip"]) -> Verdict:
    """Consent applied to what a subject is. An unknown that does not pass needs every purpose."""
    if known.passes:
        return Verdict("allow", known.because, known.tracker, known.vendor, known.purpose, known.known)
    allowed = consent.allows(known.purpose, known.vendor)
    if known.manager and not allowed and not consent.refuses(known.vendor):
        allowed = bool(consent.purposes)
    if known.purpose is Purpose.NECESSARY:
        reason = known.because
    else:
        wanted = f"needs consent to {known.purpose}" if known.purpose else "needs consent to every purpose"
        reason = f"{known.because}; {wanted}: {'given' if allowed else 'not given'}"
    action = "allow" if allowed else refuse
    return Verdict(action, reason, known.tracker, known.vendor, known.purpose, known.known)

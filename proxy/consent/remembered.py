"""The signed consent cookie and its readable mirror: written here, read here. No I/O, no clock.

A refuser's cookie carries no id, so that it tells nobody apart; refusing and accepting are remembered equally long.
Whatever cannot be read (forged, cut short, from the future, another site's) leaves the visitor undecided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from policies.purpose import UNDECIDED, Consent, Purpose
from proxy.consent.signing import Signer, b64, seal, unb64, unseal
from proxy.consent.site_notice import SiteNotice
from proxy.consent.token import SKEW

COOKIE = "samtykke"
MIRROR = "samtykke_purposes"
CONFIRM = "samtykke_confirm"
OWN_NAMES: frozenset[str] = frozenset({COOKIE, MIRROR, CONFIRM})
"""Every cookie of ours: none of them ever reaches the site."""

DAY = 86_400
REFUSAL_HOLDS = 180 * DAY
"""Seconds in which a refuser is not asked again, whatever changes (B12: six months)."""
_MAX_VALUE = 3800
_CODE = 6
_LETTERS = {Purpose.PREFERENCES: "p", Purpose.STATISTICS: "s", Purpose.MARKETING: "m"}

Basis = Literal["accept", "reject", "save", "withdraw", "gpc", "reprompt", "expire", "import"]
_BASES: frozenset[str] = frozenset({"accept", "reject", "save", "withdraw", "gpc", "reprompt", "expire", "import"})
LAPSED: frozenset[str] = frozenset({"reprompt", "expire"})
"""Kinds of cookie that only remember that the row saying so has been written."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One remembered choice. `issued` is seconds since 1970 UTC; `gpc` says whether the signal was on at the time."""

    basis: Basis
    consent: Consent
    issued: int
    material: str
    subject: str | None = None
    gpc: bool = False

    @property
    def consents(self) -> bool:
        """Was anything granted at all?"""
        return bool(self.consent.purposes) or any(allowed for _, allowed in self.consent.vendors)

    def stale(self, site: SiteNotice, now: float, lifetime: int) -> Literal["expire", "reprompt"] | None:
        """Must this visitor be asked again? `lifetime` in seconds. GDPR 7: consent covers what was described."""
        age = now - self.issued
        if age > lifetime:
            return "expire"
        if self.material == site_print(site) or (not self.consents and age < REFUSAL_HOLDS):
            return None
        return "reprompt"


def site_print(site: SiteNotice) -> str:
    """Sixteen letters that change when the site's material fingerprint does."""
    return b64(sha256(site.material.encode()).digest()[:12])


def vendor_code(vendor_id: str) -> str:
    """Six letters per vendor, so that hundreds of answers fit into one cookie."""
    return b64(sha256(vendor_id.encode()).digest())[:_CODE]


def write(signer: Signer, site: str, remembered: Remembered) -> str:
    """The cookie's value. Raises ValueError where it would be too large for a browser to keep."""
    consent = remembered.consent
    record: dict[str, object] = {
        "b": remembered.basis,
        "t": remembered.issued,
        "m": remembered.material,
        "p": "".join(letter for purpose, letter in _LETTERS.items() if purpose in consent.purposes),
    }
    for key, wanted in (("y", True), ("n", False)):
        if codes := "".join(vendor_code(vendor) for vendor, allowed in consent.vendors if allowed is wanted):
            record[key] = codes
    if remembered.subject:
        record["s"] = remembered.subject
    if remembered.gpc:
        record["g"] = 1
    value = seal(signer, f"cookie/{site}", b64(json.dumps(record, separators=(",", ":")).encode()))
    if len(value) > _MAX_VALUE:
        raise ValueError("too many vendors were answered one by one to remember them in a cookie")
    return value


def read(signer: Signer, site: SiteNotice, value: str, now: float) -> Remembered | None:
    """One cookie value -> what it remembers; None where it cannot be trusted."""
    if len(value) > _MAX_VALUE + 200:
        return None
    body = unseal(signer, f"cookie/{site.name}", value)
    if body is None:
        return None
    try:
        record = json.loads(unb64(body))
        basis, issued = record["b"], int(record["t"])
        purposes = [purpose for purpose, letter in _LETTERS.items() if letter in record["p"]]
        answers = {
            **dict.fromkeys(_codes(record.get("y", "")), True),
            **dict.fromkeys(_codes(record.get("n", "")), False),
        }
        material, subject = str(record["m"]), record.get("s")
    except (ValueError, KeyError, TypeError):
        return None
    if basis not in _BASES or issued > now + SKEW:
        return None
    vendors = sorted(
        {(vendor.id, answers[code]) for vendor in site.vendors if (code := vendor_code(vendor.id)) in answers}
    )
    consent = UNDECIDED if basis in LAPSED else Consent.of(purposes, vendors)
    return Remembered(basis, consent, issued, material, subject, bool(record.get("g")))


def _codes(text: str) -> list[str]:
    return [text[at : at + _CODE] for at in range(0, len(text), _CODE)]


def newest(found: Iterable[Remembered]) -> Remembered | None:
    """Of two cookies (one per host, one per domain) the newer counts; of equals the one that grants less."""
    return max(found, key=lambda each: (each.issued, not each.consents, -len(each.consent.purposes)), default=None)


def values_of(cookie_header: bytes | None, name: str) -> list[str]:
    """Every value of a cookie in a request's header, in order. Undecodable bytes make an unreadable value."""
    values = []
    for pair in (cookie_header or b"").decode("latin-1").split(";"):
        key, mark, value = pair.strip().partition("=")
        if mark and key == name:
            values.append(value.strip('"'))
    return values


@dataclass(frozen=True, slots=True)
class Jar:
    """How cookies of ours are written: `Secure` on TLS, `domain` where subdomains share the choice."""

    secure: bool = False
    domain: str = ""

    def line(self, name: str, value: str, max_age: int | None, *, readable: bool = False, path: str = "/") -> str:
        """One Set-Cookie line; `max_age` in seconds, None until the browser is closed, 0 to remove."""
        parts = [f"{name}={value}", f"Path={path}", "SameSite=Lax"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if self.domain:
            parts.append(f"Domain={self.domain}")
        if not readable:
            parts.append("HttpOnly")
        if self.secure:
            parts.append("Secure")
        return "; ".join(parts)

    def lines(self, signer: Signer, site: str, remembered: Remembered, lifetime: int) -> tuple[str, ...]:
        """Both cookies for one choice. What Global Privacy Control decided is forgotten with the browser's session."""
        session = remembered.basis == "gpc"
        value = write(signer, site, remembered)
        signed = self.line(COOKIE, value, None if session else lifetime)
        if remembered.basis in LAPSED:
            return (signed, self.line(MIRROR, "", 0, readable=True))
        granted = ".".join(purpose for purpose in _LETTERS if purpose in remembered.consent.purposes)
        return (signed, self.line(MIRROR, granted, None if session else lifetime, readable=True))

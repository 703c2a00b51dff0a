"""One site before a choice, after rejecting, after accepting: side by side, with who broke the promise. Pure.

A promise is broken where something that needs consent is there before a choice or after rejecting. A state that could
not be scanned is not there; nothing is claimed about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.attribution import RECOGNISES_BROWSERS
from policies.catalogue import Catalogue
from policies.observation import Scan
from scanner.report.summary import needs_consent, present, state_of, vendor_name

UNASKED = frozenset({"none", "reject"})
"""Consent states in which nothing that needs consent may happen."""

Thing = tuple[str, str]
"""What kind of thing, and its name with its place."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that needs consent, over the states in the order of the scans."""

    kind: str
    name: str
    vendor: str
    seen: tuple[bool, ...]
    broken: bool


def side_by_side(states: Sequence[Scan]) -> list[Row]:
    """Everything that needs consent in any of the states: broken promises first, then by vendor and name."""
    found = [_things(one) for one in states]
    vendors: dict[Thing, str] = {}
    for things in found:
        vendors |= {thing: vendor for thing, vendor in things.items() if vendor or thing not in vendors}
    rows = []
    for (kind, name), vendor in vendors.items():
        seen = tuple((kind, name) in things for things in found)
        broken = any(here and one.consent in UNASKED for here, one in zip(seen, states, strict=True))
        rows.append(Row(kind, name, vendor, seen, broken))
    return sorted(rows, key=lambda row: (not row.broken, row.vendor, row.kind, row.name))


def broken_promises(states: Sequence[Scan], catalogue: Catalogue | None = None) -> list[str]:
    """Who did what without being allowed to, one sentence each vendor."""
    rows = [row for row in side_by_side(states) if row.broken]
    sentences = []
    for vendor in dict.fromkeys(row.vendor for row in rows):
        mine = [row for row in rows if row.vendor == vendor]
        when = [
            state_of(one.consent)
            for number, one in enumerate(states)
            if one.consent in UNASKED and any(row.seen[number] for row in mine)
        ]
        names = list(dict.fromkeys(row.name for row in mine))
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        who = vendor_name(vendor, catalogue) or "Somebody unknown"
        sentences.append(f"{who} was active {' and '.join(when)}: {', '.join(names[:4])}{more}.")
    return sentences


def _things(scan: Scan) -> dict[Thing, str]:
    """Cookies, keys, third-party hosts and techniques that need consent, with their vendor's id."""
    found: dict[Thing, str] = {}
    for cookie in present(scan):
        if needs_consent(cookie.purpose, cookie.vendor):
            found["cookie", f"{cookie.name} on {cookie.domain}"] = cookie.vendor or ""
    for key in scan.storage:
        if needs_consent(key.purpose, key.vendor):
            found[f"{key.kind} storage", f"{key.key} at {key.origin}"] = key.vendor or ""
    for request in scan.requests:
        if request.third_party and not request.blocked and needs_consent(request.purpose, request.vendor):
            found["request", f"to {urlsplit(request.url).hostname or request.url}"] = request.vendor or ""
    whose = {urlsplit(request.url).hostname: request.vendor for request in scan.requests if request.vendor}
    for technique in scan.techniques:
        host = urlsplit(technique.script).hostname
        if technique.kind in RECOGNISES_BROWSERS and host and host in whose:
            found["technique", f"{technique.kind} by {host}"] = whose[host] or ""
    return found

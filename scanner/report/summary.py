"""A scan in sentences and counts, for readers who will not read the table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.catalogue import Catalogue
from policies.findings import Finding
from policies.lifetime import DAY, in_words
from policies.observation import ObservedCookie, Scan
from policies.purpose import Purpose

PRESENT = frozenset({"stored", "overwritten", "expected"})
"""States of cookies that count: what a browser refused or what was deleted again is not on anybody's device."""

STATES = {"none": "before any choice was made", "reject": "after rejecting", "accept": "after accepting everything"}

LIFETIMES: tuple[tuple[int, str], ...] = (
    (DAY, "up to a day"),
    (31 * DAY, "up to a month"),
    (400 * DAY, "up to 13 months"),
    (2**62, "more than 13 months"),
)
PURPOSES: tuple[tuple[Purpose | None, str], ...] = (
    (Purpose.NECESSARY, "necessary"),
    (Purpose.PREFERENCES, "preferences"),
    (Purpose.STATISTICS, "statistics"),
    (Purpose.MARKETING, "marketing"),
    (None, "unknown"),
)


@dataclass(frozen=True, slots=True)
class Count:
    """One bar of a chart."""

    label: str
    number: int


def present(scan: Scan) -> tuple[ObservedCookie, ...]:
    return tuple(cookie for cookie in scan.cookies if cookie.state in PRESENT)


def needs_consent(purpose: Purpose | None, vendor: str | None) -> bool:
    """Known, and not necessary. Nothing is claimed about what nobody knows."""
    return purpose is not Purpose.NECESSARY and (purpose is not None or vendor is not None)


def state_of(consent: str) -> str:
    return STATES.get(consent, f"with consent to {consent.replace(',', ', ')}")


def sentences(scan: Scan, findings: Sequence[Finding], catalogue: Catalogue | None) -> list[str]:
    """The scan in words, the most important first."""
    cookies = present(scan)
    tracking = [cookie for cookie in cookies if needs_consent(cookie.purpose, cookie.vendor)]
    hosts = third_parties(scan)
    failed = sum(page.error is not None for page in scan.pages)
    how = "a real browser" if scan.mode == "browser" else "headers and HTML only, without a browser"
    found = [
        f"{_many(len(scan.pages), 'page')} of {urlsplit(scan.site).hostname} "
        f"{_were(len(scan.pages))} visited with {how}, {state_of(scan.consent)}"
        + (f"; {failed} could not be read." if failed else "."),
    ]
    what = "would be stored, going by the scripts in the pages" if scan.mode == "static" else "were stored"
    found.append(
        f"{_many(len(cookies), 'cookie')} {what}, {len([c for c in cookies if not c.first_party])} of them by other "
        f"sites; {len(tracking)} serve{_s(len(tracking))} a purpose that needs the visitor's consent."
        if cookies
        else "No cookies were stored."
    )
    if scan.consent in ("none", "reject") and tracking:
        names = ", ".join(sorted({cookie.name for cookie in tracking})[:6])
        when = "before consent was given" if scan.consent == "none" else "although consent was refused"
        found.append(f"This happened {when}: {names}{' and others' if len(tracking) > 6 else ''}.")
    if hosts:
        named = ", ".join(vendor_names(scan, catalogue)[:6])
        found.append(
            f"The pages contact {_many(len(hosts), 'other host')}"
            + (f", {'one' if len(hosts) == 1 else 'among them those'} of {named}." if named else ".")
        )
    lasting = max(tracking, key=lambda cookie: cookie.declared_lifetime or 0, default=None)
    if lasting and lasting.declared_lifetime:
        found.append(f"The longest-lived tracker is {lasting.name}, kept for {in_words(lasting.declared_lifetime)}.")
    if kinds := sorted({technique.kind.replace("_", " ") for technique in scan.techniques}):
        found.append(f"Ways to recognise visitors without cookies were seen: {', '.join(kinds)}.")
    if findings:
        grave = sum(finding.severity == "high" for finding in findings)
        found.append(
            f"Held against the privacy policy there are {_many(len(findings), 'finding')}, {grave} of them grave."
        )
    return found


def third_parties(scan: Scan) -> Counter[str]:
    """Other sites' hosts with the number of requests to each."""
    return Counter(urlsplit(request.url).hostname or "" for request in scan.requests if request.third_party)


def vendor_names(scan: Scan, catalogue: Catalogue | None) -> list[str]:
    """Whose hosts are contacted, by the name a visitor would know, the busiest first."""
    count = Counter(request.vendor for request in scan.requests if request.third_party and request.vendor)
    return [vendor_name(vendor, catalogue) for vendor, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))]


def vendor_name(vendor: str | None, catalogue: Catalogue | None) -> str:
    known = catalogue.vendors.get(vendor) if catalogue and vendor else None
    return known.name if known else vendor or ""


def by_purpose(scan: Scan) -> list[Count]:
    count = Counter(cookie.purpose for cookie in present(scan))
    return [Count(label, count[purpose]) for purpose, label in PURPOSES if count[purpose]]


def by_lifetime(scan: Scan) -> list[Count]:
    sessions, spans = 0, Counter[str]()
    for cookie in present(scan):
        if cookie.declared_lifetime is None:
            sessions += cookie.session
        else:
            lifetime = cookie.declared_lifetime
            spans[next(label for limit, label in LIFETIMES if lifetime <= limit)] += 1
    found = [Count("the session", sessions), *(Count(label, spans[label]) for _, label in LIFETIMES)]
    return [count for count in found if count.number]


def by_host(scan: Scan, most: int = 10) -> list[Count]:
    found = sorted(third_parties(scan).items(), key=lambda item: (-item[1], item[0]))
    return [Count(host, number) for host, number in found[:most]]


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _s(number: int) -> str:
    return "s" if number == 1 else ""


def _were(number: int) -> str:
    return "was" if number == 1 else "were"

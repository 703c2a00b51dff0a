"""Hold what was observed against what was promised. Pure: a declaration and a scan in, findings out.

Lifetimes compare what was *asked for* with what was declared, never the browser's cap. Findings come by severity;
each quotes both sides and gives a reason that a lawyer and a developer both understand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.attribution import attribute, host_evidence
from policies.catalogue import Catalogue, Vendor
from policies.declared.model import Declared, DeclaredCookie
from policies.declared.names import means
from policies.findings import Finding, FindingKind, Severity
from policies.lifetime import difference, in_words
from policies.observation import ObservedCookie, Scan
from policies.purpose import Purpose
from policies.rules import OWN_COOKIES

_SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
_KINDS: tuple[FindingKind, ...] = (
    "before_consent",
    "undeclared",
    "vendor_undeclared",
    "claim_contradicted",
    "lifetime_longer",
    "purpose_mismatch",
    "lifetime_shorter",
    "not_observed",
)
IDENTIFIES_FOR = 30 * 86_400
"""A tracker's cookie that lives longer than this, in seconds, recognises a person from visit to visit."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One cookie or key, whatever its suffix: several of one family are one."""

    name: str
    kind: str
    vendor: str | None
    purpose: Purpose | None
    lifetime: int | None
    session: bool
    by: str
    expected: bool = False

    @property
    def tracks(self) -> bool:
        return self.purpose is not None and self.purpose is not Purpose.NECESSARY

    def __str__(self) -> str:
        life = "" if self.kind != "cookie" else f", {_life(self.lifetime, session=self.session)}"
        return f"{self.kind} {self.name}{life}, set by {self.by}"


@dataclass(frozen=True, slots=True)
class _Sides:
    declared: Declared
    scan: Scan
    catalogue: Catalogue
    seen: tuple[Seen, ...]

    def matching(self, seen: Seen) -> list[DeclaredCookie]:
        return [entry for entry in self.declared.cookies if means(entry.name, seen.name, self.catalogue)]

    @property
    def unasked(self) -> bool:
        """Was everything in the scan stored without any consent?"""
        return self.scan.consent in ("none", "reject")


def compare(declared: Declared, scan: Scan, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Every difference between what the document declares and what the scan saw, the gravest first."""
    labelled = attribute(scan, catalogue)
    sides = _Sides(declared, labelled, catalogue, _seen(labelled))
    found = {finding for check in CHECKS for finding in check(sides)}
    return tuple(sorted(found, key=_order))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return _SEVERITIES.index(finding.severity), _KINDS.index(finding.kind), finding.subject, finding.because


def _undeclared(sides: _Sides) -> Iterator[Finding]:
    for seen in sides.seen:
        if seen.expected or sides.matching(seen):
            continue
        severity: Severity = "high" if seen.tracks else "low" if seen.purpose or seen.kind != "cookie" else "medium"
        yield Finding(
            kind="undeclared",
            subject=seen.name,
            observed=str(seen),
            severity=severity,
            because=f"the policy names no {seen.kind} {seen.name}{_whose(seen, sides.catalogue)}; "
            "visitors must be told what is stored, by whom and for how long",
        )


def _not_observed(sides: _Sides) -> Iterator[Finding]:
    for entry in sides.declared.cookies:
        if entry.kind == "pixel" or any(means(entry.name, seen.name, sides.catalogue) for seen in sides.seen):
            continue
        if entry.name in OWN_COOKIES:
            continue
        yield Finding(
            kind="not_observed",
            subject=entry.name,
            declared=entry.quote or entry.name,
            severity="low",
            because=f"declared, but not seen on {_pages(sides.scan)}; it may be gone, or set only after "
            "consent or on pages that were not visited",
        )


def _lifetimes(sides: _Sides) -> Iterator[Finding]:
    for seen in sides.seen:
        if seen.kind != "cookie" or (seen.lifetime is None and not seen.session):
            continue
        said = [entry for entry in sides.matching(seen) if entry.lifetime is not None or entry.session]
        gaps = [(entry, difference(seen.lifetime, entry.lifetime)) for entry in said]
        if not gaps or any(gap is None for _, gap in gaps):
            continue
        entry, gap = gaps[0]
        if gap is None:
            continue
        longer = gap.kind == "longer"
        yield Finding(
            kind="lifetime_longer" if longer else "lifetime_shorter",
            subject=seen.name,
            declared=entry.quote or entry.lifetime_text,
            observed=str(seen),
            severity=("high" if seen.tracks else "medium") if longer else "low",
            because=f"declared {_life(entry.lifetime, session=entry.session)}, "
            f"asked for {_life(seen.lifetime, session=seen.session)}: {gap}",
        )


def _purposes(sides: _Sides) -> Iterator[Finding]:
    for seen in sides.seen:
        for entry in sides.matching(seen):
            if entry.purpose is None or seen.purpose is None or entry.purpose is seen.purpose:
                continue
            hidden = entry.purpose is Purpose.NECESSARY and seen.tracks
            yield Finding(
                kind="purpose_mismatch",
                subject=seen.name,
                declared=entry.quote or entry.name,
                observed=str(seen),
                severity="high" if hidden else "medium",
                because=f"declared as {entry.purpose}, known to be for {seen.purpose}{_whose(seen, sides.catalogue)}"
                + ("; what is called necessary escapes the choice" if hidden else ""),
            )
            break


def _before_consent(sides: _Sides) -> Iterator[Finding]:
    if not sides.unasked:
        return
    state = "before any choice" if sides.scan.consent == "none" else "although the visitor refused"
    for seen in sides.seen:
        if seen.tracks and not seen.expected:
            yield Finding(
                kind="before_consent",
                subject=seen.name,
                observed=str(seen),
                severity="high",
                because=f"stored {state}{_whose(seen, sides.catalogue)}, for {seen.purpose}; "
                "consent must come first (ePrivacy 5(3), ekomloven § 3-15)",
            )
    for name, url in _contacted(sides):
        yield Finding(
            kind="before_consent",
            subject=name,
            observed=url,
            severity="high",
            because=f"contacted {state}; loading it already tells {name} who visits which page",
        )


def _vendors(sides: _Sides) -> Iterator[Finding]:
    cookies = {seen.vendor: seen for seen in reversed(sides.seen) if seen.vendor}
    urls = dict(_vendor_requests(sides))
    for vendor_id in sorted({*cookies, *urls}):
        vendor = sides.catalogue.vendors.get(vendor_id)
        if vendor is None or vendor.operator_hosted or vendor.purpose is Purpose.NECESSARY:
            continue
        if not any(names_vendor(name, vendor) for name in _named(sides.declared)):
            listed = any(sides.matching(seen) for seen in sides.seen if seen.vendor == vendor_id)
            yield Finding(
                kind="vendor_undeclared",
                subject=vendor.name,
                observed=urls.get(vendor_id) or str(cookies[vendor_id]),
                severity="medium" if listed else "high",
                because=f"{vendor.company} ({vendor.country}) receives data, but the policy does not name it "
                "(recipients: GDPR 13(1)(e))",
            )
    texts = " ".join(_named(sides.declared)).casefold()
    for host, evidence in host_evidence(sides.scan, sides.catalogue).items():
        if evidence.tracker and evidence.vendor is None and host.casefold() not in texts:
            yield Finding(
                kind="vendor_undeclared",
                subject=host,
                observed=host,
                severity="high",
                because=f"{evidence.because}, but the policy does not name it (recipients: GDPR 13(1)(e))",
            )


def _claims(sides: _Sides) -> Iterator[Finding]:
    for claim in sides.declared.claims:
        if test := _CLAIM_TESTS.get(claim.kind):
            witness = test(sides)
            if witness:
                subject, because = witness
                yield Finding(
                    kind="claim_contradicted",
                    subject=subject,
                    declared=claim.quote,
                    observed=because[0].upper() + because[1:],
                    severity="high",
                    because=f"{_CLAIM_WORDS[claim.kind]}, but {because}",
                )


Witness = tuple[str, str] | None


def _a_tracker(sides: _Sides) -> Witness:
    for seen in sides.seen:
        if seen.tracks and not seen.expected:
            return seen.name, f"{seen} is for {seen.purpose}"
    return next(((name, f"{name} is contacted ({url})") for name, url in _contacted(sides)), None)


def _before(sides: _Sides) -> Witness:
    return _a_tracker(sides) if sides.unasked else None


def _an_identifier(sides: _Sides) -> Witness:
    for seen in sides.seen:
        if seen.tracks and not seen.expected and seen.kind == "cookie" and (seen.lifetime or 0) > IDENTIFIES_FOR:
            return seen.name, f"{seen} recognises the same person from visit to visit"
    return None


def _a_recipient(sides: _Sides) -> Witness:
    return next(((name, f"{name} receives data ({url})") for name, url in _contacted(sides)), None)


_CLAIM_TESTS: dict[str, Callable[[_Sides], Witness]] = {
    "only_necessary": _a_tracker,
    "consent_first": _before,
    "browser_settings_only": _before,
    "no_personal_data": _an_identifier,
    "anonymised": _an_identifier,
    "not_shared": _a_recipient,
}
_CLAIM_WORDS = {
    "only_necessary": "the policy says that only necessary cookies are used",
    "consent_first": "the policy says that consent is asked first",
    "browser_settings_only": "the policy leaves refusing to the browser's settings, which is no consent "
    "(ekomloven § 3-15)",
    "no_personal_data": "the policy says that no personal data is stored",
    "anonymised": "the policy says that data is anonymised",
    "not_shared": "the policy says that nothing is shared with others",
}

CHECKS: tuple[Callable[[_Sides], Iterator[Finding]], ...] = (
    _before_consent,
    _undeclared,
    _vendors,
    _claims,
    _lifetimes,
    _purposes,
    _not_observed,
)


def names_vendor(name: str, vendor: Vendor) -> bool:
    """Does this name, as a policy writes it, stand for the vendor? "Facebook", "Meta Platforms", "Google" do."""
    text = _words(name)
    company = _words(vendor.company)
    for known in (vendor.name, *vendor.aliases, vendor.company):
        words = _words(known)
        if words and f" {words} " in f" {text} ":
            return True
    return bool(text) and (f" {company} ".startswith(f" {text} ") or _words(vendor.name).startswith(f"{text} "))


def _words(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold()).split())


def _named(declared: Declared) -> list[str]:
    return [vendor.name for vendor in declared.vendors] + [entry.vendor for entry in declared.cookies if entry.vendor]


def _contacted(sides: _Sides) -> Iterable[tuple[str, str]]:
    """Third parties that track, as (name, first URL), once each."""
    found: dict[str, str] = {}
    evidence = host_evidence(sides.scan, sides.catalogue)
    for request in sides.scan.requests:
        host = urlsplit(request.url).hostname or ""
        known = evidence.get(host)
        if known and known.tracker and not request.blocked:
            vendor = sides.catalogue.vendors.get(known.vendor or "")
            found.setdefault(vendor.name if vendor else host, request.url)
    return found.items()


def _vendor_requests(sides: _Sides) -> Iterable[tuple[str, str]]:
    found: dict[str, str] = {}
    for request in sides.scan.requests:
        if request.vendor and request.third_party:
            found.setdefault(request.vendor, request.url)
    return found.items()


def _seen(scan: Scan) -> tuple[Seen, ...]:
    found: dict[tuple[str, str], Seen] = {}
    for cookie in scan.cookies:
        if cookie.name in OWN_COOKIES or cookie.state in {"blocked", "deleted"} or not cookie.name:
            continue
        seen = Seen(
            cookie.name, "cookie", cookie.vendor, cookie.purpose, cookie.declared_lifetime, cookie.session,
            _setter(cookie), cookie.state == "expected",
        )  # fmt: skip
        old = found.get(("cookie", cookie.name))
        if old is None or (seen.lifetime or -1) > (old.lifetime or -1):
            found["cookie", cookie.name] = seen
    for key in scan.storage:
        by = key.set_by[0].url if key.set_by else key.origin
        found.setdefault(
            ("storage key", key.key), Seen(key.key, "storage key", key.vendor, key.purpose, None, False, by)
        )
    return tuple(found[key] for key in sorted(found))


def _setter(cookie: ObservedCookie) -> str:
    return cookie.set_by[0].url if cookie.set_by else cookie.domain


def _pages(scan: Scan) -> str:
    return "1 page" if len(scan.pages) == 1 else f"{len(scan.pages)} pages"


def _life(seconds: int | None, *, session: bool) -> str:
    if session:
        return "session"
    return "of unknown lifetime" if seconds is None else in_words(seconds)


def _whose(seen: Seen, catalogue: Catalogue) -> str:
    vendor = catalogue.vendors.get(seen.vendor or "")
    return f" ({vendor.name})" if vendor else ""

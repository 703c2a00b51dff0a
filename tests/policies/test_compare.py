"""Promise against practice: one finding of each kind with both sides quoted, and what is no finding."""

from __future__ import annotations

from typing import Any

import pytest

from policies.catalogue import Catalogue
from policies.compare import compare, names_vendor
from policies.declared.model import Claim, Declared, DeclaredCookie, DeclaredVendor
from policies.findings import Finding
from policies.observation import ObservedCookie, ObservedKey, ObservedRequest, PageVisit, Scan, Setter
from policies.purpose import Purpose

DAY = 86_400
COUNTER = """
name = "Counter"
company = "Counter Ireland Limited"
country = "IE"
privacy = "https://counter.example/privacy"
source = "https://counter.example/docs"
purpose = "statistics"
aliases = ["Visit Counter"]
samples = ["https://cdn.counter.example/c.js"]
[[host]]
match = "counter.example"
[[cookie]]
name = "_count"
[[cookie]]
name = "__utm?"
[[storage]]
key = "count_*"
"""
SHOP = """
name = "Shopware"
company = "Shopware AG"
country = "DE"
privacy = "https://shopware.example/privacy"
source = "https://shopware.example/docs"
purpose = "necessary"
necessary_because = "the cart the visitor asked for"
operator_hosted = true
samples = ["https://shopware.example/"]
[[cookie]]
name = "cart"
"""
CATALOGUE = Catalogue.of({"counter": COUNTER, "shopware": SHOP})
SITE = "http://shop.example/"
SCRIPT = "https://cdn.counter.example/c.js"


def seen(name: str, lifetime: int | None = None, **more: Any) -> ObservedCookie:
    given = {
        "domain": "shop.example", "declared_lifetime": lifetime, "session": lifetime is None,
        "set_by": (Setter(kind="js", url=SCRIPT if name != "cart" else SITE),),
    } | more  # fmt: skip
    return ObservedCookie(name=name, **given)


def scan(*cookies: ObservedCookie, consent: str = "accept", **parts: Any) -> Scan:
    pages = (PageVisit(url=SITE, status=200),)
    return Scan(site=SITE, started="2026-01-01T00:00:00+00:00", mode="browser", consent=consent, pages=pages,
                cookies=cookies, **parts)  # fmt: skip


def said(name: str, lifetime: int | None = None, **more: Any) -> DeclaredCookie:
    return DeclaredCookie(name=name, lifetime=lifetime, **({"quote": f"{name} is used"} | more))


def promise(*cookies: DeclaredCookie, vendors: tuple[str, ...] = ("Counter",), **claims: str) -> Declared:
    return Declared(
        language="en",
        cookies=cookies,
        vendors=tuple(DeclaredVendor(name=name, quote=f"We use {name}") for name in vendors),
        claims=tuple(Claim(kind=kind, quote=quote) for kind, quote in claims.items()),  # type: ignore[arg-type]  # tests name kinds
    )


def findings(declared: Declared, observed: Scan, kind: str | None = None) -> list[Finding]:
    return [finding for finding in compare(declared, observed, CATALOGUE) if kind in (None, finding.kind)]


def only(declared: Declared, observed: Scan, kind: str) -> Finding:
    [found] = findings(declared, observed, kind)
    return found


def test_what_is_kept_as_promised_is_no_finding() -> None:
    assert findings(promise(said("_count", 30 * DAY)), scan(seen("_count", 30 * DAY))) == []


def test_a_tracker_that_is_not_named_is_undeclared() -> None:
    found = only(promise(), scan(seen("_count", 30 * DAY)), "undeclared")
    assert (found.subject, found.severity, found.declared) == ("_count", "high", None)
    assert found.observed == f"cookie _count, 30 days, set by {SCRIPT}"
    assert "names no cookie _count (Counter)" in found.because


@pytest.mark.parametrize(("name", "severity"), [("_count", "high"), ("cart", "low"), ("mystery", "medium")])
def test_how_grave_an_undeclared_cookie_is_depends_on_what_it_is_for(name: str, severity: str) -> None:
    by = (Setter(kind="http", url=SITE),)
    assert only(promise(), scan(seen(name, DAY, set_by=by)), "undeclared").severity == severity


def test_an_undeclared_storage_key_is_a_finding_too() -> None:
    key = ObservedKey(kind="local", origin="http://shop.example", key="count_seen")
    found = only(promise(), scan(storage=(key,)), "undeclared")
    assert (found.subject, found.severity) == ("count_seen", "high")


def test_a_name_is_understood_as_people_write_it() -> None:
    for written in ("_utma", "__utma", "__utm*", "utma"):
        declared = promise(said(written, 730 * DAY))
        assert findings(declared, scan(seen("__utma", 730 * DAY)), "undeclared") == [], written


def test_what_is_declared_but_never_seen_is_mentioned_without_alarm() -> None:
    found = only(promise(said("_gone", DAY)), scan(), "not_observed")
    assert (found.subject, found.severity, found.declared, found.observed) == ("_gone", "low", "_gone is used", None)
    assert "1 page;" in found.because


def test_pixels_are_not_missed_among_cookies() -> None:
    assert findings(promise(said("Counter pixel", kind="pixel")), scan(), "not_observed") == []


@pytest.mark.parametrize(
    ("asked", "declared", "kind", "severity"),
    [
        (730 * DAY, 365 * DAY, "lifetime_longer", "high"),
        (365 * DAY, 730 * DAY, "lifetime_shorter", "low"),
        (731 * DAY, 730 * DAY, None, ""),
        (182 * DAY + DAY // 2, 180 * DAY, None, ""),
        (400 * DAY, 390 * DAY, None, ""),
        (410 * DAY, 390 * DAY, "lifetime_longer", "high"),
        (60, 0, None, ""),
    ],
)
def test_lifetimes_differ_beyond_what_a_calendar_explains(
    asked: int, declared: int, kind: str | None, severity: str
) -> None:
    found = findings(promise(said("_count", declared)), scan(seen("_count", asked)))
    assert [(finding.kind, finding.severity) for finding in found] == ([(kind, severity)] if kind else [])


def test_a_lifetime_finding_quotes_both_sides_and_says_by_how_much() -> None:
    cookie = said("_count", 365 * DAY, quote="_count lives for one year", lifetime_text="one year")
    found = only(promise(cookie), scan(seen("_count", 730 * DAY)), "lifetime_longer")
    assert found.declared == "_count lives for one year"
    assert found.observed == f"cookie _count, 2 years, set by {SCRIPT}"
    assert found.because == "declared 1 year, asked for 2 years: 1 year longer"


def test_the_browsers_cap_is_no_excuse() -> None:
    cookie = seen("_count", 730 * DAY, effective_lifetime=400 * DAY)
    assert only(promise(said("_count", 400 * DAY)), scan(cookie), "lifetime_longer").severity == "high"


def test_a_session_that_was_promised_must_end_with_the_session() -> None:
    declared = promise(said("_count", session=True, lifetime_text="session"))
    assert only(declared, scan(seen("_count", 30 * DAY)), "lifetime_longer").because.startswith("declared session")
    assert findings(declared, scan(seen("_count"))) == []


def test_one_of_several_statements_that_is_kept_is_enough() -> None:
    declared = promise(said("_count", 30 * DAY), said("_count", 730 * DAY))
    assert findings(declared, scan(seen("_count", 730 * DAY)), "lifetime_longer") == []


def test_a_recipient_that_is_not_named_is_a_finding() -> None:
    request = ObservedRequest(url=SCRIPT, page=SITE, type="script", third_party=True)
    declared = promise(vendors=())
    found = only(declared, scan(requests=(request,)), "vendor_undeclared")
    assert (found.subject, found.severity, found.observed) == ("Counter", "high", SCRIPT)
    assert "Counter Ireland Limited (IE)" in found.because
    assert "GDPR 13(1)(e)" in found.because


def test_a_recipient_whose_cookie_is_listed_is_half_told() -> None:
    found = only(promise(said("_count", DAY), vendors=()), scan(seen("_count", DAY)), "vendor_undeclared")
    assert found.severity == "medium"


@pytest.mark.parametrize("name", ["Counter", "Visit Counter", "Counter Ireland Limited", "the Counter service"])
def test_a_vendor_is_named_by_any_of_its_names(name: str) -> None:
    assert names_vendor(name, CATALOGUE.vendors["counter"])
    assert findings(promise(said("_count", DAY), vendors=(name,)), scan(seen("_count", DAY)), "vendor_undeclared") == []


def test_software_of_the_shop_itself_is_no_recipient() -> None:
    assert findings(promise(vendors=()), scan(seen("cart")), "vendor_undeclared") == []


def test_an_unheard_of_host_that_follows_visitors_is_no_secret() -> None:
    request = ObservedRequest(url="https://pix.example/1", page=SITE, type="image", third_party=True)
    by = (Setter(kind="http", url="https://pix.example/1"),)
    cookie = seen("who", DAY, domain="pix.example", first_party=False, set_by=by)
    found = only(promise(said("who", DAY)), scan(cookie, requests=(request,)), "vendor_undeclared")
    assert (found.subject, found.severity) == ("pix.example", "high")


def test_a_tracker_called_necessary_is_a_grave_mismatch() -> None:
    found = only(promise(said("_count", DAY, purpose=Purpose.NECESSARY)), scan(seen("_count", DAY)), "purpose_mismatch")
    assert (found.severity, found.declared) == ("high", "_count is used")
    assert found.observed is not None
    assert "declared as necessary, known to be for statistics (Counter)" in found.because
    other = only(promise(said("_count", DAY, purpose=Purpose.MARKETING)), scan(seen("_count", DAY)), "purpose_mismatch")
    assert other.severity == "medium"


def test_a_tracker_before_any_choice_is_the_gravest() -> None:
    request = ObservedRequest(url=SCRIPT, page=SITE, type="script", third_party=True)
    observed = scan(seen("_count", DAY), consent="none", requests=(request,))
    found = findings(promise(said("_count", DAY)), observed)
    assert [(finding.kind, finding.subject) for finding in found] == [
        ("before_consent", "Counter"), ("before_consent", "_count"),
    ]  # fmt: skip
    assert {finding.severity for finding in found} == {"high"}
    refused = findings(promise(said("_count", DAY)), scan(seen("_count", DAY), consent="reject"))
    assert "although the visitor refused" in refused[0].because


def test_what_is_necessary_may_come_before_consent() -> None:
    assert findings(promise(said("cart", session=True)), scan(seen("cart"), consent="none")) == []


@pytest.mark.parametrize(
    ("kind", "consent", "contradicted"),
    [
        ("only_necessary", "accept", True),
        ("consent_first", "none", True),
        ("consent_first", "accept", False),
        ("browser_settings_only", "none", True),
        ("no_personal_data", "accept", True),
        ("anonymised", "accept", True),
        ("not_shared", "accept", True),
    ],
)
def test_a_claim_is_contradicted_by_what_was_seen(kind: str, consent: str, *, contradicted: bool) -> None:
    request = ObservedRequest(url=SCRIPT, page=SITE, type="script", third_party=True)
    declared = promise(said("_count", 90 * DAY), **{kind: "We promise."})
    observed = scan(seen("_count", 90 * DAY), consent=consent, requests=(request,))
    found = findings(declared, observed, "claim_contradicted")
    assert bool(found) is contradicted
    for finding in found:
        assert (finding.declared, finding.severity) == ("We promise.", "high")
        assert finding.observed
        assert ", but " in finding.because


def test_a_claim_that_nothing_speaks_against_stands() -> None:
    declared = promise(said("cart", session=True), only_necessary="Only necessary cookies.", not_shared="Never shared.")
    assert findings(declared, scan(seen("cart"))) == []


def test_an_identifier_that_is_soon_gone_contradicts_no_anonymity() -> None:
    declared = promise(said("_count", DAY), anonymised="All data is anonymised.")
    assert findings(declared, scan(seen("_count", DAY)), "claim_contradicted") == []


def test_blocked_and_expected_cookies_are_not_held_against_a_site() -> None:
    observed = scan(seen("_count", DAY, state="blocked"), seen("__utma", DAY, state="expected"), consent="none")
    assert findings(promise(), observed, "undeclared") == []
    assert findings(promise(), observed, "before_consent") == []


def test_findings_come_by_severity_and_repeatably() -> None:
    observed = scan(seen("_count", 730 * DAY), seen("mystery", DAY, set_by=()), consent="none")
    declared = promise(said("_count", DAY), said("_gone", DAY), vendors=())
    found = findings(declared, observed)
    order = ["high", "medium", "low"]
    assert [finding.severity for finding in found] == sorted((f.severity for f in found), key=order.index)
    assert found == findings(declared, observed)
    assert len(set(found)) == len(found)

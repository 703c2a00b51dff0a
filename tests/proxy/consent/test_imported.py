"""Choices in other tools' cookies, as those tools write them; and no bytes that break the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from consent_site import SHOP
from hypothesis import given
from hypothesis import strategies as st

from policies.purpose import CONSENTABLE, Consent, Purpose
from proxy.consent.imported import Import, cookies_of, found
from proxy.consent.settings import Tool

TOOLS: tuple[Tool, ...] = ("cookiebot", "onetrust", "klaro", "vanilla-cookieconsent", "piwik-pro")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
WEEK_AGO = int(NOW) - 7 * 86_400
LIFETIME = 180 * 86_400
PREFERENCES, STATISTICS, MARKETING = CONSENTABLE
ISO = "2026-11-13T12:00:00.000Z"


def cookiebot(granted: frozenset[Purpose], at: int = WEEK_AGO, method: str = "explicit") -> str:
    said = ",".join(f"{each}:{str(each in granted).lower()}" for each in CONSENTABLE)
    return quote(f"{{stamp:'mE2x/+a==',necessary:true,{said},method:'{method}',ver:1,utc:{at}000,region:'no'}}")


def onetrust(granted: frozenset[Purpose]) -> str:
    groups = {"C0001": True, "C0002": STATISTICS in granted, "C0003": PREFERENCES in granted}
    groups |= dict.fromkeys(("C0004", "C0005"), MARKETING in granted)
    said = quote(",".join(f"{name}:{int(on)}" for name, on in groups.items()))
    return f"isGpcEnabled=0&version=202405.1.0&interactionCount=1&groups={said}&AwaitingReconsent=false"


def vanilla(granted: frozenset[Purpose]) -> str:
    names = {PREFERENCES: "functionality", STATISTICS: "analytics", MARKETING: "ads"}
    record = {
        "categories": ["necessary", *(names[each] for each in CONSENTABLE if each in granted)],
        "revision": 0, "data": None, "consentId": "6c6d", "services": {}, "languageCode": "nb",
        "consentTimestamp": ISO, "lastConsentTimestamp": ISO, "expirationTime": 1763993571927,
    }  # fmt: skip
    return quote(json.dumps(record))


def piwik_pro(granted: frozenset[Purpose]) -> str:
    kinds = {"analytics": STATISTICS, "ab_testing_and_personalization": PREFERENCES, "remarketing": MARKETING}
    consents = {kind: {"status": int(each in granted), "updatedAt": ISO} for kind, each in kinds.items()}
    return quote(json.dumps({"visitorId": "b1", "domain": {"normalized": "shop.example"}, "consents": consents}))


WRITERS = {
    "cookiebot": lambda granted: f"CookieConsent={cookiebot(granted)}",
    "onetrust": lambda granted: f"OptanonConsent={onetrust(granted)}; OptanonAlertBoxClosed={ISO}",
    "vanilla-cookieconsent": lambda granted: f"cc_cookie={vanilla(granted)}",
    "piwik-pro": lambda granted: f"ppms_privacy_1b2c-3d4e={piwik_pro(granted)}",
}


def read(header: str, *tools: Tool) -> Import | None:
    return found(cookies_of(header.encode()), tools or TOOLS, NOW, LIFETIME)


@pytest.mark.parametrize("tool", WRITERS)
@given(granted=st.frozensets(st.sampled_from(CONSENTABLE)))
def test_what_a_tool_has_written_is_read_back_and_dated(tool: Tool, granted: frozenset[Purpose]) -> None:
    decision = read(f"a=1; {WRITERS[tool](granted)}; b=2", tool)
    assert decision == Import(tool, granted, (), WEEK_AGO)
    assert decision.consent(SHOP) == Consent(granted, (), decided=True)


@given(answers=st.dictionaries(st.text(max_size=20), st.booleans(), min_size=1, max_size=8), escaped=st.booleans())
def test_klaros_services_are_read_by_name(answers: dict[str, bool], escaped: bool) -> None:
    text = json.dumps(answers)
    decision = read("klaro=" + (quote(text) if escaped or set(text) & set(';" \\') else text))
    assert decision == Import("klaro", frozenset(), tuple(sorted(answers.items())), None)


def test_services_count_for_the_vendors_of_this_site_only() -> None:
    decision = Import("klaro", frozenset(), (("googleAnalytics", True), ("hotjar", True), ("meta-pixel", False)))
    granted = (("google-analytics", True), ("meta-pixel", False))
    assert decision.consent(SHOP) == Consent(frozenset(), granted, decided=True)


def test_a_yes_to_nothing_that_is_asked_here_is_not_taken_for_a_no() -> None:
    assert Import("klaro", frozenset(), (("hotjar", True),)).consent(SHOP) is None
    assert Import("klaro", frozenset(), (("hotjar", False),)).consent(SHOP) == Consent(decided=True)
    assert (
        read(f"cc_cookie={quote(json.dumps({'categories': ['necessary', 'maps'], 'consentTimestamp': ISO}))}") is None
    )


@pytest.mark.parametrize(
    "header",
    [
        "CookieConsent=-1",
        "CookieConsent=0",
        "CookieConsent=true",
        f"CookieConsent={cookiebot(frozenset(CONSENTABLE), method='implied')}",
        f"CookieConsent={cookiebot(frozenset(CONSENTABLE), at=int(NOW) - LIFETIME - 9)}",
        f"CookieConsent={cookiebot(frozenset(CONSENTABLE), at=int(NOW) + 9999)}",
        f"OptanonConsent={onetrust(frozenset(CONSENTABLE))}",
        f"OptanonConsent=groups=C0002:9; OptanonAlertBoxClosed={ISO}",
        "klaro={}",
        'klaro={"a":1}',
        "cc_cookie=%7B%22categories%22%3A%5B%22analytics%22%5D%7D",
        "ppms_privacy_x=" + quote(json.dumps({"consents": {"analytics": {"status": -1}}})),
        "ppms_privacy_x=" + quote(json.dumps({"consents": {"analytics": {"status": True}}})),
        "ppms_privacy_bar_1b2c=" + piwik_pro(frozenset(CONSENTABLE)),
        "ppms_privacy=" + piwik_pro(frozenset(CONSENTABLE)),
        "CookieConsent=" + "a" * 9000,
    ],
)
def test_what_is_no_decision_or_too_old_is_left_alone(header: str) -> None:
    assert read(header) is None


YES = "groups=C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CC0004%3A1"


@pytest.mark.parametrize(
    "said",
    [
        f"interactionCount=0&landingPath=https%3A%2F%2Fshop.example%2F&{YES}",
        f"interactionCount=&{YES}",
        f"interactionCount=1&{YES}&intType=3",
        f"interactionCount=2&{YES}&intType=1&AwaitingReconsent=true",
    ],
)
def test_a_onetrust_banner_that_was_only_closed_or_asks_again_is_no_decision(said: str) -> None:
    assert read(f"OptanonConsent=isGpcEnabled=0&{said}; OptanonAlertBoxClosed={ISO}") is None


def test_a_onetrust_banner_that_was_answered_is_one_with_or_without_the_newer_field() -> None:
    for more in ("", "&intType=1"):
        said = read(f"OptanonConsent=interactionCount=1&{YES}{more}; OptanonAlertBoxClosed={ISO}")
        assert said is not None
        assert said.purposes == set(CONSENTABLE)


def test_klaros_no_counts_although_its_required_services_are_always_on() -> None:
    said = read("klaro=" + quote(json.dumps({"session": True, "google-analytics": False, "meta-pixel": False})))
    assert said is not None
    refused = (("google-analytics", False), ("meta-pixel", False))
    assert said.consent(SHOP) == Consent(frozenset(), refused, decided=True)


def test_only_the_named_tools_are_read() -> None:
    assert read(WRITERS["cookiebot"](frozenset(CONSENTABLE)), "klaro", "onetrust") is None


def test_marketing_needs_every_group_that_means_it() -> None:
    said = read(f"OptanonConsent=groups=C0002%3A1%2CC0004%3A1%2CC0005%3A0; OptanonAlertBoxClosed={ISO}")
    assert said is not None
    assert said.purposes == {STATISTICS}


NAMES = ("CookieConsent", "OptanonConsent", "klaro", "cc_cookie", "ppms_privacy_a", "OptanonAlertBoxClosed")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["categories", "consents", "analytics", "status", "updatedAt", "consentTimestamp", "level"]),
        inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(NAMES), st.text(max_size=60).map(quote) | JSON.map(json.dumps).map(quote)), max_size=6
    ),
    raw=st.binary(max_size=80),
)
def test_any_cookie_header_is_a_decision_or_none_and_grants_only_what_is_asked(
    pairs: list[tuple[str, str]], raw: bytes
) -> None:
    header = "; ".join(f"{name}={value}" for name, value in pairs).encode() + b"; CookieConsent=" + raw
    decision = found(cookies_of(header), TOOLS, NOW, LIFETIME)
    if decision is not None and (consent := decision.consent(SHOP)) is not None:
        assert consent.purposes <= set(SHOP.purposes)
        assert {vendor for vendor, _ in consent.vendors} <= {vendor.id for vendor in SHOP.vendors}

"""Tokens, origins, what is recorded of a client, leftovers, and how a site policy is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from consent_site import SHOP
from hypothesis import given
from hypothesis import strategies as st

from policies.purpose import ACCEPT, CONSENTABLE, REJECT, Consent, Purpose
from policies.site_policy import PolicyCookie, PolicyHost, PolicyKey, PolicyVendor, SitePolicy
from proxy.consent import token
from proxy.consent.client import RateLimit, coarse_agent, is_robot, truncated
from proxy.consent.leftovers import MAX_LINES, Leftovers
from proxy.consent.origin import origin_of
from proxy.consent.site_notice import CookieNotice, SiteNotice, VendorNotice, of_policy, unscanned
from runtime.keys import new_keys

KEYS = new_keys(datetime(2026, 1, 1, tzinfo=UTC))
SHOWN = token.NoticeToken("shop", "ab" * 32, "nonce-nonce-nonc", 1_800_000_000, "preferences")


def test_a_token_says_which_notice_was_rendered_and_for_which_site() -> None:
    text = token.issue(KEYS.hmac, SHOWN)
    assert len(text) < 200
    assert token.read(KEYS.hmac, "shop", text) == SHOWN
    assert token.read(KEYS.hmac, "other", text) is None
    assert token.read(KEYS.hmac, "shop", text[:-1]) is None


@pytest.mark.parametrize(("after", "fresh"), [(-400, False), (-299, True), (0, True), (1800, True), (1801, False)])
def test_a_token_is_good_for_half_an_hour(after: int, fresh: bool) -> None:
    assert SHOWN.fresh(SHOWN.issued + after) is fresh


@given(st.text(max_size=100))
def test_no_other_text_is_a_token(text: str) -> None:
    assert token.read(KEYS.hmac, "shop", text) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, "own"),
        ({"Sec-Fetch-Site": "none"}, "own"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"}, "foreign"),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://evil.shop.example"}, "foreign"),
        ({"Origin": "https://shop.example"}, "own"),
        ({"Origin": "http://SHOP.example"}, "own"),
        ({"Origin": "https://shop.example:8443"}, "foreign"),
        ({"Origin": "https://shop.example.evil.example"}, "foreign"),
        ({"Origin": "null"}, "unknown"),
        ({"Sec-Fetch-Site": "nonsense"}, "unknown"),
        ({"Origin": "http://[::1"}, "foreign"),
        ({}, "unknown"),
    ],
)
def test_where_a_request_comes_from(headers: dict[str, str], expected: str) -> None:
    assert origin_of(headers, "shop.example") == expected


def test_siblings_count_as_own_only_where_they_share_the_choice() -> None:
    headers = {"Sec-Fetch-Site": "same-site", "Origin": "https://www.shop.example"}
    assert origin_of(headers, "shop.example", "shop.example") == "own"
    headers["Origin"] = "https://notshop.example"
    assert origin_of(headers, "shop.example", "shop.example") == "foreign"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", None),
        (None, None),
        ("unix:", None),
    ],
)
def test_an_address_is_cut_to_its_network(address: str | None, kept: str | None) -> None:
    assert truncated(address) == kept


def test_a_user_agent_is_told_coarsely() -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.1.2 Safari/537.36"
    assert coarse_agent(chrome) == "Chrome 156, Linux"
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.1 Mobile/15E148 Safari/604.1"
    assert coarse_agent(phone) == "Safari 17, iOS"
    assert coarse_agent("\x00 secret") == "other, other"
    assert coarse_agent(None) is None
    assert is_robot("Mozilla/5.0 (compatible; Googlebot/2.1)")
    assert not is_robot(chrome)


def test_a_client_gets_its_share_back_evenly_and_clients_are_forgotten() -> None:
    limit = RateLimit(2, clients=2)
    assert [limit.take("a", 0), limit.take("a", 0), limit.take("a", 0)] == [True, True, False]
    assert limit.take("b", 0)
    assert limit.take("a", 30)
    assert not limit.take("a", 30)
    limit.take("c", 31)
    limit.take("d", 31)
    assert limit.take("a", 31)
    assert all(RateLimit(0).take("a", 0) for _ in range(1000))


def test_what_is_not_consented_to_is_expired_for_host_parents_and_folders() -> None:
    lines = Leftovers(SHOP).expiries(
        REJECT, b"_fbp=1; _ga_ABC=2; cart=3; sid=4", host="www.shop.example", page="/shop/boots?x", secure=False
    )
    where = {line.partition("; Expires")[0] for line in lines}
    assert {
        "_fbp=; Path=/",
        "_fbp=; Path=/; Domain=www.shop.example",
        "_fbp=; Path=/; Domain=shop.example",
        "_ga_ABC=; Path=/; Domain=shop.example",
        "_fbp=; Path=/shop",
        "_fbp=; Path=/shop/boots; Domain=shop.example",
        "__utma=; Path=/shop",
    } <= where
    assert not [line for line in lines if line.startswith(("cart", "sid", "_ga_*"))]
    assert all("Max-Age=0" in line for line in lines)
    assert len("\n".join(lines)) < 3500


def test_a_kept_purpose_keeps_its_cookies_and_an_accept_expires_nothing() -> None:
    consent = Consent.of(["statistics"], [("matomo", False)])
    assert "__utma" not in Leftovers(SHOP).refused(consent)
    assert "_pk_id.*" in Leftovers(SHOP).refused(consent)
    assert Leftovers(SHOP).expiries(ACCEPT, b"_fbp=1", host="shop.example", page="/", secure=True) == []


def test_hundreds_of_refused_cookies_fit_into_one_answer_and_those_that_are_there_come_first() -> None:
    cookies = (*(CookieNotice(f"_c{number}") for number in range(400)), CookieNotice("_z_*"))
    crowd = SiteNotice("shop", (VendorNotice("many", "Many", "", "", "", Purpose.MARKETING, cookies),))
    lines = Leftovers(crowd).expiries(REJECT, b"_z_1=1; _c399=1", host="shop.example", page="/", secure=False)
    assert len(lines) == MAX_LINES
    assert [line.partition("=")[0] for line in lines[:6]] == ["_z_1", "_z_1", "_c399", "_c399", "_c0", "_c0"]


@given(st.binary(max_size=120), st.text(max_size=40), st.text(max_size=40))
def test_no_input_breaks_out_of_a_set_cookie_line(header: bytes, host: str, page: str) -> None:
    for line in Leftovers(SHOP).expiries(
        REJECT, header, host=host.encode("ascii", "replace").decode(), page=page, secure=True
    ):
        assert line.isprintable() or "\x00" not in line
        assert "\r" not in line
        assert "\n" not in line


POLICY = SitePolicy(
    site="shop",
    hash="h",
    material="m",
    vendors=(PolicyVendor(id="matomo", name="Matomo", company="InnoCraft", country="NZ", privacy="https://m.example"),),
    cookies=(
        PolicyCookie(name="sid", purpose=Purpose.NECESSARY, session=True, because="session of the cart"),
        PolicyCookie(name="_pk_id.*", vendor="matomo", purpose=Purpose.STATISTICS, lifetime=395 * 86_400),
        PolicyCookie(name="uid", domain="ads.example", purpose=Purpose.MARKETING, first_party=False),
        PolicyCookie(name="mystery"),
    ),
    storage=(PolicyKey(kind="local", key="mtm", vendor="matomo", purpose=Purpose.STATISTICS),),
    contacts=(
        PolicyHost(host="cdn.matomo.example", vendor="matomo", purpose=Purpose.STATISTICS, tracker=True),
        PolicyHost(host="px.example", purpose=Purpose.MARKETING, tracker=True),
        PolicyHost(host="unknown.example"),
    ),
)


def test_a_site_policy_is_told_by_purpose_and_recipient() -> None:
    notice = of_policy(POLICY, owner="Fjordstua")
    told = [(entry.purpose.value, entry.id, entry.name, [c.name for c in entry.cookies]) for entry in notice.vendors]
    assert told == [
        ("necessary", "", "Fjordstua", ["sid"]),
        ("statistics", "matomo", "Matomo", ["_pk_id.*", "mtm"]),
        ("marketing", "", "ads.example", ["uid"]),
        ("marketing", "", "px.example", []),
    ]
    assert notice.vendors[0].because == "session of the cart"
    assert (notice.policy, notice.material) == ("h", "m")
    assert notice.purposes == (Purpose.STATISTICS, Purpose.MARKETING)
    assert notice.outcome(REJECT) == ({"statistics": False, "marketing": False}, {"matomo": False})


def test_without_a_policy_every_purpose_is_asked_for() -> None:
    assert unscanned("shop").purposes == CONSENTABLE

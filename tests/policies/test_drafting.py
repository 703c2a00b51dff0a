"""Scans, catalogue and the operator's words become one draft; a draft is nobody's law until it is published."""

from __future__ import annotations

from typing import Any

from made_up_vendor import COUNTER

from policies.catalogue import Catalogue
from policies.drafting import draft_policy, find_override
from policies.observation import ObservedCookie, ObservedKey, ObservedRequest, Scan, Setter
from policies.purpose import Purpose
from policies.site_policy import Override, PolicyCookie, PolicyHost, SitePolicy, content_hash

DAY = 86_400
FACTS = f"""{COUNTER}
[[cookie]]
name = "_count.*"
about = "Counts visits"
[[storage]]
key = "count_*"
"""
CATALOGUE = Catalogue.of({"counter": FACTS})
SITE = "http://shop.example/"


def scan(**parts: Any) -> Scan:
    return Scan(site=SITE, started="2026-01-01T00:00:00+00:00", mode="browser", **parts)


def cookie(name: str, lifetime: int | None = None, **more: Any) -> ObservedCookie:
    given = {"domain": "shop.example", "declared_lifetime": lifetime, "session": lifetime is None} | more
    return ObservedCookie(name=name, **given)


def request(url: str, type_: str = "script") -> ObservedRequest:
    return ObservedRequest(url=url, page=SITE, type=type_, third_party=True)


def draft(*scans: Scan, overrides: tuple[Override, ...] = ()) -> SitePolicy:
    return draft_policy(scans, CATALOGUE, site="shop", hosts=["www.shop.example", "shop.example"], overrides=overrides)


def test_cookies_of_one_pattern_are_one_entry_with_the_longest_lifetime() -> None:
    found = draft(scan(cookies=(cookie("_count.1", 30 * DAY), cookie("_count.2", 60 * DAY), cookie("_count.3", DAY))))
    assert found.cookies == (
        PolicyCookie(
            name="_count.*", vendor="counter", purpose=Purpose.STATISTICS, lifetime=60 * DAY,
            because="cookie _count.* is Counter's", about="Counts visits",
        ),
    )  # fmt: skip


def test_an_unknown_cookie_keeps_its_name_and_has_no_purpose() -> None:
    [found] = draft(scan(cookies=(cookie("basket"),))).cookies
    assert (found.name, found.purpose, found.session) == ("basket", None, True)


def test_our_own_cookies_and_refused_ones_stay_out() -> None:
    seen = scan(cookies=(cookie("samtykke"), cookie("samtykke_purposes"), cookie("never", state="blocked")))
    assert draft(seen).cookies == ()


def test_a_contact_tells_what_it_serves_and_why_it_tracks() -> None:
    seen = scan(
        requests=(
            request("https://counter.example/c.js"),
            request("https://counter.example/p.gif", "image"),
            request("https://cdn.example/a.css", "stylesheet"),
            request("https://cdn.example/x", "xhr"),
            request("http://www.shop.example/own.js"),
        )
    )
    counter, cdn = sorted(draft(seen).contacts, key=lambda contact: contact.host, reverse=True)
    assert counter == PolicyHost(
        host="counter.example", vendor="counter", purpose=Purpose.STATISTICS, tracker=True,
        kinds=("image", "script"), because="counter.example belongs to Counter",
    )  # fmt: skip
    assert (cdn.host, cdn.tracker, cdn.kinds) == ("cdn.example", False, ("connect", "style"))


def test_several_scans_are_one_draft() -> None:
    one = scan(cookies=(cookie("a"),), requests=(request("https://counter.example/c.js"),))
    two = scan(cookies=(cookie("b"),), requests=(request("https://counter.example/p.gif", "image"),))
    found = draft(one, two)
    assert [entry.name for entry in found.cookies] == ["a", "b"]
    assert found.contacts[0].kinds == ("image", "script")
    assert content_hash(found) == content_hash(draft(two, one))


def test_the_operators_word_replaces_what_was_found() -> None:
    overrides = (
        Override(kind="cookie", match="_count.*", purpose=Purpose.NECESSARY, reason="billing"),
        Override(kind="host", match="counter.example", purpose=Purpose.NECESSARY, vendor="ours"),
        Override(kind="storage", match="count_*", purpose=Purpose.PREFERENCES),
        Override(kind="cookie", match="a", purpose=Purpose.MARKETING, site="another"),
    )
    seen = scan(
        cookies=(cookie("_count.1", DAY), cookie("a")),
        storage=(ObservedKey(kind="local", origin="http://shop.example", key="count_1"),),
        requests=(request("https://cdn.counter.example/c.js"),),
    )
    found = draft(seen, overrides=overrides)
    cookies = {entry.name: entry for entry in found.cookies}
    assert cookies["_count.*"].purpose is Purpose.NECESSARY
    assert cookies["_count.*"].because == "billing"
    assert cookies["a"].purpose is None
    [contact] = found.contacts
    assert (contact.purpose, contact.vendor, contact.tracker) == (Purpose.NECESSARY, "ours", False)
    assert found.storage[0].purpose is Purpose.PREFERENCES
    assert found.overrides == overrides[:3]


def test_the_vendors_behind_it_are_named() -> None:
    setter = Setter(kind="js", url="https://counter.example/c.js")
    found = draft(scan(cookies=(cookie("_count.1", DAY, set_by=(setter,)),)))
    [vendor] = found.vendors
    assert (vendor.id, vendor.company, vendor.country) == ("counter", "Counter AS", "NO")


def test_a_draft_is_unhashed_sorted_and_says_what_it_was_compiled_from() -> None:
    found = draft(scan(cookies=(cookie("z"), cookie("a"))))
    assert (found.hash, found.material) == ("", "")
    assert found.hosts == ("shop.example", "www.shop.example")
    assert found.catalogue == CATALOGUE.digest
    assert [entry.name for entry in found.cookies] == ["a", "z"]


def test_an_override_of_a_host_covers_what_is_below_it_and_no_more() -> None:
    override = Override(kind="host", match="a.example", purpose=Purpose.NECESSARY)
    assert find_override([override], ("host",), "a.example") is override
    assert find_override([override], ("host",), "b.a.example") is override
    assert find_override([override], ("host",), "ba.example") is None
    assert find_override([override], ("frame",), "a.example") is None

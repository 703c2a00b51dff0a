"""The enforced document: equal knowledge is equal bytes, tampering is noticed, and what is material is a table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.policy_changes import policy_changes
from policies.purpose import Purpose
from policies.site_policy import (
    Override,
    PolicyCookie,
    PolicyHost,
    PolicyKey,
    PolicyVendor,
    SitePolicy,
    content_hash,
    in_force,
    is_material,
)

DAY = 86_400
COOKIE = PolicyCookie(name="_c", vendor="counter", purpose=Purpose.STATISTICS, lifetime=90 * DAY)
SESSION = PolicyCookie(name="sid", purpose=Purpose.NECESSARY, session=True)
KEY = PolicyKey(kind="local", key="c_key", vendor="counter", purpose=Purpose.STATISTICS)
HOST = PolicyHost(host="counter.example", vendor="counter", purpose=Purpose.STATISTICS, tracker=True)
VENDOR = PolicyVendor(id="counter", name="Counter", company="Counter AS", country="NO", purpose=Purpose.STATISTICS)


def policy(**parts: Any) -> SitePolicy:
    base: dict[str, Any] = {
        "site": "shop", "hosts": ("shop.example",), "vendors": (VENDOR,),
        "cookies": (COOKIE, SESSION), "storage": (KEY,), "contacts": (HOST,),
    }  # fmt: skip
    return SitePolicy(**(base | parts))


def other(part: Any, **changes: Any) -> Any:
    return part.model_copy(update=changes)


def test_the_same_knowledge_is_the_same_hash() -> None:
    assert content_hash(policy()) == content_hash(policy())
    assert content_hash(in_force(policy(), None)) == content_hash(policy())
    assert content_hash(policy(cookies=(COOKIE,))) != content_hash(policy())


def test_a_document_survives_being_written_and_read() -> None:
    published = in_force(policy(overrides=(Override(kind="cookie", match="sid", purpose="necessary"),)), None)
    text = published.to_json()
    assert SitePolicy.from_json(text) == published
    assert SitePolicy.from_json(text).to_json() == text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["cookies"][0].update(purpose="necessary"),
        lambda found: found["cookies"].pop(),
        lambda found: found["contacts"][0].update(tracker=False),
        lambda found: found["overrides"].append({"kind": "host", "match": "counter.example", "purpose": "necessary"}),
        lambda found: found.update(hash="0" * 64),
    ],
)
def test_a_document_that_was_changed_after_publishing_is_refused(change: Any) -> None:
    found = json.loads(in_force(policy(), None).to_json())
    change(found)
    with pytest.raises(ValueError, match=r"shop\.json: .*hash does not match"):
        SitePolicy.from_json(json.dumps(found), source="shop.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "policy: document: "),
        ("{}", "policy: site: Field required"),
        ('{"site": "a", "cookies": [{"name": "a", "purpose": "spying"}]}', r"policy: cookies\.0\.purpose: "),
        ('{"site": "a", "spare": 1}', "policy: spare: Extra inputs"),
        ('{"site": "a", "hash": "11"}', "hash does not match"),
    ],
)
def test_a_broken_document_is_an_error_that_names_the_key(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SitePolicy.from_json(text, source="policy")


@given(st.text(max_size=60))
def test_any_text_is_a_policy_or_a_clear_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"^p: "):
        SitePolicy.from_json(text, source="p")


LONGER = other(COOKIE, lifetime=180 * DAY)
MATERIAL = {
    "nothing": ({}, False),
    "another hash of the catalogue": ({"catalogue": "ff"}, False),
    "a cookie is gone": ({"cookies": (SESSION,)}, False),
    "a shorter lifetime": ({"cookies": (other(COOKIE, lifetime=DAY), SESSION)}, False),
    "a second more, as dates make it": ({"cookies": (other(COOKIE, lifetime=90 * DAY + 1), SESSION)}, False),
    "a session instead": ({"cookies": (other(COOKIE, lifetime=None, session=True), SESSION)}, False),
    "another reason": ({"cookies": (other(COOKIE, because="seen again"), SESSION)}, False),
    "a new necessary cookie": ({"cookies": (COOKIE, SESSION, other(SESSION, name="csrf"))}, False),
    "a new cookie of unknown purpose": ({"cookies": (COOKIE, SESSION, PolicyCookie(name="x"))}, False),
    "a new host that does not track": ({"contacts": (HOST, PolicyHost(host="cdn.example"))}, False),
    "another host of a vendor already named": ({"contacts": (HOST, other(HOST, host="b.counter.example"))}, False),
    "a host of a vendor already named turns out to track": (
        {"contacts": (HOST, other(HOST, host="b.counter.example"))},
        False,
    ),
    "a longer lifetime": ({"cookies": (LONGER, SESSION)}, True),
    "a session that becomes lasting": ({"cookies": (COOKIE, other(SESSION, purpose=Purpose.STATISTICS))}, True),
    "a new tracker's cookie": ({"cookies": (COOKIE, SESSION, other(COOKIE, name="_d"))}, True),
    "a new purpose of a cookie": ({"cookies": (other(COOKIE, purpose=Purpose.MARKETING), SESSION)}, True),
    "a new vendor of a cookie": ({"cookies": (other(COOKIE, vendor="other"), SESSION)}, True),
    "a new tracker's key": ({"storage": (KEY, other(KEY, key="d_key"))}, True),
    "a new tracker's host": ({"contacts": (HOST, PolicyHost(host="t.example", tracker=True))}, True),
    "a host that turns out to track": ({"contacts": (HOST, other(HOST, host="x.example", vendor="x"))}, True),
}


@pytest.mark.parametrize(("parts", "material"), MATERIAL.values(), ids=MATERIAL)
def test_only_what_tracks_more_or_longer_asks_again(parts: dict[str, Any], *, material: bool) -> None:
    before, after = in_force(policy(), None), policy(**parts)
    assert is_material(before, after) is material
    published = in_force(after, before)
    assert published.material == (published.hash if material else before.material)


def test_a_cookie_that_was_a_session_and_lasts_now_is_material() -> None:
    old = policy(cookies=(other(COOKIE, lifetime=None, session=True),))
    assert is_material(old, policy(cookies=(COOKIE,)))


def test_a_cosmetic_version_keeps_the_older_material_through_several() -> None:
    first = in_force(policy(), None)
    second = in_force(policy(catalogue="aa"), first)
    third = in_force(policy(catalogue="bb"), second)
    assert first.material == first.hash
    assert len({first.hash, second.hash, third.hash}) == 3
    assert third.material == first.hash


def test_the_purposes_come_in_the_order_they_are_shown() -> None:
    assert policy().purposes() == (Purpose.NECESSARY, Purpose.STATISTICS)


# What changed, in words.


def words(parts: dict[str, Any]) -> list[tuple[bool, str]]:
    return [(change.material, change.because) for change in policy_changes(policy(), policy(**parts))]


def test_nothing_changed_is_nothing_said() -> None:
    assert words({}) == []
    assert words({"catalogue": "ff"}) == []


def test_changes_are_said_in_words_material_ones_first() -> None:
    parts = {
        "cookies": (LONGER, other(SESSION, name="csrf")),
        "contacts": (HOST, PolicyHost(host="t.example", tracker=True, purpose=Purpose.MARKETING)),
        "storage": (other(KEY, vendor=None),),
    }
    assert words(parts) == [
        (True, "cookie _c now asks for 6 months, before for 3 months"),
        (True, "host t.example is new, for marketing"),
        (True, "storage key c_key now belongs to nobody known, before to counter"),
        (False, "cookie csrf is new, for necessary"),
        (False, "cookie sid is gone"),
    ]


def test_what_changed_materially_is_always_said() -> None:
    for parts, material in MATERIAL.values():
        assert any(said for said, _ in words(parts)) is material, parts


PURPOSES = st.sampled_from([None, *Purpose])
VENDORS = st.sampled_from([None, "a", "b"])
COOKIES = st.builds(
    PolicyCookie, name=st.sampled_from(["x", "y"]), domain=st.sampled_from(["", "d.example"]), vendor=VENDORS,
    purpose=PURPOSES, lifetime=st.sampled_from([None, DAY, 30 * DAY, 31 * DAY, 90 * DAY]), session=st.booleans(),
)  # fmt: skip
HOSTS = st.builds(
    PolicyHost,
    host=st.sampled_from(["h.example", "i.example"]),
    vendor=VENDORS,
    purpose=PURPOSES,
    tracker=st.booleans(),
)
POLICIES = st.builds(
    lambda cookies, hosts: SitePolicy(site="s", cookies=tuple(cookies), contacts=tuple(hosts)),
    st.lists(COOKIES, max_size=3, unique_by=lambda cookie: (cookie.name, cookie.domain)),
    st.lists(HOSTS, max_size=2, unique_by=lambda host: host.host),
)


@given(POLICIES, POLICIES)
def test_the_words_ask_again_exactly_when_the_document_does(old: SitePolicy, new: SitePolicy) -> None:
    assert any(change.material for change in policy_changes(old, new)) is is_material(old, new)
    assert not is_material(new, new)

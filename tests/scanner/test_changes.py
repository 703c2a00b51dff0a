"""What differs between two scans, and what of it matters."""

import time

import pytest

from policies.observation import ObservedCookie, ObservedKey, ObservedRequest, Scan, Technique
from policies.purpose import Purpose
from scanner.changes import Essence, Thing, compare, essence_of

DAY = 86_400


def scan(*cookies, storage=(), requests=(), techniques=()):
    return Scan(
        site="http://s.example/", started="2026-01-01T00:00:00Z", mode="browser",
        cookies=cookies, storage=storage, requests=requests, techniques=techniques,
    )  # fmt: skip


def cookie(name="_ga", life=730 * DAY, vendor="google-analytics", purpose=Purpose.STATISTICS, **more):
    return ObservedCookie(
        name=name,
        domain="s.example",
        declared_lifetime=life,
        session=life is None,
        vendor=vendor,
        purpose=purpose,
        **more,
    )


def changes(before, after):
    found = compare(essence_of(before), essence_of(after))
    return [(change.kind, change.name, change.material) for change in found.changes]


def test_two_equal_scans_do_not_differ():
    found = compare(essence_of(scan(cookie())), essence_of(scan(cookie())))
    assert (found.changes, found.material) == ((), False)
    assert found.in_words() == "Nothing has changed."


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (scan(), scan(cookie()), [("new", "_ga", True)]),
        (scan(cookie()), scan(), [("gone", "_ga", False)]),
        (scan(), scan(cookie("sid", None, None, Purpose.NECESSARY)), [("new", "sid", False)]),
        (scan(), scan(cookie("own", None, None, None)), [("new", "own", False)]),
        (scan(), scan(cookie("x", None, None, None, first_party=False)), [("new", "x", True)]),
        (scan(cookie(life=30 * DAY)), scan(cookie(life=390 * DAY)), [("longer_lived", "_ga", True)]),
        (scan(cookie(life=390 * DAY)), scan(cookie(life=30 * DAY)), [("shorter_lived", "_ga", False)]),
        (scan(cookie(life=None)), scan(cookie(life=30 * DAY)), [("longer_lived", "_ga", True)]),
        (scan(cookie(life=730 * DAY)), scan(cookie(life=731 * DAY)), []),
        (scan(cookie(purpose=Purpose.STATISTICS)), scan(cookie(purpose=Purpose.MARKETING)),
         [("purpose_changed", "_ga", True)]),
        (scan(cookie(vendor="google-analytics")), scan(cookie(vendor="matomo")), [("vendor_changed", "_ga", True)]),
        (scan(), scan(cookie(state="blocked")), []),
        (scan(cookie(state="expected")), scan(cookie(state="stored")), []),
    ],
)  # fmt: skip
def test_each_kind_of_difference_is_named_and_weighed(before, after, expected):
    assert changes(before, after) == expected


def test_hosts_keys_and_techniques_count_too():
    after = scan(
        storage=[
            ObservedKey(kind="local", origin="http://s.example", key="ajs", vendor="segment", purpose="marketing")
        ],
        requests=[
            ObservedRequest(url="http://t.example/a", page="http://s.example/", type="image", third_party=True),
            ObservedRequest(url="http://t.example/b", page="http://s.example/", type="image", third_party=True),
            ObservedRequest(url="http://s.example/c", page="http://s.example/", type="image"),
        ],
        techniques=[Technique(kind="canvas", script="http://t.example/f.js", page="http://s.example/")],
    )
    assert changes(scan(), after) == [("new", "t.example", True), ("new", "ajs", True), ("new", "canvas", True)]


def test_the_words_say_what_and_for_how_long():
    words = compare(essence_of(scan()), essence_of(scan(cookie()))).in_words()
    assert words == (
        "! new cookie _ga on s.example of google-analytics for statistics, kept for 2 years; "
        "google-analytics was not on the site before"
    )


def test_ten_thousand_things_are_compared_in_a_moment():
    def essence(first):
        things = tuple(
            Thing(kind="cookie", subject=(f"c{n}", "s.example", "/"), name=f"c{n}")
            for n in range(first, first + 10_000)
        )
        return Essence(site="http://s.example/", started="x", things=things)

    began = time.process_time()
    assert len(compare(essence(0), essence(5_000)).changes) == 10_000
    assert time.process_time() - began < 2


def test_a_key_with_a_random_part_is_not_new_each_time():
    keys = [ObservedKey(kind="local", origin="http://s.example", key=f"rudder_k.{uuid}.queue", vendor="rudderstack")
            for uuid in ("df57db75-e68b-409b-98dc-600958e62ba1", "3c1866b3-b0f2-4af0-b767-298d12af3c39")]  # fmt: skip
    one, other = (essence_of(scan(storage=(key,))) for key in keys)
    assert compare(one, other).changes == ()

"""Many pages to one scan, the same in any order."""

import random

from hypothesis import given
from hypothesis import strategies as st

from policies.observation import (
    Frame,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    PageVisit,
    Setter,
    Technique,
)
from scanner.merge import Union
from scanner.visit import PageSeen

DAY = 86_400


def cookie(name="_ga", *, page="http://s.example/a", script="http://t.example/t.js", life=730 * DAY, **more):
    return ObservedCookie(
        name=name, domain="s.example", declared_lifetime=life, session=life is None, pages=(page,),
        set_by=(Setter(kind="js", url=script, stack=(Frame(url=page, line=3),)),), **more,
    )  # fmt: skip


def union(*pages):
    made = Union()
    for number, cookies in enumerate(pages):
        made.add(PageSeen(page=PageVisit(url=f"http://s.example/{number}"), cookies=tuple(cookies)))
    return made.scan("http://s.example/", "2026-01-01T00:00:00Z", "browser", "none")


def test_one_cookie_on_two_pages_is_one_with_both_setters_and_pages():
    (found,) = union(
        [cookie(page="http://s.example/b", script="http://u.example/u.js")],
        [cookie(page="http://s.example/a")],
    ).cookies
    assert found.pages == ("http://s.example/a", "http://s.example/b")
    assert [setter.url for setter in found.set_by] == ["http://t.example/t.js", "http://u.example/u.js"]


def test_state_domain_and_path_tell_cookies_apart():
    found = union([cookie(), cookie(state="blocked"), cookie(path="/x"), cookie(http_only=True)]).cookies
    assert len(found) == 3


def test_lifetimes_that_differ_by_a_clock_are_one_and_the_longest_stands():
    (found,) = union([cookie(life=60 * DAY)], [cookie(life=60 * DAY - 40)], [cookie(life=60 * DAY - 3_000)]).cookies
    assert found.declared_lifetime == 60 * DAY
    assert [c.declared_lifetime for c in union([cookie(life=1800)], [cookie(life=1799)]).cookies] == [1800]


def test_lifetimes_that_differ_in_earnest_stay_apart():
    found = union([cookie(life=30 * DAY)], [cookie(life=31 * DAY)], [cookie(life=None)]).cookies
    assert [one.declared_lifetime for one in found] == [31 * DAY, 30 * DAY, None]


def test_requests_keys_and_techniques_are_listed_once():
    seen = PageSeen(
        page=PageVisit(url="http://s.example/"),
        storage=(ObservedKey(kind="local", origin="http://s.example", key="k", pages=("http://s.example/",)),),
        requests=(ObservedRequest(url="http://t.example/", page="http://s.example/", type="script"),) * 2,
        techniques=(Technique(kind="canvas", script="http://t.example/f.js", page="http://s.example/"),) * 2,
    )
    made = Union()
    made.add(seen)
    made.add(seen)
    found = made.scan("http://s.example/", "2026-01-01T00:00:00Z", "browser", "none")
    assert (len(found.storage), len(found.requests), len(found.techniques)) == (1, 1, 1)


COOKIES = st.builds(
    cookie,
    st.sampled_from(["_ga", "_fbp"]),
    page=st.sampled_from(["http://s.example/a", "http://s.example/b"]),
    script=st.sampled_from(["http://t.example/t.js", "http://u.example/u.js"]),
    life=st.sampled_from([None, 1800, 30 * DAY, 730 * DAY]),
    state=st.sampled_from(["stored", "blocked"]),
    secure=st.booleans(),
)


@given(st.lists(COOKIES, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_pages_changes_nothing(cookies, chance: random.Random):
    mixed = list(cookies)
    chance.shuffle(mixed)
    assert union(*([one] for one in cookies)).cookies == union(*([one] for one in mixed)).cookies


def test_a_probe_that_nobody_keeps_has_one_name_on_each_visit():
    probe = ObservedCookie(name="dmn_chk_01a1f8b9-7a1b-7517-a716-05ff248c2ff7", domain="s.example", state="deleted")
    union = Union()
    union.add(PageSeen(page=PageVisit(url="http://s.example/"), cookies=(probe,)))
    kept = probe.model_copy(update={"state": "stored"})
    union.add(PageSeen(page=PageVisit(url="http://s.example/a"), cookies=(kept,)))
    found = {cookie.state: cookie.name for cookie in union.scan("http://s.example/", "", "browser", "none").cookies}
    assert found == {"deleted": "dmn_chk_*", "stored": kept.name}

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
    Scan,
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


UUIDS = ("01a1f8b9-7a1b-7517-a716-05ff248c2ff7", "df57db75-e68b-409b-98dc-600958e62ba1")


def visit(number: int, *, name: str = "", key: str = "", script: str = "http://t.example/t.js") -> PageSeen:
    url = f"http://s.example/{number}"
    set_by = (Setter(kind="http", url=script),)
    cookies = (ObservedCookie(name=name, domain="s.example", set_by=set_by, pages=(url,)),) if name else ()
    keys = (ObservedKey(kind="local", origin="http://s.example", key=key, set_by=set_by, pages=(url,)),) if key else ()
    return PageSeen(page=PageVisit(url=url), cookies=cookies, storage=keys)


def merged(*visits: PageSeen) -> Scan:
    made = Union()
    for one in visits:
        made.add(one)
    return made.scan("http://s.example/", "2026-11-20T12:00:00+00:00", "browser", "none")


def test_a_name_that_is_another_one_on_each_visit_is_one_row_with_an_example():
    found = merged(*(visit(number, name=f"chk_{one}", key=f"q.{one}.queue") for number, one in enumerate(UUIDS)))
    (cookie,), (key,) = found.cookies, found.storage
    assert (cookie.name, cookie.pages) == ("chk_*", ("http://s.example/0", "http://s.example/1"))
    assert (key.key, key.pages) == ("q.*.queue", ("http://s.example/0", "http://s.example/1"))
    assert cookie.example in {f"chk_{one}" for one in UUIDS}
    assert key.example in {f"q.{one}.queue" for one in UUIDS}


def test_names_that_come_back_as_they_were_are_told_apart():
    both = [visit(number, name=f"id_{one}", key=f"id_{one}") for number, one in enumerate(UUIDS * 2)]
    found = merged(*both)
    assert [cookie.name for cookie in found.cookies] == sorted(f"id_{one}" for one in UUIDS)
    assert [key.key for key in found.storage] == sorted(f"id_{one}" for one in UUIDS)
    assert {cookie.example for cookie in found.cookies} == {None}


def test_the_time_of_a_visit_in_a_name_is_chance_even_where_two_visits_share_it():
    # 2026-11-20 12:00:05 UTC, and a date of long ago that belongs to the name.
    found = merged(*(visit(number, name=name) for number, name in enumerate(["p_1795176005", "p_1795176005"])))
    assert [cookie.name for cookie in found.cookies] == ["p_*"]
    found = merged(*(visit(number, name="campaign_1600000000") for number in range(2)))
    assert [cookie.name for cookie in found.cookies] == ["campaign_1600000000"]


def test_a_setter_is_the_same_whatever_its_query_busts():
    script = "http://t.example/p.gif?id=UA-1234-5&page={}&ord={}&_={}&r=0.{}#x"
    queries = [(1, 90125, 1795176000123, 812738127), (2, 77412, 1795176001456, 991827312)]
    found = merged(*(visit(number, name="c", script=script.format(*each)) for number, each in enumerate(queries)))
    (cookie,) = found.cookies
    assert [setter.url for setter in cookie.set_by] == [
        "http://t.example/p.gif?id=UA-1234-5&page=1&ord=*&_=*&r=*",
        "http://t.example/p.gif?id=UA-1234-5&page=2&ord=*&_=*&r=*",
    ]


def test_a_long_number_that_comes_back_names_something():
    script = "http://t.example/tr?id=123456789012345"
    (once,) = merged(visit(0, name="c", script=script)).cookies
    (twice,) = merged(*(visit(number, name="c", script=script) for number in range(2))).cookies
    assert [setter.url for setter in (*once.set_by, *twice.set_by)] == ["http://t.example/tr?id=*", script]

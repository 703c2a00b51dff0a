"""Broken is what is so at two looks, however differently it is put; a page that nobody saw is never sound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.catalogue import Catalogue
from policies.observation import ObservedRequest, PageVisit
from policies.purpose import ACCEPT, REJECT
from policies.rules import Rules
from scanner.breakage import Breakage, broken, broken_twice
from scanner.browser import Visit
from scanner.browser.plan import FailedRequest

PAGE = "http://shop.example/"
RULES = Rules(Catalogue.of({}), hosts=["shop.example"])
SOUND = Visit(PageVisit(url=PAGE, status=200))


def failing(reason: str) -> Visit:
    return Visit(PageVisit(url=PAGE, error=reason))


def asked(url: str, status: int, *, third_party: bool = False) -> Visit:
    request = ObservedRequest(url=url, page=PAGE, type="script", third_party=third_party, status=status)
    return replace(SOUND, requests=(request,))


def lost(url: str, reason: str) -> Visit:
    return replace(SOUND, failed_requests=(FailedRequest(url, reason),))


def said(error: str) -> Visit:
    return replace(SOUND, console_errors=(error,))


def seen(visit: Visit) -> Breakage:
    return broken(visit, SOUND, RULES, REJECT)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (failing("net::ERR_TIMED_OUT"), failing("net::ERR_CONNECTION_RESET")),
        (lost(f"{PAGE}app.js?v=1", "net::ERR_TIMED_OUT"), lost(f"{PAGE}app.js?v=2", "net::ERR_CONNECTION_RESET")),
        (asked(f"{PAGE}data?at=1", 500), asked(f"{PAGE}data?at=2", 503)),
        (said("Uncaught: order 17 of http://shop.example/a"), said("Uncaught: order 18 of http://shop.example/b")),
    ],
    ids=["page", "request", "answer", "script"],
)
def test_one_fault_in_two_ways_of_putting_it_is_one_fault(first: Visit, again: Visit) -> None:
    assert seen(first)
    assert broken_twice(seen(first), seen(again))


def test_what_was_so_once_only_is_not_broken() -> None:
    assert broken_twice(seen(asked(f"{PAGE}a", 500)), seen(asked(f"{PAGE}b", 500))) == {}
    assert broken_twice(seen(said("a is not defined")), seen(SOUND)) == {}


def test_a_page_that_failed_at_one_look_hides_nothing_of_the_other() -> None:
    fault, failed = seen(asked(f"{PAGE}a", 500)), seen(failing("net::ERR_TIMED_OUT"))
    assert set(broken_twice(fault, failed).values()) == {*fault.values(), *failed.values()}
    assert broken_twice(failed, fault) == fault
    assert broken_twice(failed, seen(SOUND)) == {}


def test_what_the_site_itself_shows_is_not_broken_and_what_it_loads_is_missed() -> None:
    direct = replace(
        asked("https://tracker.example/t.js", 200, third_party=True), console_errors=("old is not defined",)
    )
    assert broken(said("old is not defined"), direct, RULES, REJECT) == {}
    assert set(broken(SOUND, direct, RULES, ACCEPT).values()) == {"missing after accept: tracker.example"}

"""Writes and jar to rows, without a browser: states, lifetimes, setters."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from policies.cookie import parse_set_cookie
from policies.observation import ObservedCookie, Setter
from scanner.browser.cookies import CAP, CookieWrite, JarCookie, merge, snapped, write_of

NOW = 1_700_000_000.4


def js(url: str) -> Setter:
    return Setter(kind="js", url=url)


def write(line: str, by: str = "a.js", *, at: float = NOW, kept: bool | None = True) -> CookieWrite:
    asked = parse_set_cookie(line.encode())
    assert asked is not None
    return write_of(
        asked, host="shop.test", path="/dir/page", secure=False, at=at, setter=js(by), kept=kept, http=False
    )


def jar(name: str, *, seconds: float | None = None, path: str = "/dir", value: str = "1") -> JarCookie:
    key = (name, "shop.test", True, path, False)
    return JarCookie(key, value, None if seconds is None else NOW + seconds, False, False, None)


def rows(writes: Iterable[CookieWrite], kept: Iterable[JarCookie] | None = ()) -> tuple[ObservedCookie, ...]:
    return merge(list(writes), kept, given=(), now=NOW, third_party=lambda _: False, page="http://shop.test/")


def test_a_stored_cookie_shows_what_was_asked_for_and_what_is_kept() -> None:
    (row,) = rows([write("a=1; max-age=63072000")], [jar("a", seconds=CAP)])
    assert (row.state, row.declared_lifetime, row.effective_lifetime) == ("stored", 63_072_000, CAP)
    assert (row.session, row.host_only, row.domain, row.path) == (False, True, "shop.test", "/dir")


def test_a_session_cookie_has_no_lifetime() -> None:
    (row,) = rows([write("a=1")], [jar("a")])
    assert (row.session, row.declared_lifetime, row.effective_lifetime) == (True, None, None)


def test_what_was_not_kept_is_blocked_and_deleting_nothing_is_nothing() -> None:
    (row,) = rows([write("a=1", kept=False), write("b=; max-age=0", kept=False)])
    assert (row.name, row.state, row.blocked_reasons) == ("a", "blocked", ("NotStored",))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a=1; domain=other.test", "InvalidDomain"),
        ("a=1; secure", "SecureOnly"),
        ("__Host-a=1", "InvalidPrefix"),
        ("a=1; httponly", "HttpOnlyFromScript"),
    ],
)
def test_a_refusal_by_the_rules_carries_the_browsers_word(line: str, reason: str) -> None:
    (row,) = rows([write(line, kept=False)])
    assert (row.state, row.blocked_reasons) == ("blocked", (reason,))


def test_a_cookie_for_another_path_is_judged_by_the_jar() -> None:
    (row,) = rows([write("a=1; path=/other", kept=False)], [jar("a", path="/other")])
    assert (row.state, row.path) == ("stored", "/other")


def test_a_line_that_the_jar_never_showed_is_blocked_and_one_that_was_sent_is_deleted() -> None:
    asked = parse_set_cookie(b"a=1; max-age=3600")
    assert asked is not None
    setter = Setter(kind="http", url="http://shop.test/api")
    line = write_of(asked, host="shop.test", path="/", secure=False, at=NOW, setter=setter, kept=True)

    def state(*, existed: bool, now: float = NOW) -> tuple[str, tuple[str, ...]]:
        (row,) = merge(
            [line], (), given=(), now=now, third_party=lambda _: False, page="/", existed=lambda _: existed
        )  # fmt: skip
        return row.state, row.blocked_reasons

    assert state(existed=False) == ("blocked", ("NotStored",))
    assert state(existed=True) == ("deleted", ())
    assert state(existed=False, now=NOW + 3601) == ("deleted", ())


def test_set_and_deleted_is_deleted_with_its_first_setter() -> None:
    (row,) = rows([write("a=1; max-age=60"), write("a=; max-age=0", "b.js", at=NOW + 1, kept=False)])
    assert (row.state, row.declared_lifetime, row.set_by[0].url) == ("deleted", 60, "a.js")


def test_the_same_setter_renewing_its_cookie_overwrites_nothing() -> None:
    (row,) = rows([write("a=1; max-age=60"), write("a=2; max-age=90", at=NOW + 1)], [jar("a", seconds=91)])
    assert (row.state, row.declared_lifetime) == ("stored", 90)


def test_another_setter_with_other_content_overwrites() -> None:
    found = rows([write("a=1"), write("a=2", "b.js", at=NOW + 1)], [jar("a", value="2")])
    assert [(row.state, row.set_by[0].url) for row in found] == [("overwritten", "a.js"), ("stored", "b.js")]


def test_two_setters_taking_turns_are_two_rows() -> None:
    turns = [write(f"a={n}", "ab"[n % 2], at=NOW + n) for n in range(10)]
    assert len(rows(turns, [jar("a")])) == 2


def test_a_cookie_nobody_was_seen_setting_is_still_there() -> None:
    (row,) = rows([], [jar("a", seconds=3600)])
    assert (row.state, row.set_by, row.declared_lifetime, row.effective_lifetime) == ("stored", (), None, 3600)


def test_without_a_jar_the_writes_are_believed() -> None:
    (row,) = rows([write("a=1; max-age=60", kept=None)], None)
    assert (row.state, row.effective_lifetime) == ("stored", 60)


@pytest.mark.parametrize(
    ("lifetime", "meant"), [(63_071_999, 63_072_000), (1799, 1800), (3600, 3600), (599, 599), (63_071_990, 63_071_990)]
)
def test_an_expiry_time_is_the_whole_minute_it_was_computed_for(lifetime: int, meant: int) -> None:
    assert snapped(lifetime) == meant

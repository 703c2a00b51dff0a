"""Set-Cookie and Cookie by RFC 6265bis: own cases, properties, and the http-state vectors where they are at hand."""

from __future__ import annotations

import calendar
import json
import os
import tomllib
from dataclasses import dataclass
from email.utils import parsedate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cookie import (
    CookiePair,
    Place,
    SetCookie,
    default_path,
    domain_matches,
    filter_cookies,
    parse_cookie_date,
    parse_set_cookie,
    path_matches,
    place,
    split_cookies,
)

CASES = Path(__file__).parents[1] / "cases" / "cookies"
OUTSIDE = Path(os.environ.get("SAMTYKKE_TEST_DATA", "/nowhere")) / "set-cookie"
NOW = 1_700_000_000


def cases(folder: str) -> list[Any]:
    files = sorted((CASES / folder).glob("*.toml"))
    return [pytest.param(tomllib.loads(file.read_text("utf-8")), id=file.stem) for file in files]


@pytest.mark.parametrize("case", cases("set_cookie"))
def test_a_line_is_parsed_and_kept_as_the_rfc_says(case: dict[str, Any]) -> None:
    cookie = parse_set_cookie(case["line"].encode("latin-1"))
    if case.get("ignored"):
        assert cookie is None
        return
    said = dict(case["parsed"])
    for text in ("name", "value"):
        said[text] = said[text].encode("latin-1")
    assert cookie == SetCookie(**said)
    if stored := case.get("stored"):
        found = place(cookie, host=stored["host"], request_path=stored["path"], secure=stored["secure"])
        if "refused" in stored:
            assert found == stored["refused"]
        else:
            assert found == Place(stored["domain"], stored["host_only"], stored["kept_path"])


@pytest.mark.parametrize("case", cases("cookie_header"))
def test_what_stays_of_a_header_keeps_its_bytes(case: dict[str, Any]) -> None:
    drop = {name.encode("latin-1") for name in case["drop"]}
    left = filter_cookies(case["header"].encode("latin-1"), lambda name: name not in drop)
    assert left == (case["left"].encode("latin-1") if "left" in case else None)


def test_max_age_beats_expires_and_nothing_is_capped() -> None:
    cookie = parse_set_cookie(b"a=1; Max-Age=999999999; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    assert cookie is not None
    assert cookie.lifetime(NOW) == 999_999_999
    assert not cookie.deletes(NOW)


def test_a_past_date_deletes_and_no_date_is_a_session() -> None:
    deletion, session = (parse_set_cookie(line) for line in (b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", b"a=1"))
    assert deletion is not None
    assert session is not None
    assert deletion.deletes(NOW)
    assert session.lifetime(NOW) is None
    assert not session.deletes(NOW)


@pytest.mark.parametrize(
    ("path", "directory"),
    [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("/a/b?x=/y", "/a"), ("", "/"), ("a/b", "/")],
)
def test_the_default_path_is_the_directory(path: str, directory: str) -> None:
    assert default_path(path) == directory


@pytest.mark.parametrize(
    ("request_path", "cookie_path", "sent"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/a/b", "/a/", True),
        ("/a", "/a/", False),
        ("/A", "/a", False),
        ("/a?b", "/a", True),
        ("/x", "/", True),
    ],
)
def test_a_path_covers_what_lies_below_it(request_path: str, cookie_path: str, *, sent: bool) -> None:
    assert path_matches(request_path, cookie_path) is sent


JULY_1_2030 = 1_909_094_400  # 2030-07-01 00:00:00 UTC


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mon, 01 Jul 2030 00:00:00 GMT", JULY_1_2030),
        ("Monday, 01-Jul-30 00:00:00 GMT", JULY_1_2030),
        ("Mon Jul  1 00:00:00 2030", JULY_1_2030),
        ("2030 July 1 0:0:0", JULY_1_2030),
        ("1 Juli 2030 00:00:00 +0200", JULY_1_2030),  # a zone means nothing, a month is its first three letters
        ("01 Jul 2030 00:00:07", JULY_1_2030 + 7),
        ("31 Dec 69 23:59:59", 3_155_759_999),  # 69 is 2069
        ("1 Jan 70 00:00:00", 0),  # 70 is 1970
        ("30 Feb 2030 00:00:00", None),
        ("1 Jul 1600 00:00:00", None),
        ("1 Jul 2030 24:00:00", None),
        ("1 Jul 2030", None),
        ("2030-07-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_a_date_is_read_in_any_of_its_forms(text: str, found: int | None) -> None:
    assert parse_cookie_date(text.encode()) == found


# Promises, for any bytes.


@given(st.binary(max_size=300))
def test_any_line_is_a_cookie_or_nothing(line: bytes) -> None:
    cookie = parse_set_cookie(line)
    assert cookie is None or cookie.name or cookie.value
    if cookie:
        assert isinstance(place(cookie, host="www.shop.example", request_path="/", secure=True), Place | str)


TOKENS = st.sampled_from(
    [b"a", b"=", b";", b" ", b"\t", b"Expires=", b"Max-Age=", b"Domain=", b"Path=", b"-1", b"9" * 30, b"/", b".",
     b"21 Oct 2037 07:28:00", b"SameSite", b"__Host-", b"\xff", b"co.uk", b"Secure"]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=24).map(b"".join))
def test_any_mixture_of_the_parts_of_a_line_is_understood(line: bytes) -> None:
    cookie = parse_set_cookie(line)
    if cookie:
        assert cookie.max_age is None or isinstance(cookie.lifetime(NOW), int)
        place(cookie, host="a.shop.co.uk", request_path="/x", secure=False)


@given(st.binary(max_size=60))
def test_any_text_is_a_date_or_nothing(text: bytes) -> None:
    found = parse_cookie_date(text)
    assert found is None or -11_644_473_600 <= found < 253_402_300_800


NAME = st.text("abcdefg_*.-", min_size=1, max_size=6).map(str.encode)
VALUE = st.text('abc=, "%', max_size=6).map(lambda text: text.strip().encode())


@given(st.lists(st.tuples(NAME, VALUE), max_size=8), st.sampled_from([b"; ", b";", b" ;  "]))
def test_pairs_joined_are_the_pairs_split(pairs: list[tuple[bytes, bytes]], glue: bytes) -> None:
    header = glue.join(name + b"=" + value for name, value in pairs)
    assert [(pair.name, pair.value) for pair in split_cookies(header)] == (pairs or [(b"", b"")])


@given(st.binary(max_size=120), st.sets(st.sampled_from([b"", b"a", b"b", b"_ga"])))
def test_filtering_touches_nothing_that_stays(header: bytes, drop: set[bytes]) -> None:
    pairs = split_cookies(header)
    assert b";".join(pair.raw for pair in pairs) == header
    left = filter_cookies(header, lambda name: name not in drop)
    kept = [pair for pair in pairs if pair.name not in drop]
    if len(kept) == len(pairs):
        assert left == header
    elif left is not None:
        assert [p.raw.lstrip(b" \t") for p in split_cookies(left)][1:] == [p.raw.lstrip(b" \t") for p in kept][1:]
        assert filter_cookies(left, lambda name: name not in drop) == left
    if left is not None:
        assert not any(pair.name in drop for pair in split_cookies(left)) or b"" in drop


@given(NAME, VALUE)
def test_what_is_set_is_what_is_sent(name: bytes, value: bytes) -> None:
    cookie = parse_set_cookie(name + b"=" + value)
    assert cookie is not None
    assert split_cookies(cookie.name + b"=" + cookie.value) == [CookiePair(name + b"=" + value, name, value)]


# The vectors of the http-state working group.


@dataclass(frozen=True)
class Kept:
    cookie: SetCookie
    at: Place


class Jar:
    """Just enough of a user agent (5.7, 5.8) to answer what would be sent; the order is the RFC's."""

    def __init__(self) -> None:
        self._kept: list[Kept] = []

    def receive(self, line: bytes, url: str) -> None:
        parts = urlsplit(url)
        cookie = parse_set_cookie(line)
        if cookie is None:
            return
        at = place(cookie, host=parts.hostname or "", request_path=parts.path, secure=parts.scheme == "https")
        if not isinstance(at, Place):
            return
        same = [kept for kept in self._kept if (kept.cookie.name, kept.at) == (cookie.name, at)]
        if cookie.deletes(NOW):
            self._kept = [kept for kept in self._kept if kept not in same]
        elif same:
            self._kept[self._kept.index(same[0])] = Kept(cookie, at)
        else:
            self._kept.append(Kept(cookie, at))

    def send(self, url: str) -> list[dict[str, str]]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        sent = [
            kept
            for kept in self._kept
            if (host == kept.at.domain if kept.at.host_only else domain_matches(host, kept.at.domain))
            and path_matches(parts.path or "/", kept.at.path)
            and (parts.scheme == "https" or not kept.cookie.secure)
        ]
        sent.sort(key=lambda kept: -len(kept.at.path))
        return [{"name": kept.cookie.name.decode(), "value": kept.cookie.value.decode()} for kept in sent]


DEVIATIONS = tomllib.loads((CASES / "deviations.toml").read_text("utf-8"))


def vectors(name: str) -> list[Any]:
    file = OUTSIDE / name
    if not file.exists():
        return []
    return [pytest.param(case, id=case["test"]) for case in json.loads(file.read_text("utf-8"))]


def conformance(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", vectors(name))


if OUTSIDE.exists():

    @conformance("parser.json")
    def test_a_jar_on_top_sends_what_the_vectors_say(case: dict[str, Any]) -> None:
        origin = "http://home.example.org:8888"
        jar = Jar()
        for line in case["received"]:
            jar.receive(line.encode(), f"{origin}/cookie-parser?{case['test'].lower()}")
        target = case.get("sent-to", "/cookie-parser-result")
        sent = jar.send(target if target.startswith("http") else origin + target)
        deviation = DEVIATIONS.get(case["test"])
        if deviation:
            assert sent != case["sent"], "the deviation is none any more"
        assert sent == (deviation["sent"] if deviation else case["sent"])

    @pytest.mark.parametrize("case", [*vectors("dates.json"), *vectors("dates-bsd.json")])
    def test_dates_are_read_as_the_vectors_say(case: dict[str, str | None]) -> None:
        found = parse_cookie_date((case["test"] or "").encode())
        expected = case["expected"]
        assert found == (None if expected is None else calendar.timegm(parsedate(expected) or ()))

    def test_every_deviation_is_of_a_vector_that_exists() -> None:
        names = {case["test"] for case in json.loads((OUTSIDE / "parser.json").read_text("utf-8"))}
        assert set(DEVIATIONS) <= names

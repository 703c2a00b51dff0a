"""Imported network rules: what each piece of their syntax matches, what is left out, and that look-ups stay cheap."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.filters import FilterList, Filters, parse_filter, parse_list
from policies.purpose import Purpose
from policies.verdict import Request

EASYPRIVACY = Path(os.environ.get("SAMTYKKE_TEST_DATA", "/nowhere")) / "easyprivacy.txt"


def request(url: str, page: str = "shop.example", kind: str = "script") -> Request:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Request(url, (parts.hostname or "").lower(), path, page, kind)


def blocked(rules: str, url: str, *, page: str = "shop.example", kind: str = "script", third: bool = True) -> bool:
    filters = Filters([FilterList("list.txt", parse_list(rules).rules)])
    return filters.find(request(url, page, kind), third_party=third) is not None


@pytest.mark.parametrize(
    ("rule", "url", "hit"),
    [
        ("||ads.example^", "https://ads.example/x.js", True),
        ("||ads.example^", "https://cdn.ads.example:8443/x.js", True),
        ("||ads.example^", "https://badads.example/x.js", False),
        ("||ads.example^", "https://ads.example.org/x.js", False),
        ("||ads.example^", "https://shop.example/?u=ads.example/", False),
        ("||ADS.example^", "https://ads.EXAMPLE/x.js", True),
        ("||ads.example/track", "https://www.ads.example/track.js", True),
        ("||ads.example/track", "https://ads.example/js/track.js", False),
        ("||ads.", "https://cdn.ads.example/x", True),
        ("||ads.", "https://cdn-ads.example/x", False),
        ("||ads.example^*/log.json", "https://ads.example/a/b/log.json?x", True),
        ("||ads.example^*/log.json", "https://ads.example/log.js", False),
        ("||a*d.example^", "https://x.abcd.example/", True),
        ("|https://ads.", "https://ads.example/", True),
        ("|https://ads.", "http://x.example/?https://ads.", False),
        ("/pixel.gif|", "https://x.example/pixel.gif", True),
        ("/pixel.gif|", "https://x.example/pixel.gif?1", False),
        ("|https://x.example/a|", "https://x.example/a", True),
        ("|https://x.example/a|", "https://x.example/a/a", False),
        ("|https://*/a|", "https://x.example/a/b/a", True),
        ("/track^", "https://x.example/track?id=1", True),
        ("/track^", "https://x.example/track", True),
        ("/track^", "https://x.example/tracker", False),
        ("/track^", "https://x.example/track-er", False),
        ("/track^|", "https://x.example/track/", True),
        ("&t=pageview&", "https://x.example/c?v=1&t=pageview&z=2", True),
        ("-analytics.", "https://x.example/my-analytics.js", True),
        ("*banner*track*", "https://x.example/banner/1/track", True),
        ("*banner*track*", "https://x.example/track/1/banner", False),
        ("a$b/", "https://x.example/a$b/c", True),
        ("/logviewedpage?", "https://x.example/logviewedpage?x", True),
        ("Track$match-case", "https://x.example/Track", True),
        ("Track$match-case", "https://x.example/track", False),
        ("ab", "https://x.example/ab", True),
        ("*", "https://x.example/ab", False),
    ],
)
def test_a_pattern_matches_what_its_syntax_says(rule: str, url: str, *, hit: bool) -> None:
    assert blocked(rule, url) is hit


@pytest.mark.parametrize(
    ("rule", "kind", "third", "page", "hit"),
    [
        ("/t.$third-party", "script", True, "shop.example", True),
        ("/t.$third-party", "script", False, "shop.example", False),
        ("/t.$~third-party", "script", True, "shop.example", False),
        ("/t.$1p", "script", False, "shop.example", True),
        ("/t.$image", "image", True, "shop.example", True),
        ("/t.$image", "script", True, "shop.example", False),
        ("/t.$script,image", "worker", True, "shop.example", True),
        ("/t.$~script", "script", True, "shop.example", False),
        ("/t.$~script", "style", True, "shop.example", True),
        ("/t.$xmlhttprequest", "connect", True, "shop.example", True),
        ("/t.$websocket", "connect", True, "shop.example", False),
        ("/t.$subdocument", "frame", True, "shop.example", True),
        ("/t.$ping", "ping", True, "shop.example", True),
        ("/t.$font", "font", True, "shop.example", True),
        ("/t.$media", "media", True, "shop.example", True),
        ("/t.$other", "hint", True, "shop.example", True),
        ("/t.", "document", True, "shop.example", False),
        ("/t.$domain=shop.example", "script", True, "www.shop.example", True),
        ("/t.$domain=shop.example", "script", True, "other.example", False),
        ("/t.$domain=~shop.example", "script", True, "www.shop.example", False),
        ("/t.$domain=~shop.example", "script", True, "other.example", True),
        ("/t.$domain=shop.example|~my.shop.example", "script", True, "my.shop.example", False),
        ("/t.$domain=shop.example|~my.shop.example", "script", True, "a.shop.example", True),
        ("/t.$domain=my.shop.example|~shop.example", "script", True, "a.my.shop.example", True),
        ("$ping,third-party", "ping", True, "shop.example", True),
        ("$ping,third-party", "script", True, "shop.example", False),
        ("/t.$redirect=noop.js,script", "script", True, "shop.example", True),
        ("/t.$~document", "script", True, "shop.example", True),
    ],
)
def test_options_narrow_a_rule(rule: str, kind: str, page: str, *, third: bool, hit: bool) -> None:
    assert blocked(rule, "https://x.example/t.js", page=page, kind=kind, third=third) is hit


def test_a_websocket_is_told_by_its_scheme() -> None:
    assert blocked("||x.example^$websocket", "wss://x.example/t", kind="connect")
    assert not blocked("||x.example^$xmlhttprequest", "wss://x.example/t", kind="connect")


def test_an_exception_speaks_for_a_request_unless_the_rule_is_important() -> None:
    url = "https://ads.example/ok.js"
    assert not blocked("||ads.example^\n@@||ads.example/ok.js", url)
    assert not blocked("@@||ads.example/ok.js\n||ads.example^", url)
    assert blocked("||ads.example^$important\n@@||ads.example/ok.js", url)
    assert blocked("||ads.example^\n@@||ads.example^$domain=other.example", url)
    assert not blocked("||ads.example^\n@@||ads.example^$third-party", url)


def test_a_rule_says_where_it_came_from_and_what_it_is_for() -> None:
    rules = parse_list("! Title: mine\n\n||ads.example^\n/pixel/$image").rules
    filters = Filters([FilterList("mine.txt", rules, Purpose.MARKETING)])
    found = filters.find(request("https://ads.example/"), third_party=True)
    assert found is not None
    assert str(found) == "filter ||ads.example^ (mine.txt, line 3)"
    assert found.purpose is Purpose.MARKETING
    found = filters.find(request("https://x.example/pixel/1", kind="image"), third_party=True)
    assert str(found) == "filter /pixel/$image (mine.txt, line 4)" or found is None


def test_what_cannot_be_honoured_is_counted_under_its_reason() -> None:
    text = """[Adblock Plus 2.0]
! comment
shop.example##.ad
shop.example#@#.ad
##.banner
#?#div
/^https?:/$script
/[a-z]{4}/
||x.example^$csp=script-src 'none'
||x.example^$removeparam=utm
||x.example^$popup
*
a b
||good.example^
"""
    found = parse_list(text)
    assert found.rules == ((14, "||good.example^"),)
    assert found.skipped == {
        "comment": 2, "cosmetic": 4, "regular expression": 2, "$csp": 1, "$removeparam": 1, "$popup": 1,
        "matches everything": 1, "not a network rule": 1,
    }  # fmt: skip


# Promises.

PATTERN = st.text("ab/.^*|?=-", min_size=1, max_size=9)
ADDRESS = st.text("ab/.?=-A:", max_size=14).map(lambda rest: f"https://a.b{'/' if rest else ''}{rest}")


def reference(pattern: str) -> re.Pattern[str]:
    """The syntax as one regular expression, written the obvious way."""
    start, body = "", pattern
    if body.startswith("||"):
        start, body = r"^https://(?:[^/?:]*\.)?", body[2:]
    elif body.startswith("|"):
        start, body = "^", body[1:]
    end = ""
    if body.endswith("|"):
        end, body = r"\Z", body[:-1]
    parts = {"*": ".*", "^": r"(?:[^a-z0-9_.%-]|\Z)"}
    return re.compile(start + "".join(parts.get(char) or re.escape(char) for char in body) + end)


@given(PATTERN, ADDRESS)
@example("||a^*b", "https://a.b/b")
@example("|https:*|", "https://a.b")
def test_a_pattern_matches_as_the_obvious_expression_does(pattern: str, url: str) -> None:
    found = parse_list(pattern + "$script")
    if not found.rules:
        return
    rule = parse_filter(pattern + "$script", 1, "")
    if not rule.pattern.pieces:
        return
    asked = request(url)
    index = Filters([FilterList("", found.rules)])
    assert (index.find(asked, third_party=True) is not None) == bool(reference(pattern).search(url.lower()))


RULES = st.lists(
    st.sampled_from(["||a.b^", "||b^", "/ab", "ab*ba", "|https://a", "a|", "||a.", "^b^", "bbbbbbb", "//"]),
    max_size=6,
    unique=True,
)


@given(RULES, ADDRESS)
def test_the_index_finds_what_reading_every_rule_finds(rules: list[str], url: str) -> None:
    asked = request(url)
    one_by_one = [rule for rule in rules if blocked(rule, url)]
    index = Filters([FilterList("", parse_list("\n".join(rules)).rules)])
    assert (index.find(asked, third_party=True) is not None) == bool(one_by_one)


@given(st.text(max_size=80))
def test_any_text_is_a_list(text: str) -> None:
    found = parse_list(text)
    Filters([FilterList("", found.rules)]).find(request("https://a.example/x"), third_party=True)


def test_no_pattern_takes_time_that_explodes() -> None:
    rule = "*" + "a*" * 30 + "b"
    url = "https://x.example/" + "a" * 4000
    began = time.process_time()
    assert not blocked(rule, url)
    assert time.process_time() - began < 5


if EASYPRIVACY.exists():

    def test_easyprivacy_is_read_in_two_seconds_and_every_line_accounted_for() -> None:
        text = EASYPRIVACY.read_text("utf-8")
        began = time.process_time()
        found = parse_list(text)
        filters = Filters([FilterList("easyprivacy.txt", found.rules)])
        assert time.process_time() - began < 2
        lines = [line for line in text.splitlines() if line.strip()]
        assert len(found.rules) + sum(found.skipped.values()) == len(lines)
        assert filters.count > 55_000
        hit = filters.find(request("https://www.google-analytics.com/analytics.js"), third_party=True)
        assert str(hit).startswith("filter ||google-analytics.com^")

"""The promise: any bytes in, cut anywhere, same bytes out; nothing untouched changes; twice is once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from arrivals import arrivals
from html_judges import AllowAll, BlockTrackers
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.html.rewriting import Injection, Mode, Page, RewriteError, Rewriter, rewrite

CASES = Path(__file__).parents[2] / "cases" / "html"
PAGE = Page("https://shop.test/shoes/index.html", "shop.test")
INJECTION = Injection(
    head=b'<script src="/guard.js"></script>',
    body_end=b'<div id="banner"></div>',
    placeholder=lambda verdict, kind, own: f'<div class="placeholder" title="{own.get("title", "")}"></div>'.encode(),
)

# fmt: off
PIECES = [
    b"<", b">", b"</", b"/>", b"<!--", b"-->", b"--!>", b"<!", b"<?", b"?>", b"]]>", b"<![CDATA[", b'"', b"'", b"=",
    b" ", b"\n", b"\r\n", b"\x00", b"&amp;", b"&#x2f;", b"a", b"\xc3\xa6", b"\xff", b"<svg>", b"</svg>", b"<math>",
    b"<mi>", b"<title>", b"</title>", b"<style>", b"</style>", b"<script>", b"</script>", b"<script",
    b" src=//ads.test/x", b' SRC="https://stats.test/p"', b"<img", b"<IMG srcset='//ads.test/1 1x, /b 2x'>",
    b"<iframe src=//video.test/1>", b"</iframe>", b"<noscript>", b"</noscript>", b"<template>", b"</template>",
    b"track(1)", b"<textarea>", b"</textarea>", b"<plaintext>", b"<head>", b"<body>", b"</body>", b"<html lang=nb>",
    b"<!doctype html>", b"<base href=//ads.test/>", b"<link rel=stylesheet href=//ads.test/c>", b"<xmp>", b"</xmp>",
    b"@import '//ads.test/c'", b"url(//ads.test/u)", b' style="background:url(//ads.test/s)"', b"<frameset>",
    b"<foreignObject>", b"<a ping=//ads.test/ping>", b'<iframe srcdoc="&lt;img src=//ads.test/d>">', b"<p/title=x>",
    b"<desc>", b"</p>", b"<br/>",
]
# fmt: on
markup = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=25).map(b"".join)
modes = st.sampled_from(["html", "xml"])


def fed(pieces: list[bytes], injection: Injection = Injection(), mode: Mode = "html") -> bytes:  # noqa: B008  frozen
    rewriter = Rewriter(PAGE, BlockTrackers(), injection, mode=mode)
    return b"".join(map(rewriter.feed, pieces)) + rewriter.close()


@pytest.mark.parametrize("case", sorted(CASES.glob("*.in.*")), ids=lambda path: path.name.partition(".")[0])
def test_case_file_comes_out_as_written_down_however_it_arrives(case: Path) -> None:
    expected = case.with_name(case.name.replace(".in.", ".out.")).read_bytes()
    mode: Mode = "xml" if case.suffix in (".xhtml", ".svg") else "html"
    for pieces in arrivals(case.read_bytes()):
        assert fed(pieces, INJECTION, mode) == expected


@settings(max_examples=600, deadline=None)
@given(data=markup, mode=modes, seed=st.integers(0, 9))
def test_any_bytes_cut_anywhere_come_out_the_same(data: bytes, mode: Mode, seed: int) -> None:
    assert len({fed(pieces, INJECTION, mode) for pieces in arrivals(data, seed=seed)}) == 1


@settings(max_examples=600, deadline=None)
@given(data=markup, mode=modes)
def test_nothing_changes_where_everything_may_load(data: bytes, mode: Mode) -> None:
    assert rewrite(data, PAGE, AllowAll(), mode=mode) == data


@settings(max_examples=600, deadline=None)
@given(data=markup, mode=modes)
def test_stripping_twice_equals_stripping_once(data: bytes, mode: Mode) -> None:
    once = rewrite(data, PAGE, BlockTrackers(), mode=mode)
    assert rewrite(once, PAGE, BlockTrackers(), mode=mode) == once


@settings(max_examples=300, deadline=None)
@given(data=markup, mode=modes)
def test_injections_are_all_that_is_added_where_everything_may_load(data: bytes, mode: Mode) -> None:
    out = rewrite(data, PAGE, AllowAll(), INJECTION, mode=mode)
    for ours in (INJECTION.head, INJECTION.body_end):
        assert out.count(ours) - data.count(ours) in (0, 1)
        out = out.replace(ours, b"", 1)
    assert out == data


class Failing(AllowAll):
    def load(self, url: str, kind: str) -> object:  # type: ignore[override]  # the failure is the point
        raise ValueError("no verdict")


def test_a_failing_judge_is_a_rewrite_error_that_carries_what_had_not_left() -> None:
    rewriter = Rewriter(PAGE, Failing())  # type: ignore[arg-type]  # the failure is the point
    left = rewriter.feed(b"<p>one</p><im")
    with pytest.raises(RewriteError) as caught:
        rewriter.feed(b"g src=/x><p>two")
    assert left + caught.value.rest == b"<p>one</p><img src=/x><p>two"


def test_nothing_is_lost_of_a_long_piece_that_could_not_be_rewritten() -> None:
    page = b"<p>one</p>" * 5_000 + b"<img src='/x'/>" + b"<p>two</p>" * 5_000
    modes: tuple[Mode, ...] = ("html", "xml")
    for mode in modes:
        with pytest.raises(RewriteError) as caught:
            Rewriter(PAGE, Failing(), mode=mode).feed(b"<root>" + page)  # type: ignore[arg-type]  # it must fail
        assert caught.value.rest == b"<root>" + page


def test_first_bytes_leave_before_the_second_chunk_arrives() -> None:
    rewriter = Rewriter(PAGE, BlockTrackers(), INJECTION)
    out = rewriter.feed(b"<!doctype html><html><head><title>Shop</title></head><body><h1>Wel")
    assert out.endswith(b"<body><h1>Wel")


def test_evidence_names_verdict_kind_and_address() -> None:
    rewriter = Rewriter(PAGE, BlockTrackers())
    rewriter.feed(b'<html lang="nb"><script src=//ads.test/a.js></script><noscript><img src=//stats.test/p></noscript>')
    rewriter.close()
    assert [(verdict.vendor, kind, url) for verdict, kind, url in rewriter.stripped] == [
        ("ads", "script", "https://ads.test/a.js"),
        ("stats", "image", "https://stats.test/p"),
    ]
    assert rewriter.language == "nb"


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b'<p title="', b'">'),
        (b"<p title='", b"'>"),
        (b"<p title=", b">"),
        (b"<p ", b">"),
        (b"<p x", b"=y>"),
        (b"<!--", b"-->"),
        (b"<?", b">"),
        (b"<!doctype ", b">"),
        (b"<textarea>", b"</textarea>"),
        (b"<script src=/s>", b"</script>"),
        (b"<script>", b"</script>"),
        (b"<style>", b"</style>"),
        (b"<noscript>", b"</noscript>"),
        (b"<svg><![CDATA[", b"]]></svg>"),
        (b"<p>", b"</p>"),
        (b'<img src="data:', b'">'),
    ],
)
def test_a_token_beyond_the_cap_passes_in_bounded_memory_and_reading_goes_on_behind_it(
    opening: bytes, closing: bytes
) -> None:
    tracker = b"<img src=//ads.test/x>"
    rewriter = Rewriter(PAGE, BlockTrackers())
    kept = 0
    taken = rewriter.feed(opening)
    total = len(opening)
    for _ in range(80):
        taken += rewriter.feed(b"y" * 65_536)
        total += 65_536
        kept = max(kept, total - len(taken))
    taken += rewriter.feed(closing + tracker) + rewriter.close()
    assert kept <= 1 << 21
    assert taken.startswith(opening + b"yyy")
    assert b"y" + closing in taken
    assert taken.endswith(b'<img data-samtykke="marketing" data-samtykke-vendor="ads" data-samtykke-src=//ads.test/x>')


def test_a_million_nested_elements_pass() -> None:
    page = b"<div>" * 1_000_000
    assert rewrite(page, PAGE, AllowAll()) == page


def test_a_long_page_in_small_pieces_is_the_page_in_one() -> None:
    parts = [
        b"<p class=c>text &amp; more</p>\r\n",
        b"<svg><title>i</title><path d=x /></svg>",
        b"<img src=//ads.test/1>",
    ]
    page = b"".join(random.Random(3).choices(parts, k=20_000))
    whole = rewrite(page, PAGE, BlockTrackers())
    assert fed([page[i : i + 1000] for i in range(0, len(page), 1000)]) == whole
    assert whole.count(b"data-samtykke-src") == page.count(b"<img")

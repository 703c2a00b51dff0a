"""Tokenizer cases pass through unchanged: a few of our own always, html5lib's where SAMTYKKE_TEST_DATA points."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from arrivals import arrivals
from html_judges import AllowAll
from turbohtml import Tokenizer, TokenType

from proxy.html.attributes import attributes, tag_end
from proxy.html.resuming import markup_end, resumed
from proxy.html.rewriting import Page, Rewriter

PAGE = Page("https://shop.test/", "shop.test")
OWN = [
    "<a b='c'd>", "<a/b>", "<a =b>", "<a b==c>", "<a b=c/>", "<a b= >", '<a b="\'>\'">', "<a\x0cb\x0bc=d>",
    "<a b=`c>", "<!-->", "<!--->", "<!--x--!>", "<!--x--", "<!x", "<?x>", "</>", "</ x>", "<a", "<a b='", "<1>",
    "<>", "a<b>c</b", "\x00<\x00>", '<!doctype html public "x>">', "<script>a</scriptx></script >",
    "<title></titl></title>", '<a b=c"d>', "<a b='x'/'>",
]  # fmt: skip


def html5lib_inputs() -> Iterator[str]:
    folder = os.environ.get("SAMTYKKE_TEST_DATA")
    for file in sorted(Path(folder, "html5lib-tokenizer").glob("*.test")) if folder else ():
        data = json.loads(file.read_text("utf-8"))
        for case in data.get("tests", data.get("xmlViolationTests", [])):
            text = case["input"]
            if case.get("doubleEscaped"):
                text = text.encode("ascii", "backslashreplace").decode("unicode-escape")
            starts = case.get("initialStates", ["Data state"])
            yield text if starts == ["Data state"] else f"<{case.get('lastStartTag', 'xmp')}>{text}"


def unchanged(data: bytes) -> bool:
    for pieces in arrivals(data, cuts=2):
        rewriter = Rewriter(PAGE, AllowAll())
        if b"".join(map(rewriter.feed, pieces)) + rewriter.close() != data:
            return False
    return True


def test_cases_pass_through_unchanged() -> None:
    cases = [*OWN, *html5lib_inputs()]
    folder = os.environ.get("SAMTYKKE_TEST_DATA")
    assert len(cases) > (5000 if folder else len(OWN) - 1)
    changed = [case for case in cases if not unchanged(case.encode("utf-8", "surrogatepass"))]
    assert changed == []


def test_our_grammar_of_a_tag_is_the_tokenizers() -> None:
    for case in [*OWN, *html5lib_inputs()]:
        shadow = case.replace("\r", "\x0c").replace("\n", "\x0c").encode("utf-8", "surrogatepass")
        tokenizer = Tokenizer(capture_source=True, resolve_references=False)
        for token in tokenizer.feed(shadow.decode("latin-1")):
            if token.source is None or token.type is TokenType.CHARACTER_REFERENCE:
                continue
            end = tag_end(shadow, token.col) if token.tag is not None else markup_end(shadow, token.col)
            assert end == token.col + len(token.source), (case, token)
            if token.type is TokenType.START_TAG:
                names = [name.replace("\ufffd", "\x00") for name, _ in token.attrs or []]
                assert list(attributes(token.source.encode("latin-1"), len(token.tag or ""), "latin-1")) == names


PENDING = [
    '<p title="a \'b', "<p title='a", "<p title=a", "<p title=", "<p title", "<p ", "<p title=a ", "<p title='a' b",
    "<p", '</p x="', "<!-- a", "<!-- a-", "<!-- a--", "<!doctype html", "<?php a", "</ a", "text", "",
    '<p a=b c="d', "<p a='b'c", "<p/", "<p a=b/",
]  # fmt: skip


@pytest.mark.parametrize("pending", PENDING)
def test_a_fresh_tokenizer_goes_on_in_the_state_of_the_old_one(pending: str) -> None:
    for rest in ('">"<i>', "'>'<i>", "> <i>", "--><i>", "-><i>", '="><i>\'"><b>', "x='<i>'><b>", " ><i>"):
        old, new = Tokenizer(capture_attributes=False), Tokenizer(capture_attributes=False)
        assert [*old.feed(pending)] == []
        assert [*new.feed(resumed(pending, None))] == []
        seen = [[(t.type, t.tag) for t in [*each.feed(rest)] if t.type is TokenType.START_TAG] for each in (old, new)]
        assert seen[0] == seen[1], (pending, rest)

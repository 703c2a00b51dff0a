"""What the reader makes of whole policy texts, held against what a person wrote down before it read them.

A case is two files in `tests/cases/policies`: the text (`.html`, `.md` or `.txt`) and `NAME.expected.json`, in the
shape of `policy read` without quotes. Vendor and purpose of a cookie are compared where they are not null, checklist
items where they are listed, everything else exactly. A vendor with several names is a list of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from policies.catalogue import Catalogue
from policies.declared import read_policy
from policies.declared.model import Declared, DeclaredCookie
from policies.declared.sources import read_document

CASES = Path(__file__).parents[2] / "cases" / "policies"
CONTENT_TYPES = {".html": "text/html", ".md": "text/markdown", ".txt": "text/plain"}
CHARSETS = {"nb_furniture_windows1252": "windows-1252"}
"""Cases that are not UTF-8."""
PLACEHOLDER = re.compile(r"<[^>]*>|\[[^]]*\]|\{[^}]*\}|X{4,}(?:_X)*")
"""What stands for "anything" in a declared name: `_ga_<container-id>`, `_hjSession_{site_id}`, `_gat_UA-XXXX`."""
LAYOUT = "_pdf_layout"
"""In these a cell's lines stand beside its neighbours', so that a whole cell is no unbroken run of the text."""


@dataclass(frozen=True)
class Case:
    name: str
    path: Path
    expected: dict[str, Any]

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def visible(self) -> str:
        """What a person sees of the text, told without the reader's help."""
        text = self.data.decode(CHARSETS.get(self.name, "utf-8"))
        if self.path.suffix != ".html":
            return text
        page = _Visible()
        page.feed(text)
        page.close()
        return "".join(page.pieces)

    def cookies(self) -> Iterator[DeclaredCookie]:
        return (DeclaredCookie(**cookie) for cookie in self.expected["cookies"])

    def vendors(self) -> Iterator[tuple[str, ...]]:
        for vendor in self.expected["vendors"]:
            yield tuple(name.casefold() for name in ([vendor] if isinstance(vendor, str) else vendor))


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden = tag if tag in ("script", "style") else self._hidden
        self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = "" if tag == self._hidden else self._hidden
        self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _load() -> Iterator[Case]:
    for path in sorted(CASES.iterdir()):
        if path.suffix in CONTENT_TYPES:
            expected = json.loads((CASES / f"{path.stem}.expected.json").read_text("utf-8"))
            yield Case(path.stem, path, expected)


EVERY = {case.name: case for case in _load()}
every_case = pytest.mark.parametrize("name", EVERY)


@cache
def _catalogue() -> Catalogue:
    return Catalogue.load()


@cache
def _read(name: str) -> Declared:
    case = EVERY[name]
    return read_policy(case.data, content_type=CONTENT_TYPES[case.path.suffix], catalogue=_catalogue())


def _pattern(cookie: DeclaredCookie) -> str:
    return PLACEHOLDER.sub("*", cookie.name)


def _by_name(cookies: Iterable[DeclaredCookie]) -> dict[str, DeclaredCookie]:
    return {_pattern(cookie): cookie for cookie in cookies}


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


@every_case
def test_the_language_is_told(name: str) -> None:
    assert _read(name).language == EVERY[name].expected["language"]


@every_case
def test_every_declared_cookie_is_listed_once_and_nothing_else(name: str) -> None:
    read = sorted(_pattern(cookie) for cookie in _read(name).cookies)
    assert read == sorted(_pattern(cookie) for cookie in EVERY[name].cookies())


@every_case
def test_lifetimes_and_kinds_are_as_declared(name: str) -> None:
    read = _by_name(_read(name).cookies)
    expected = _by_name(EVERY[name].cookies())
    found = {key: (read[key].lifetime, read[key].session, read[key].kind) for key in expected if key in read}
    assert found == {key: (cookie.lifetime, cookie.session, cookie.kind) for key, cookie in expected.items()}


@every_case
def test_cookies_belong_to_the_vendor_that_the_text_names(name: str) -> None:
    read = _by_name(_read(name).cookies)
    wanted = {key: cookie.vendor for key, cookie in _by_name(EVERY[name].cookies()).items() if cookie.vendor}
    found = {key: read[key].vendor for key in wanted if key in read}
    assert found.keys() == wanted.keys()
    assert not {key: found[key] for key in wanted if wanted[key].casefold() not in (found[key] or "").casefold()}


@every_case
def test_cookies_have_the_purpose_that_the_text_gives(name: str) -> None:
    read = _by_name(_read(name).cookies)
    wanted = {key: cookie.purpose for key, cookie in _by_name(EVERY[name].cookies()).items() if cookie.purpose}
    assert {key: read[key].purpose for key in wanted if key in read} == wanted


@every_case
def test_the_vendors_are_those_that_track_and_no_others(name: str) -> None:
    read = [vendor.name.casefold() for vendor in _read(name).vendors]
    expected = list(EVERY[name].vendors())
    missing = [names for names in expected if not any(known in vendor for vendor in read for known in names)]
    unexpected = [vendor for vendor in read if not any(known in vendor for names in expected for known in names)]
    assert (missing, unexpected) == ([], [])


@every_case
def test_claims_are_those_that_the_text_makes(name: str) -> None:
    assert {claim.kind for claim in _read(name).claims} == set(EVERY[name].expected["claims"])


@every_case
def test_the_checklist_is_ticked_where_the_text_says_it(name: str) -> None:
    read = {entry.item: entry.quote is not None for entry in _read(name).checklist}
    expected = EVERY[name].expected["checklist"]
    assert {item: read.get(item) for item in expected} == expected


@every_case
def test_every_quote_stands_in_the_text(name: str) -> None:
    declared = _read(name)
    facts = (*declared.cookies, *declared.vendors, *declared.claims)
    quotes = [fact.quote for fact in facts] + [entry.quote for entry in declared.checklist if entry.quote is not None]
    visible = EVERY[name].visible
    if name.endswith(LAYOUT):
        words = set(visible.split())
        invented = [quote for quote in quotes if not quote.strip() or not words.issuperset(quote.split())]
    else:
        letters = _letters(visible)
        invented = [quote for quote in quotes if not _letters(quote) or _letters(quote) not in letters]
    assert invented == []


@every_case
def test_every_cookie_is_quoted_from_where_it_stands(name: str) -> None:
    case = EVERY[name]
    text = read_document(case.data, CONTENT_TYPES[case.path.suffix]).text
    cookies = _read(name).cookies
    found = [text[cookie.position : cookie.position + len(cookie.quote)] for cookie in cookies]
    assert found == [cookie.quote for cookie in cookies]

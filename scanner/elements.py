"""What an HTML page would contact by `policies.embeds`, and where it leads. Bytes in, elements out: no I/O.

The only place here that knows the tokenizer. Markup inside `noscript` is read too, since a pixel there loads for
visitors without JavaScript. Addresses are absolute, resolved against the first `base`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from turbohtml import Token, Tokenizer, TokenType

from policies.embeds import Kind, Shape, load_of, resolve, script_type

_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?[\"']?([^\"']*)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", re.IGNORECASE)
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.IGNORECASE | re.DOTALL)
_SELF_CLOSING = re.compile(r"<(script|style)\b([^<>]*)/>", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

TYPES: Mapping[Kind, str] = {
    "frame": "document",
    "style": "stylesheet",
    "connect": "fetch",
    "hint": "prefetch",
    "object": "other",
    "worker": "script",
}
"""Kinds of load in Chromium's words for the type of a request; the others are called the same."""


def _candidates(srcset: str) -> Iterator[str]:
    for candidate in re.split(r",\s+|\s+[\d.]+[wxh]\s*,", srcset):
        if words := candidate.split():
            yield words[0].strip(",")


def _in_css(css: str) -> Iterator[str]:
    return (one or two for one, two in _CSS_URL.findall(css))


ADDRESSES: Mapping[Shape, Callable[[str], Iterable[str]]] = {
    "url": lambda value: (value,),
    "srcset": _candidates,
    "list": str.split,
    "css": _in_css,
}
"""How the addresses are read out of a value. `refresh` and `html` are no loads but a link and a document."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One thing the page would load. The line counts from 1."""

    url: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Inline:
    """One script in the page itself."""

    text: str
    line: int


@dataclass(slots=True)
class Page:
    """Everything found. `links` are where a visitor may go next, in document order."""

    title: str = ""
    base: str = ""
    canonical: str | None = None
    first_base: bool = True
    """Is the first `base` still to come?"""
    contacts: list[Contact] = field(default_factory=list)
    inlines: list[Inline] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def decode(body: bytes, charset: str | None = None) -> str:
    """Text of a page: byte order mark, then the header's charset, then its own `meta`, then UTF-8. Never fails."""
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body.decode(codec, "replace")
    found = _CHARSET.search(body[:4_096])
    for name in (charset, found[1].decode("ascii", "replace") if found else None):
        try:
            if name and codecs.lookup(name).name not in ("utf-16", "utf-32", "utf-7"):
                return body.decode(name, "replace")
        except (LookupError, UnicodeError):
            continue
    return body.decode("utf-8", "replace")


def read_page(text: str, url: str) -> Page:
    """Read a whole document that was found at `url`. Any text in, a page out."""
    page = Page(base=url)
    # In SVG `<script/>` is a whole element; to the tokenizer it would open one that swallows the rest of the page.
    _read(_SVG.sub(lambda match: _SELF_CLOSING.sub(r"<\1\2></\1>", match[0]), text), page, first_line=0)
    return page


def _read(text: str, page: Page, *, first_line: int) -> None:
    """`raw` is the element whose text is not markup, while inside one."""
    tokens = Tokenizer()
    raw, line, held = "", 0, ""
    for token in (*tokens.feed(text), *_rest(tokens)):
        if token.type == TokenType.TEXT:
            if raw:
                held += token.data or ""
        elif token.type == TokenType.START_TAG:
            attributes = {name: value or "" for name, value in token.attrs or ()}
            tag = token.tag or ""
            line = first_line + token.line
            _element(tag, attributes, line, page)
            inline = tag == "script" and "src" not in attributes and script_type(attributes) is not None
            raw = tag if tag in ("style", "title", "noscript") or inline else ""
            held = ""
        elif token.type == TokenType.END_TAG and raw and token.tag == raw:
            _held(raw, held, line, page)
            raw = ""


def _rest(tokens: Tokenizer) -> Iterator[Token]:
    tokens.close()
    yield from tokens


def _held(tag: str, text: str, line: int, page: Page) -> None:
    match tag:
        case "script" if text.strip():
            page.inlines.append(Inline(text, line))
        case "style":
            for address in _in_css(text):
                _contact(page, address, "image", line)
        case "title" if not page.title:
            page.title = " ".join(text.split())[:300]
        case "noscript":
            _read(text, page, first_line=line - 1)


def _element(tag: str, attributes: Mapping[str, str], line: int, page: Page) -> None:
    if tag == "base":
        if page.first_base and "href" in attributes:
            page.base, page.first_base = _absolute(page.base, attributes["href"]) or page.base, False
        return
    if tag in ("a", "area") and "href" in attributes and "download" not in attributes:
        if found := _absolute(page.base, attributes["href"]):
            page.links.append(found)
    elif tag == "link" and "canonical" in attributes.get("rel", "").lower().split():
        page.canonical = page.canonical or _absolute(page.base, attributes.get("href", ""))
    if tag == "script" and script_type(attributes) is None:
        return
    for name, value in attributes.items():
        load = load_of(tag, name, attributes)
        if load is None or not value.strip():
            continue
        if load.shape == "refresh":
            match = _REFRESH.match(value)
            if match and match[1] and (found := _absolute(page.base, match[1])):
                page.links.append(found)
        elif load.shape == "html":
            _read(value, page, first_line=line - 1)
        else:
            for address in ADDRESSES[load.shape](value):
                _contact(page, address, load.kind, line)


def _contact(page: Page, address: str, kind: Kind, line: int) -> None:
    if found := _absolute(page.base, address):
        page.contacts.append(Contact(found, TYPES.get(kind, kind), line))


def _absolute(base: str, address: str) -> str | None:
    try:
        found = resolve(address, base)
    except ValueError:
        return None
    return found if found.lower().startswith(("http://", "https://")) else None

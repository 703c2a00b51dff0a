"""What an HTML page would contact, and where it leads. Bytes in, elements out: no I/O.

The only place here that knows the tokenizer. Markup inside `noscript` is read too, since a pixel there loads for
visitors without JavaScript. Addresses are absolute, resolved against the first `base`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from turbohtml import Token, Tokenizer, TokenType

_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?[\"']?([^\"']*)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Attributes = dict[str, str]

_LINK_TYPES = {
    "stylesheet": "stylesheet", "icon": "image", "apple-touch-icon": "image", "manifest": "manifest",
    "preload": "preload", "modulepreload": "script", "prefetch": "prefetch", "preconnect": "preconnect",
    "dns-prefetch": "preconnect", "prerender": "prefetch",
}  # fmt: skip
"""`rel` to the kind of request. Others (alternate, next, author) contact nobody."""


def _first(*names: str) -> Callable[[Attributes], Iterator[str]]:
    def read(attributes: Attributes) -> Iterator[str]:
        for name in names:
            if value := attributes.get(name, "").strip():
                yield from _candidates(value) if name in ("srcset", "imagesrcset") else (value,)

    return read


def _candidates(srcset: str) -> Iterator[str]:
    for candidate in re.split(r",\s+|\s+[\d.]+[wxh]\s*,", srcset):
        if words := candidate.split():
            yield words[0].strip(",")


CONTACTS: dict[str, tuple[str, Callable[[Attributes], Iterator[str]]]] = {
    "script": ("script", _first("src", "href", "xlink:href")),
    "iframe": ("document", _first("src")),
    "frame": ("document", _first("src")),
    "embed": ("object", _first("src")),
    "object": ("object", _first("data")),
    "img": ("image", _first("src", "srcset")),
    "image": ("image", _first("href", "xlink:href")),
    "use": ("image", _first("href", "xlink:href")),
    "input": ("image", _first("src")),
    "source": ("media", _first("src", "srcset")),
    "video": ("media", _first("src", "poster")),
    "audio": ("media", _first("src")),
    "track": ("texttrack", _first("src")),
    "body": ("image", _first("background")),
}
"""Element to the kind of request it makes (Chromium's words, in lower case) and the attributes that hold where to."""


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
    refresh: str | None = None
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
    _read(text, page, first_line=0)
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
            inline = tag == "script" and "src" not in attributes
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
            for one, two in _CSS_URL.findall(text):
                _contact(page, one or two, "stylesheet" if two else "image", line)
        case "title" if not page.title:
            page.title = " ".join(text.split())[:300]
        case "noscript":
            _read(text, page, first_line=line - 1)


def _element(tag: str, attributes: Attributes, line: int, page: Page) -> None:
    if tag in CONTACTS:
        kind, addresses = CONTACTS[tag]
        for address in addresses(attributes):
            _contact(page, address, kind, line)
    elif tag == "link":
        _link(attributes, line, page)
    elif tag == "base" and "href" in attributes and page.base and not page.links and not page.contacts:
        page.base = _absolute(page.base, attributes["href"]) or page.base
    elif tag in ("a", "area") and "href" in attributes:
        if "download" not in attributes and (found := _absolute(page.base, attributes["href"])):
            page.links.append(found)
    elif tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
        match = _REFRESH.match(attributes.get("content", ""))
        if match and match[1] and (found := _absolute(page.base, match[1])):
            page.refresh = found
            page.links.append(found)
    if style := attributes.get("style", ""):
        for one, _ in _CSS_URL.findall(style):
            _contact(page, one, "image", line)
    if tag == "iframe" and (inner := attributes.get("srcdoc")):
        _read(inner, page, first_line=line - 1)


def _link(attributes: Attributes, line: int, page: Page) -> None:
    relations = attributes.get("rel", "").lower().split()
    href = attributes.get("href", "")
    if "canonical" in relations and href:
        page.canonical = page.canonical or _absolute(page.base, href)
    for relation in relations:
        if kind := _LINK_TYPES.get(relation):
            if kind == "preload":
                kind = {"style": "stylesheet", "fetch": "fetch"}.get(attributes.get("as", ""), attributes.get("as", ""))
            _contact(page, href, kind or "other", line)
            break


def _contact(page: Page, address: str, kind: str, line: int) -> None:
    if found := _absolute(page.base, address):
        page.contacts.append(Contact(found, kind, line))


def _absolute(base: str, address: str) -> str | None:
    try:
        found = urljoin(base, address.strip())
    except ValueError:
        return None
    return found if found.lower().startswith(("http://", "https://")) else None

"""Is a response's body a document that a browser would show, and by which grammar? No I/O.

By its media type; where there is none (or one that browsers are told to distrust), by its first bytes, as the MIME
Sniffing Standard does for navigations (7.1). `nosniff` turns the guessing off, but not for a missing type, since
browsers show that, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

Grammar = Literal["html", "xml"]

NEEDED = 1445
"""Bytes that are enough to decide, by the standard."""

_HTML = frozenset(["text/html"])
_XML = frozenset(["application/xhtml+xml", "image/svg+xml"])
_GENERIC_XML = frozenset(["text/xml", "application/xml"])
_UNKNOWN = frozenset(["", "unknown/unknown", "application/unknown", "*/*"])
_TAGS = (
    b"!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p"  # the standard's list
    b"|meta|link|base|img|svg|noscript|template"  # what a document may begin with, too: reading more costs nothing
)
_LOOKS_HTML = re.compile(rb"[\t\n\x0c\r ]*<(?:(?:" + _TAGS + rb")[ \t\n\x0c\r>/]|!--)", re.IGNORECASE)
_LOOKS_XML = re.compile(rb"[\t\n\x0c\r ]*<\?xml", re.IGNORECASE)
_SHOWS = re.compile(rb"http://www\.w3\.org/(?:1999/xhtml|2000/svg)")
_BOMS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")


_ESSENCE = re.compile(r"[ \t\r\n]*([^ \t\r\n;(,]*)")
_CHARSET = re.compile(r";[ \t]*charset[ \t]*=", re.IGNORECASE)
_PART = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*"?)+)')


def essence(content_type: str | None) -> str:
    """`Text/HTML; charset=utf-8` -> `text/html`; "" where there is no type or it is none. What follows a space or a
    parenthesis is no part of it, as browsers read it."""
    found = _ESSENCE.match(content_type or "")
    value = found[1].lower() if found is not None else ""
    return value if value.count("/") == 1 or value == "*/*" else ""


def announced(values: Iterable[bytes]) -> bytes | None:
    """Of several types the one that browsers take: the last that is one, with the charset of an earlier line that says
    the same type (Fetch 2.2.2, extract a MIME type). None where none is."""
    taken: str | None = None
    for part in (part.strip() for value in values for part in _PART.findall(value.decode("latin-1"))):
        kind = essence(part)
        if kind in {"", "*/*"}:
            continue
        if taken is None or kind != essence(taken) or _CHARSET.search(part) or not _CHARSET.search(taken):
            taken = part
    return taken.encode("latin-1") if taken is not None else None


def grammar(content_type: str | None, body: bytes, *, nosniff: bool = False) -> Grammar | None:
    """How to read this body; None where it is no document. `body` is its (decoded) beginning, `NEEDED` bytes do."""
    kind = essence(content_type)
    if kind in _HTML:
        return "html"
    if kind in _XML or (kind.endswith(("+xml",)) and _SHOWS.search(body[:NEEDED])):
        return "xml"
    if kind in _GENERIC_XML:
        return "xml" if _SHOWS.search(body[:NEEDED]) or _LOOKS_XML.match(_ascii(body)) else None
    if kind not in _UNKNOWN or (nosniff and kind):
        return None
    start = _ascii(body)
    if _LOOKS_HTML.match(start):
        return "html"
    return "xml" if _LOOKS_XML.match(start) else None


_BEGINNINGS = (b"<!--", b"<?xml", *(b"<" + tag for tag in _TAGS.split(b"|")))


def undecided(content_type: str | None, body: bytes, *, nosniff: bool = False) -> bool:
    """Could more bytes still make this beginning of a body a document? False once `grammar` has its final say."""
    kind = essence(content_type)
    if len(body) >= NEEDED or kind in _HTML or kind in _XML or grammar(content_type, body, nosniff=nosniff) is not None:
        return False
    if kind not in _UNKNOWN:
        return kind in _GENERIC_XML or kind.endswith("+xml")
    if nosniff and kind:
        return False
    start = _ascii(body).lstrip(b"\t\n\x0c\r ").lower()
    return any(each.startswith(start) for each in _BEGINNINGS) or any(mark.startswith(body) for mark in _BOMS)


class Kind(NamedTuple):
    """What a Content-Type says by itself. `needs_body`: whether it is a document shows in the body only."""

    certain: Grammar | None
    needs_body: bool
    events: bool
    """A stream of server-sent events."""


@lru_cache(maxsize=512)
def kind_of(content_type: bytes | None) -> Kind:
    said = (content_type or b"").decode("latin-1")
    kind = essence(said)
    needs_body = kind in _UNKNOWN or kind in _GENERIC_XML or (kind.endswith("+xml") and kind not in _XML)
    return Kind(None if needs_body else grammar(said, b""), needs_body, kind == "text/event-stream")


def _ascii(body: bytes) -> bytes:
    """The beginning without byte order mark, and with UTF-16's zero bytes taken out."""
    start = body[:NEEDED]
    for mark in _BOMS:
        if start.startswith(mark):
            start = start[len(mark) :]
            return start.replace(b"\x00", b"") if len(mark) == 2 else start
    return start

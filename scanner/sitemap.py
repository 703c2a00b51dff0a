"""Read sitemaps (sitemaps.org 0.9): index files, gzip, plain text and feeds. Bytes in, addresses out: no I/O.

Lenient, since real ones are: any namespace or none, and what is broken yields what stands before the break. Bounded,
since they come from strangers: no entities are expanded, and gzip is undone no further than the limit.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape

MAX_BYTES = 52_428_800
"""50 MiB unpacked, the protocol's own limit."""
MAX_FILES = 200
"""Sitemap files read for one site."""

_GZIP = b"\x1f\x8b"
_LOC = re.compile(r"<(?:[A-Za-z][\w.-]*:)?loc\b[^>]*>\s*(?:<!\[CDATA\[)?\s*([^<\]]+)", re.IGNORECASE)
_FEED_LINK = re.compile(
    r"<link\b[^>]*\bhref\s*=\s*[\"']([^\"']+)[\"'][^>]*>|<link>\s*(?:<!\[CDATA\[)?\s*([^<\]]+)", re.I
)
_INDEX = re.compile(r"<(?:[A-Za-z][\w.-]*:)?sitemapindex\b", re.IGNORECASE)
_ALTERNATE = re.compile(r"<(?:image|video|news|xhtml):.*?(?:/>|</(?:image|video|news|xhtml):[\w.-]+>)", re.S | re.I)


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one file lists: pages, or further sitemaps."""

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()


def read_sitemap(body: bytes) -> Sitemap:
    """Any bytes in, addresses out; nothing in what is no sitemap."""
    text = _text(unpack(body))
    if _INDEX.search(text[:4_000]):
        return Sitemap(sitemaps=_addresses(_LOC.findall(text)))
    if found := _addresses(_LOC.findall(_ALTERNATE.sub("", text))):
        return Sitemap(pages=found)
    if "<" in text[:1_000]:
        feed = re.search(r"<(?:rss|feed|rdf:RDF)\b", text[:4_000], re.IGNORECASE)
        return Sitemap(pages=_addresses(one or two for one, two in _FEED_LINK.findall(text)) if feed else ())
    return Sitemap(pages=_addresses(text.splitlines()))


def unpack(body: bytes, limit: int = MAX_BYTES) -> bytes:
    """Undo gzip where the bytes are gzip, up to `limit` bytes; what is broken gives what came before."""
    if not body.startswith(_GZIP):
        return body[:limit]
    decoder = zlib.decompressobj(wbits=31)
    try:
        return decoder.decompress(body, limit)
    except zlib.error:
        return b""


def _text(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    return body.decode("utf-8-sig", "replace")


def _addresses(found: Iterable[str]) -> tuple[str, ...]:
    texts = (unescape(text).strip() for text in found)
    return tuple(dict.fromkeys(text for text in texts if text.lower().startswith(("http://", "https://"))))

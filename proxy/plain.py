"""The plainest shape of a message, read by one regular expression each. Bytes in, fields out; no I/O.

Nearly all that passes a proxy looks alike: a GET without a body, an answer with its length. Such messages are read
here, whole heads at once; whatever differs in one byte (bodies, chunks, upgrades, a head in two pieces, anything
odd) yields None and belongs to aiohttp's parser, which reads it from its first byte.

Promise: what is read here is read the same by aiohttp, and `headers.refusal` finds nothing against it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from proxy.headers import AUTHORITY, HOP_BY_HOP, Field, Fields
from proxy.settings import Limits

_VALUE = rb"[\t -~\x80-\xff]*+\r\n"
_REQUEST = re.compile(
    rb"(GET|HEAD) (/[!-\"$-~]*+) HTTP/1\.1\r\n((?:[!#$%&'*+\-.^`|~0-9A-Za-z]++:" + _VALUE + rb")*+)\r\n"
)
"""A name with an underscore may imitate another one: not plain."""
_REQUEST_LINE = re.compile(rb"(GET|HEAD) (/[!-\"$-~]*+) HTTP/1\.1\r\n")
_ANSWER = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t -~\x80-\xff]*+))?\r\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:"
    + _VALUE
    + rb")*+)\r\n"
)
_BODYLESS_ANSWER = re.compile(rb"HTTP/1\.[01] ([2-5][0-9][0-9])[ \r]")
_LINE = re.compile(rb"([^:]++):[ \t]*+([^\r]*+)\r\n")
_TELLING = frozenset(
    {
        b"host", b"connection", b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"trailer",
        b"http2-settings",
    }
)  # fmt: skip
_BODYLESS = frozenset({b"204", b"304"})


class Bounds(NamedTuple):
    """How large a plain head is at most, in bytes and in fields: a larger one is the parser's, which has its limits."""

    longest: int = 16_384
    most: int = 64

    @classmethod
    def within(cls, limits: Limits) -> Bounds:
        """Never more than any of these limits allows."""
        usual = cls()
        return cls(
            min(usual.longest, limits.line, limits.field, limits.head),
            min(usual.most, limits.fields),
        )


_USUAL = Bounds()


class PlainRequest(NamedTuple):
    """`method`, target byte for byte, and the lines of its fields as they came."""

    method: str
    target: bytes
    lines: bytes

    @property
    def is_own(self) -> bool:
        """May it be to an address of ours? Those take forms, and answer in a way of their own."""
        return self.target.startswith(b"/.")


class PlainAnswer(NamedTuple):
    """Where the body begins in what was read, and how long it is in all."""

    status: int
    reason: bytes
    fields: Fields
    begins: int
    length: int


def beginning(data: bytes, bounds: Bounds = _USUAL) -> PlainRequest | None:
    """What is a plain request if its lines, the empty one included, are those of one that was: nothing but the first
    line is read."""
    if len(data) > bounds.longest or (found := _REQUEST_LINE.match(data)) is None:
        return None
    method, target = found.groups()
    return PlainRequest("GET" if method == b"GET" else "HEAD", target, data[found.end() :])


def request(data: bytes, bounds: Bounds = _USUAL) -> PlainRequest | None:
    """Exactly one request that may be plain, with nothing behind it, or None. `request_fields` has the last word."""
    if len(data) > bounds.longest or (found := _REQUEST.fullmatch(data)) is None:
        return None
    method, target, lines = found.groups()
    return PlainRequest("GET" if method == b"GET" else "HEAD", target, lines)


def request_fields(lines: bytes, bounds: Bounds = _USUAL) -> Fields | None:
    """The fields of a request without a body, whose `Host` is there once and a host's name; else None."""
    items = [(name.lower(), name, value) for name, value in _values(lines)]
    told = [(key, value) for key, _, value in items if key in _TELLING]
    hosts = [value for key, value in told if key == b"host"]
    if len(hosts) != 1 or len(items) > bounds.most or AUTHORITY.fullmatch(hosts[0]) is None:
        return None
    if any(key != b"host" and (key != b"connection" or value.lower() != b"keep-alive") for key, value in told):
        return None
    return Fields.of(items)


def answer(data: bytes, bounds: Bounds = _USUAL, *, bodyless: bool) -> PlainAnswer | None:
    """The head of an answer that is here whole, whose length is known and whose connection stays; or None.

    What concerns this connection only is left out of its fields. `bodyless`: it answers a HEAD.
    """
    found = _ANSWER.match(data)
    if found is None or (begins := found.end()) > bounds.longest:
        return None
    status, reason, lines = found.groups()
    items: list[Field] = []
    length = None
    for name, value in _values(lines):
        key = name.lower()
        if key in _TELLING:
            if key == b"content-length" and length is None and value.isdigit() and len(value) < 16:
                length = int(value)
            elif key == b"connection" and value.lower() == b"keep-alive":
                continue
            else:
                return None
        elif key in HOP_BY_HOP:
            continue
        items.append((key, name, value))
    if bodyless or status in _BODYLESS:
        length = 0
    if length is None or len(data) - begins > length or len(items) > bounds.most:
        return None
    return PlainAnswer(int(status), reason or b"", Fields.of(items), begins, length)


def without_surplus(data: bytes, *, bodyless: bool) -> bytes:
    """What arrived, up to the end of an answer that has no body by its nature (RFC 9112 6.3, 1); else all of it."""
    begun = _BODYLESS_ANSWER.match(data)
    if begun is None or not (bodyless or begun[1] in _BODYLESS):
        return data
    end = data.find(b"\r\n\r\n")
    return data[: end + 4] if end >= 0 else data


def _values(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values, without the white space around these."""
    found = _LINE.findall(lines)
    if b" \r\n" in lines or b"\t\r\n" in lines:
        return [(name, value.rstrip(b" \t")) for name, value in found]
    return found

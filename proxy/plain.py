"""The plainest shape of a message, read by one regular expression each. Bytes in, fields out; no I/O.

Nearly all that passes a proxy looks alike: a GET without a body, an answer with its length. Such messages are read
here, whole heads at once; whatever differs in one byte (bodies, chunks, upgrades, a head in two pieces, anything
odd) yields None and belongs to aiohttp's parser, which reads it from its first byte.

Promise: what is read here is read the same by aiohttp, and `headers.refusal` finds nothing against it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from proxy.headers import AUTHORITY, Field

_VALUE = rb"[\t -~\x80-\xff]*+\r\n"
_REQUEST = re.compile(
    rb"(GET|HEAD) (/[!-\"$-~]*+) HTTP/1\.1\r\n((?:[!#$%&'*+\-.^`|~0-9A-Za-z]++:" + _VALUE + rb")*+)\r\n"
)
"""A name with an underscore may imitate another one: not plain."""
_ANSWER = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t -~\x80-\xff]*+))?\r\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:"
    + _VALUE
    + rb")*+)\r\n"
)
_LONGEST = 16_384
"""A longer head (bytes) is measured by the parser with its limits."""
_MOST = 64
"""Fields; the same."""
_TELLING = frozenset(
    {
        b"host", b"connection", b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"trailer",
        b"http2-settings",
    }
)  # fmt: skip
_BODYLESS = frozenset({b"204", b"304"})


class PlainRequest(NamedTuple):
    """`method`, target byte for byte, fields."""

    method: str
    target: bytes
    items: list[Field]

    @property
    def is_own(self) -> bool:
        """May it be to an address of ours? Those take forms, and answer in a way of their own."""
        return self.target.startswith(b"/.")


class PlainAnswer(NamedTuple):
    """Where the body begins in what was read, and how long it is in all."""

    status: int
    reason: bytes
    items: list[Field]
    begins: int
    length: int


def request(data: bytes) -> PlainRequest | None:
    """Exactly one request without a body and nothing behind it, or None. `Host` is there once and a host's name."""
    if len(data) > _LONGEST or (found := _REQUEST.fullmatch(data)) is None:
        return None
    method, target, lines = found.groups()
    items: list[Field] = []
    host = None
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        key, value = name.lower(), value.strip(b" \t")
        if key in _TELLING:
            if key == b"host" and host is None:
                host = value
            elif key != b"connection" or value.lower() != b"keep-alive":
                return None
        items.append((key, name, value))
    if host is None or len(items) > _MOST or AUTHORITY.fullmatch(host) is None:
        return None
    return PlainRequest("GET" if method == b"GET" else "HEAD", target, items)


def answer(data: bytes, *, bodyless: bool) -> PlainAnswer | None:
    """The head of an answer that is here whole, whose length is known and whose connection stays; or None.

    `bodyless`: it answers a HEAD.
    """
    found = _ANSWER.match(data)
    if found is None or (begins := found.end()) > _LONGEST:
        return None
    status, reason, lines = found.groups()
    items: list[Field] = []
    length = None
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        key, value = name.lower(), value.strip(b" \t")
        if key in _TELLING:
            if key == b"content-length" and length is None and value.isdigit() and len(value) < 16:
                length = int(value)
            elif key == b"connection":
                if value.lower() != b"keep-alive":
                    return None
            elif key != b"trailer" and key != b"host":
                return None
        items.append((key, name, value))
    if bodyless or status in _BODYLESS:
        length = 0
    if length is None or len(data) - begins > length or len(items) > _MOST:
        return None
    return PlainAnswer(int(status), reason or b"", items, begins, length)

"""Header fields as they are on the wire: bytes, in order, repeated, with the spelling they came in. No I/O.

Holds the rules of a proxy: what concerns one hop only (RFC 9110 7.6.1), who the visitor is told to be
(X-Forwarded-*, RFC 7239), and which requests are too ambiguous to hand on (RFC 9112 3.2, 5, 6, 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, KeysView
from functools import lru_cache

Field = tuple[bytes, bytes, bytes]
"""Lower-case name, name as written, value."""

HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
        b"proxy-authenticate", b"proxy-authentication-info",
    }
)  # fmt: skip
_NEVER_NOMINATED = frozenset({b"host", b"content-length", b"content-type", b"content-encoding", b"cookie"})
"""A Connection header that names these tries to make us and the site see two different requests."""
FORWARDING = frozenset(
    {
        b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-server",
        b"x-forwarded-ssl", b"x-forwarded-scheme", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip",
        b"forwarded", b"true-client-ip", b"cf-connecting-ip",
    }
)  # fmt: skip
"""What only a trusted peer may say about the visitor."""
_EXTENDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-forwarded-proto", b"x-forwarded-host"})
_DISGUISED = frozenset(
    {b"content-length", b"transfer-encoding", b"host", b"connection", b"cookie", b"x-consent", b"sec-gpc"} | FORWARDING
)
"""Names that a CGI-like site reads through an underscore: `Content_Length` would reach it as the real one."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BAD_TARGET = re.compile(rb"[\x00-\x20\x7f#]")
AUTHORITY = re.compile(rb"(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+(?:%25[\w.~\-]+)?\])(?::[0-9]{0,5})?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
"""More does not fit into 64 bits with a sign everywhere: it would be another number to somebody."""


class Fields:
    """An ordered list of header fields; names compare without regard to case."""

    __slots__ = ("_first", "_items")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._items: list[Field] = [(name.lower(), name, value) for name, value in raw]
        self._first: dict[bytes, bytes] | None = None
        """The first value of each name: made when first asked for, and kept up to date."""

    @classmethod
    def of(cls, items: list[Field]) -> Fields:
        """From fields that are taken apart already; the list is taken over."""
        made = cls.__new__(cls)
        made._items, made._first = items, None
        return made

    def copy(self) -> Fields:
        made = Fields.of(self._items.copy())
        made._first = self._first.copy() if self._first is not None else None
        return made

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return ((name, value) for _, name, value in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"<Fields {', '.join(name.decode('latin-1') for _, name, _ in self._items)}>"

    def _known(self) -> dict[bytes, bytes]:
        if (first := self._first) is None:
            first = self._first = {key: value for key, _, value in reversed(self._items)}
        return first

    @property
    def names(self) -> KeysView[bytes]:
        """All names, in lower case."""
        return self._known().keys()

    def get(self, key: bytes) -> bytes | None:
        """The first value of the name, given in lower case."""
        first = self._first
        return (self._known() if first is None else first).get(key)

    def all(self, key: bytes) -> list[bytes]:
        return [value for lower, _, value in self._items if lower == key] if key in self._known() else []

    def joined(self, key: bytes) -> bytes | None:
        """All values as one list-valued field (RFC 9110 5.3)."""
        return b", ".join(self.all(key)) if key in self._known() else None

    def add(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        self._items.append((key, name, value))
        if self._first is not None:
            self._first.setdefault(key, value)

    def set(self, name: bytes, value: bytes) -> None:
        """Put the value where the name stood first, or at the end; other fields of the name go."""
        key = name.lower()
        first = self._known()
        if key not in first:
            self._items.append((key, name, value))
        else:
            out: list[Field] = []
            placed = False
            for item in self._items:
                if item[0] != key:
                    out.append(item)
                elif not placed:
                    out.append((key, item[1], value))
                    placed = True
            self._items = out
        first[key] = value

    def drop(self, keys: frozenset[bytes]) -> None:
        first = self._known()
        if gone := first.keys() & keys:
            self._items = [item for item in self._items if item[0] not in gone]
            for key in gone:
                del first[key]

    def rewrite(self, key: bytes, change: Callable[[bytes], bytes | None]) -> None:
        """Pass every value of the name through `change`; None drops that field."""
        first = self._known()
        if key not in first:
            return
        del first[key]
        out: list[Field] = []
        for item in self._items:
            if item[0] != key:
                out.append(item)
            elif (changed := change(item[2])) is not None:
                out.append((key, item[1], changed))
                first.setdefault(key, changed)
        self._items = out

    def well_formed(self) -> bool:
        """Are all names tokens and all values free of control characters? A lenient parser lets some through."""
        token = _TOKEN.fullmatch
        return all(token(name) is not None and is_text(value) for _, name, value in self._items)

    def repeats(self, key: bytes) -> bool:
        """Does the name stand there more than once, or with a list?"""
        first = self.get(key)
        return first is not None and (b"," in first or len(self.all(key)) > 1)

    def size(self) -> int:
        return sum(len(name) + len(value) + 4 for _, name, value in self._items)

    def lines(self) -> bytes:
        """As in the head of a message, each with its line's end."""
        return b"".join([b"%b: %b\r\n" % (name, value) for _, name, value in self._items])

    def encode(self, first_line: bytes) -> bytes:
        """The head of a message, its empty line included."""
        return b"%b\r\n%b\r\n" % (first_line, self.lines())


def is_text(value: bytes) -> bool:
    """Is there no control character in a field's value, or in a reason?"""
    return _BAD_VALUE.search(value) is None


def elements(value: bytes | None) -> list[bytes]:
    """The elements of a comma-separated list, in lower case."""
    return [part.strip(b" \t").lower() for part in value.split(b",") if part.strip(b" \t")] if value else []


def drop_hop_by_hop(fields: Fields) -> None:
    """Take off what concerns only this connection, the names listed in Connection included."""
    nominated = elements(fields.joined(b"connection"))
    fields.drop(HOP_BY_HOP.union(nominated) if nominated else HOP_BY_HOP)


def refusal(method: str, target: bytes, version: tuple[int, int], fields: Fields) -> tuple[int, str] | None:
    """Why a request must not be handed on, as status and reason, or None. Beyond what the parser refuses itself."""
    if version not in {(1, 0), (1, 1)}:
        return 505, "only HTTP/1.0 and HTTP/1.1 are spoken here"
    if method in {"CONNECT", "TRACE"}:
        return 405, f"{method} is not offered"
    if _BAD_TARGET.search(target):
        return 400, "the request target holds a control character, a space or a fragment"
    hosts = fields.all(b"host")
    if len(hosts) > 1 or (not hosts and version == (1, 1)):
        return 400, "a request needs exactly one Host"
    if hosts and not AUTHORITY.fullmatch(hosts[0]):
        return 400, "Host is no host name"
    if not target.startswith(b"/") and not (target == b"*" and method == "OPTIONS"):
        authority = absolute_authority(target)
        if authority is None:
            return 400, "the request target is neither a path nor an http address"
        if not hosts or authority.lower() != hosts[0].lower():
            return 400, "the request target and Host name different hosts"
    return _framing_refusal(version, fields) or _naming_refusal(fields)


def _framing_refusal(version: tuple[int, int], fields: Fields) -> tuple[int, str] | None:
    lengths, codings = fields.all(b"content-length"), fields.all(b"transfer-encoding")
    if codings:
        if lengths:
            return 400, "both Content-Length and Transfer-Encoding"
        if version == (1, 0):
            return 400, "Transfer-Encoding in an HTTP/1.0 request"
        if [coding.strip(b" \t").lower() for coding in codings] != [b"chunked"]:
            return 501, "the only transfer coding understood is chunked"
    if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        return 400, "Content-Length is no single number"
    return None


def _naming_refusal(fields: Fields) -> tuple[int, str] | None:
    for key in fields.names:
        if b"_" in key and key.replace(b"_", b"-") in _DISGUISED:
            return 400, f"header name {key.decode('latin-1')} imitates another"
    if _NEVER_NOMINATED.intersection(elements(fields.joined(b"connection"))):
        return 400, "Connection names a header that is not its own"
    if (expected := fields.get(b"expect")) is not None and expected.lower() != b"100-continue":
        return 417, "the only expectation met is 100-continue"
    return None


def absolute_authority(target: bytes) -> bytes | None:
    """Host and port of an absolute-form target (RFC 9112 3.2.2), or None."""
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in {b"http", b"https"}:
        return None
    authority = re.split(rb"[/?]", rest, maxsplit=1)[0]
    return authority if authority and b"@" not in authority else None


def origin_form(target: bytes) -> bytes:
    """Path and query of a target, byte for byte."""
    if target.startswith(b"/") or target == b"*":
        return target
    rest = target.partition(b"://")[2]
    match = re.search(rb"[/?]", rest)
    if match is None:
        return b"/"
    return rest[match.start() :] if match[0] == b"/" else b"/" + rest[match.start() :]


def set_forwarding(fields: Fields, *, peer: str, trusted: bool, scheme: bytes, host: bytes) -> None:
    """Say who the visitor is. What an untrusted peer says about itself is dropped; a trusted one's word is extended."""
    if trusted:
        before, forwarded = fields.joined(b"x-forwarded-for"), fields.joined(b"forwarded")
        scheme = fields.get(b"x-forwarded-proto") or scheme
        host = fields.get(b"x-forwarded-host") or host
        fields.drop(_EXTENDED)
    else:
        before = forwarded = None
        fields.drop(FORWARDING)
    client, element = _forwarded(peer, scheme, host)
    fields.add(b"X-Forwarded-For", before + b", " + client if before else client)
    fields.add(b"X-Forwarded-Proto", scheme)
    fields.add(b"X-Forwarded-Host", host)
    fields.add(b"Forwarded", forwarded + b", " + element if forwarded else element)


@lru_cache(maxsize=256)
def _forwarded(peer: str, scheme: bytes, host: bytes) -> tuple[bytes, bytes]:
    """A peer's address, and what RFC 7239 makes of it all."""
    client = peer.encode("ascii", "replace")
    node = b'"[' + client + b']"' if b":" in client else client
    return client, b"for=" + node + b';host="' + host + b'";proto=' + scheme

"""Header fields as they are on the wire: bytes, in order, repeated, with the spelling they came in. No I/O.

Holds the rules of a proxy: what concerns one hop only (RFC 9110 7.6.1), who the visitor is told to be
(X-Forwarded-*, RFC 7239), and which requests are too ambiguous to hand on (RFC 9112 3.2, 5, 6, 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

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
_DISGUISED = frozenset(
    {b"content-length", b"transfer-encoding", b"host", b"connection", b"cookie", b"x-consent", b"sec-gpc"} | FORWARDING
)
"""Names that a CGI-like site reads through an underscore: `Content_Length` would reach it as the real one."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BAD_TARGET = re.compile(rb"[\x00-\x20\x7f#]")
AUTHORITY = re.compile(rb"(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+(?:%25[\w.~\-]+)?\])(?::[0-9]{0,5})?")
_LENGTH = re.compile(rb"[0-9]{1,19}")


class Fields:
    """An ordered list of header fields; names compare without regard to case."""

    __slots__ = ("items",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.items: list[Field] = [(name.lower(), name, value) for name, value in raw]

    @classmethod
    def of(cls, items: list[Field]) -> Fields:
        """From fields that are taken apart already; the list is taken over."""
        made = cls.__new__(cls)
        made.items = items
        return made

    def copy(self) -> Fields:
        return Fields.of(self.items.copy())

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return ((name, value) for _, name, value in self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"<Fields {', '.join(name.decode('latin-1') for _, name, _ in self.items)}>"

    def get(self, key: bytes) -> bytes | None:
        """The first value of the name, given in lower case."""
        for lower, _, value in self.items:
            if lower == key:
                return value
        return None

    def all(self, key: bytes) -> list[bytes]:
        return [value for lower, _, value in self.items if lower == key]

    def joined(self, key: bytes) -> bytes | None:
        """All values as one list-valued field (RFC 9110 5.3)."""
        values = self.all(key)
        return b", ".join(values) if values else None

    def add(self, name: bytes, value: bytes) -> None:
        self.items.append((name.lower(), name, value))

    def set(self, name: bytes, value: bytes) -> None:
        """Put the value where the name stood first, or at the end; other fields of the name go."""
        key = name.lower()
        for index, (lower, written, _) in enumerate(self.items):
            if lower == key:
                rest = [item for item in self.items[index + 1 :] if item[0] != key]
                self.items[index:] = [(key, written, value), *rest]
                return
        self.items.append((key, name, value))

    def drop(self, keys: frozenset[bytes]) -> None:
        for item in self.items:
            if item[0] in keys:
                self.items = [item for item in self.items if item[0] not in keys]
                return

    def rewrite(self, key: bytes, change: Callable[[bytes], bytes | None]) -> None:
        """Pass every value of the name through `change`; None drops that field."""
        if self.get(key) is None:
            return
        out: list[Field] = []
        for lower, name, value in self.items:
            if lower == key:
                changed = change(value)
                if changed is not None:
                    out.append((lower, name, changed))
            else:
                out.append((lower, name, value))
        self.items = out

    def size(self) -> int:
        return sum(len(name) + len(value) + 4 for _, name, value in self.items)

    def encode(self, first_line: bytes) -> bytes:
        """The head of a message, its empty line included."""
        lines = [first_line]
        lines += [name + b": " + value for _, name, value in self.items]
        lines.append(b"\r\n")
        return b"\r\n".join(lines)


def elements(value: bytes | None) -> list[bytes]:
    """The elements of a comma-separated list, in lower case."""
    return [part.strip(b" \t").lower() for part in value.split(b",") if part.strip(b" \t")] if value else []


def drop_hop_by_hop(fields: Fields) -> None:
    """Take off what concerns only this connection, the names listed in Connection included."""
    nominated = elements(fields.joined(b"connection"))
    fields.drop(HOP_BY_HOP.union(nominated) if nominated else HOP_BY_HOP)


def well_formed(fields: Fields) -> bool:
    """Are all names tokens and all values free of control characters? A lenient parser lets some through."""
    bad = _BAD_VALUE.search
    token = _TOKEN.fullmatch
    return all(token(name) is not None and bad(value) is None for _, name, value in fields.items)


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
    for key, _, _ in fields.items:
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
    client = peer.encode("ascii", "replace")
    node = b'"[' + client + b']"' if b":" in client else client
    before: bytes | None = None
    forwarded: bytes | None = None
    if trusted:
        before, forwarded = fields.joined(b"x-forwarded-for"), fields.joined(b"forwarded")
        scheme = fields.get(b"x-forwarded-proto") or scheme
        host = fields.get(b"x-forwarded-host") or host
        fields.drop(frozenset({b"x-forwarded-for", b"forwarded", b"x-forwarded-proto", b"x-forwarded-host"}))
    else:
        fields.drop(FORWARDING)
    fields.add(b"X-Forwarded-For", before + b", " + client if before else client)
    fields.add(b"X-Forwarded-Proto", scheme)
    fields.add(b"X-Forwarded-Host", host)
    element = b"for=" + node + b';host="' + host + b'";proto=' + scheme
    fields.add(b"Forwarded", forwarded + b", " + element if forwarded else element)

"""Who is at the other end of a connection, as a load balancer in front says first: PROXY protocol 1 and 2. No I/O.

Feed the first bytes of a connection; once the header is whole, `peer` holds the visitor's address and `rest` what
follows. LOCAL and UNKNOWN (the balancer's own probes) leave the connection's own address in force. Anything else than
a header is an error: a visitor who reaches the port past the balancer could claim any address.
"""

from __future__ import annotations

import ipaddress
import re

_TEXT = b"PROXY "
_BINARY = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_TEXT = 107
_LONGEST_BINARY = 4096
"""Addresses and a balancer's own fields; what is said to be longer is no header but an attack."""
_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")
_FAMILIES = {1: 4, 2: 16}


class PeerError(ValueError):
    """The connection does not begin with a PROXY header, or with a broken one."""


class PeerHeader:
    """`feed` answers True once the header is whole. Raises PeerError."""

    def __init__(self) -> None:
        self._held = b""
        self.peer: tuple[str, int] | None = None
        self.rest = b""

    def feed(self, data: bytes) -> bool:
        self._held += data
        held = self._held
        if held[:12] == _BINARY[: len(held)]:
            return self._binary(held)
        if held[:6] == _TEXT[: len(held)]:
            return self._text(held)
        raise PeerError("the connection does not begin with a PROXY header")

    def _text(self, held: bytes) -> bool:
        end = held.find(b"\r\n", 0, _LONGEST_TEXT)
        if end < 0:
            if len(held) >= _LONGEST_TEXT:
                raise PeerError("the PROXY line is longer than 107 bytes")
            return False
        self.rest = held[end + 2 :]
        words = held[:end].split(b" ")
        if words[1] == b"UNKNOWN":
            return True
        if len(words) != 6 or words[1] not in {b"TCP4", b"TCP6"}:
            raise PeerError("the PROXY line is neither TCP4, TCP6 nor UNKNOWN with two addresses and ports")
        source, _ = (_address(word, words[1]) for word in words[2:4])
        port, _ = (_port(word) for word in words[4:6])
        self.peer = (source, port)
        return True

    def _binary(self, held: bytes) -> bool:
        if len(held) < 16:
            return False
        version, command, family = held[12] >> 4, held[12] & 15, held[13] >> 4
        length = int.from_bytes(held[14:16], "big")
        if version != 2 or command > 1 or length > _LONGEST_BINARY:
            raise PeerError("a PROXY header of no known version or command, or one too long")
        if len(held) < 16 + length:
            return False
        self.rest = held[16 + length :]
        size = _FAMILIES.get(family)
        if command == 0 or size is None:
            return True
        if length < 2 * size + 4:
            raise PeerError("the PROXY header is too short for its addresses")
        source = ipaddress.ip_address(held[16 : 16 + size])
        self.peer = (str(source), int.from_bytes(held[16 + 2 * size : 18 + 2 * size], "big"))
        return True


def _address(word: bytes, family: bytes) -> str:
    try:
        address = ipaddress.ip_address(word.decode("ascii"))
    except ValueError as error:
        raise PeerError("the PROXY line names no address") from error
    if address.version != (4 if family == b"TCP4" else 6):
        raise PeerError("the PROXY line's address is of another family")
    return str(address)


def _port(word: bytes) -> int:
    if not _PORT.fullmatch(word) or int(word) > 65_535:
        raise PeerError("the PROXY line names no port")
    return int(word)

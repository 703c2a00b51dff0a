"""A DNS server on loopback that knows the CNAMEs it is given (RFC 1035 section 4); any other name does not exist."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CNAME, IN = 5, 1


class _Server(asyncio.DatagramProtocol):
    def __init__(self, aliases: dict[str, str], asked: list[str]) -> None:
        self._aliases, self._asked = aliases, asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end, labels = 12, []
        while data[end]:
            labels.append(data[end + 1 : end + 1 + data[end]].decode())
            end += data[end] + 1
        name = ".".join(labels).lower()
        self._asked.append(name)
        question = data[12 : end + 5]
        target = self._aliases.get(name)
        header = data[:2] + struct.pack(">HHHHH", 0x8180 if target else 0x8183, 1, 1 if target else 0, 0, 0)
        answer = b""
        if target:
            encoded = b"".join(bytes([len(part)]) + part.encode() for part in target.split(".")) + b"\0"
            answer = struct.pack(">HHHIH", 0xC00C, CNAME, IN, 60, len(encoded)) + encoded
        self._transport.sendto(header + question + answer, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def serve_names(aliases: dict[str, str]) -> AsyncIterator[tuple[int, list[str]]]:
    """(the UDP port, the names asked for so far)."""
    asked: list[str] = []
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Server(aliases, asked), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1], asked
    finally:
        transport.close()

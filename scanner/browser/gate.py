"""A gate for WebSockets: DevTools can hold back every request of a page but these. A SOCKS5 proxy on loopback
(RFC 1928, no authentication, CONNECT only) that Chromium uses for WebSockets alone and that refuses inner addresses.

The name is resolved here, by the scan's own guarded resolver, and the connection goes to the address that was judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket

from aiohttp.abc import AbstractResolver

_VERSION, _CONNECT = 5, 1
_IPV4 = 1
_GRANTED, _NOT_ALLOWED = 0, 2
SECONDS = 10.0
"""Longest wait for the greeting and for the connection."""


class WebSocketGate:
    """`resolver` must be guarded: what it raises as OSError is refused."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.refused: list[str] = []
        """Hosts that were asked for and not allowed or not reached."""

    async def start(self) -> int:
        """Listen on a free port of loopback and give it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(SECONDS):
                target = await self._asked(reader, writer)
                found = await self._connect(*target) if target else None
                writer.write(_answer(_GRANTED if found else _NOT_ALLOWED))
                await writer.drain()
            if found is not None:
                await _relay((reader, writer), found)
        except (OSError, EOFError, TimeoutError, UnicodeDecodeError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
        """Host and port of the request; None for one that is no CONNECT."""
        version, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(bytes((_VERSION, 0)))
        version, command, _, kind = await reader.readexactly(4)
        if version != _VERSION or command != _CONNECT:
            return None
        match kind:
            case 1:
                host = str(ipaddress.IPv4Address(await reader.readexactly(4)))
            case 4:
                host = str(ipaddress.IPv6Address(await reader.readexactly(16)))
            case 3:
                host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii")
            case _:
                return None
        return host, int.from_bytes(await reader.readexactly(2), "big")

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            for address in await self._resolver.resolve(host, port, socket.AF_UNSPEC):
                with contextlib.suppress(ConnectionError):
                    return await asyncio.open_connection(address["host"], address["port"] or port)
        except OSError:
            pass
        self.refused.append(host)
        return None


async def _relay(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter], other: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    await asyncio.gather(pump(one[0], other[1]), pump(other[0], one[1]))


def _answer(code: int) -> bytes:
    return bytes((_VERSION, code, 0, _IPV4, 0, 0, 0, 0, 0, 0))

"""What tests of the short way need: a site that says byte for byte what it is told to, and visitors' connections."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

TRACKER = b'<script src="https://www.google-analytics.com/analytics.js"></script>'
PAGE = b"<!doctype html><html><head><title>%b</title>" + TRACKER + b"</head><body><p>wool</p></body></html>"
Script = Callable[["Line", int], Awaitable[None]]


def answer(
    body: bytes = b"wool", *, kind: bytes = b"text/plain", more: bytes = b"", length: int | None = None
) -> bytes:
    said = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (kind, said, more, body)


def get(target: bytes = b"/a.txt", *lines: bytes, accept: bytes = b"*/*", to: bytes = b"empty") -> bytes:
    fixed = (b"GET %b HTTP/1.1" % target, b"Host: shop.localhost", b"Accept: " + accept, b"Sec-Fetch-Dest: " + to)
    return b"\r\n".join((*fixed, *lines)) + b"\r\n\r\n"


@dataclass
class Line:
    """A connection from the proxy to the site."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *pieces: bytes, pause: float = 0.0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)


@dataclass
class Wire:
    """A site that says byte for byte what `script` says, told how often it was asked before."""

    script: Script
    heads: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Has a connection ended?"""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await self.script(Line(reader, writer), len(self.heads) - 1)
        finally:
            self.ended.set()


def always(*pieces: bytes, pause: float = 0.0) -> Script:
    async def script(line: Line, _: int) -> None:
        await line.say(*pieces, pause=pause)

    return script


def first_then(first: Script, then: Script, *, asked: int) -> Script:
    """`first` answers so many requests, `then` all that follow."""

    async def script(line: Line, number: int) -> None:
        await (first if number < asked else then)(line, number)

    return script


def states(taken: list[object]) -> list[str]:
    return [re.sub(r"<FastExchange \w+ (.*)>", r"\1", repr(one)) for one in taken]


class Visit:
    """One visitor's connection, kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await self.hear()

    async def hear(self) -> bytes:
        """One answer; what there was of it where the connection ends."""
        async with asyncio.timeout(60):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
                return head + await self._body(head)
            except asyncio.IncompleteReadError as error:
                return error.partial
            except ConnectionResetError:
                return b""

    async def rest(self) -> bytes:
        """What comes before the connection ends."""
        async with asyncio.timeout(60):
            with suppress(ConnectionResetError):
                return await self.reader.read()
        return b""

    async def _body(self, head: bytes) -> bytes:
        if head.split(b" ")[1] in {b"204", b"304"}:
            return b""
        if length := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
            return await self.reader.readexactly(int(length[1]))
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")
        return body


async def refusal(visit: Visit, action: bytes = b"reject") -> bytes:
    """The Cookie line of a visitor who has refused, or chosen something else."""
    page = await visit.ask(get(b"/", accept=b"text/html", to=b"document"))
    body = b"action=" + action + b"&return=/&notice=" + re.search(rb'name="notice" value="([^"]+)"', page)[1]
    done = await visit.ask(
        b"POST /.samtykke/choice HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Site: same-origin\r\n"
        b"Accept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    return b"Cookie: " + b"; ".join(re.findall(rb"(?i)set-cookie: ([^;]+)", done))


def page_of(cookie: bytes) -> bytes:
    return get(b"/", cookie, accept=b"text/html", to=b"document")

"""One answer to a visitor, written as bytes: fields reach him as they were (order, repeats, letters beyond ASCII).

An answer that cannot be finished breaks the connection instead of pretending an end.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from proxy.headers import Fields
from proxy.pages import phrase
from proxy.visitor import APART, Received

_RESET = struct.pack("ii", 1, 0)
_NO_BODY = frozenset({204, 304})


class Reply:
    """One answer, written as bytes. Use `start`, any number of `send`, then `end`; or `whole` for all at once."""

    __slots__ = ("_chunked", "_connection", "_received", "_withheld", "head", "keep_alive", "sent", "started", "status")

    def __init__(self, received: Received) -> None:
        self._received = received
        self._connection = received.connection
        self._chunked = False
        self._withheld = b""
        self.keep_alive = received.keep_alive
        self.status = 0
        self.sent = 0
        self.started = False
        self.head = b""
        """As it is sent, once `start` has decided."""

    def __repr__(self) -> str:
        return f"<Reply {self.status or 'not started'}, {self.sent} bytes>"

    @property
    def bodyless(self) -> bool:
        return self._received.method == "HEAD" or self.status in _NO_BODY

    def start(self, status: int, reason: bytes, fields: Fields, *, length: int | None) -> None:
        """Decide the framing and hold the head back until the first body bytes. `length` None: not known beforehand.

        `fields` must be free of hop-by-hop fields and, where `length` is None, of Content-Length.
        """
        self.status, self.started = status, True
        self._connection.answering = True
        if self._connection.front.draining or not self._connection.may_stay(self._received):
            self.keep_alive = False
        modern = self._received.version >= (1, 1)
        if not self.bodyless and length is None:
            if modern:
                self._chunked = True
                fields.add(b"Transfer-Encoding", b"chunked")
            else:
                self.keep_alive = False
        if not self.keep_alive:
            fields.add(b"Connection", b"close")
        elif not modern:
            fields.add(b"Connection", b"keep-alive")
        self._withheld = self.head = fields.encode(b"HTTP/1.1 %d %b" % (status, reason))

    async def send(self, data: bytes) -> None:
        """Write a piece of the body and wait where the visitor is slow. Raises ConnectionError when he has left."""
        head, self._withheld = self._withheld, b""
        if not data or self.bodyless:
            if head:
                await self._connection.write(head)
            return
        self.sent += len(data)
        if self._chunked:
            data = b"%b%x\r\n%b\r\n" % (head, len(data), data)
        elif head:
            data = head + data
        await self._connection.write(data)

    async def end(self, data: bytes = b"") -> None:
        """Write the rest and the end of the body."""
        head, self._withheld = self._withheld, b""
        if self.bodyless:
            data = head
        else:
            self.sent += len(data)
            if self._chunked:
                data = b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(data), data) if data else head + b"0\r\n\r\n"
            elif head and len(data) > APART:
                return await self._connection.write(head, data)
            else:
                data = head + data
        if data:
            await self._connection.write(data)
        return None

    @property
    def may_repeat(self) -> bool:
        """Does the connection stay, as it did when the like was answered?"""
        return self.keep_alive and not self._connection.front.draining

    async def repeat(self, status: int, head: bytes, body: bytes) -> None:
        """Write an answer, head and body, that another has got already."""
        self.status, self.started, self.head, self._withheld = status, True, head, head
        self._connection.answering = True
        await self.end(body)

    async def raw(self, data: bytes, status: int) -> None:
        """Write bytes as they are: the head of a switched protocol."""
        self.status, self.started, self.keep_alive = status, True, False
        self._connection.answering = True
        await self._connection.write(data)

    async def whole(self, status: int, reason: bytes, fields: Fields, body: bytes) -> None:
        """An answer of our own, complete."""
        if status not in _NO_BODY:
            fields.set(b"Content-Length", b"%d" % len(body))
        self.start(status, reason, fields, length=len(body))
        await self.end(body)

    async def response(self, response: web.Response) -> None:
        """A response made with aiohttp's class."""
        body = response.body
        fields = Fields((name.encode(), value.encode("utf-8")) for name, value in response.headers.items())
        await self.whole(
            response.status, phrase(response.status).encode(), fields, body if isinstance(body, bytes) else b""
        )

    def break_off(self) -> None:
        """End the connection so that nobody takes what was sent for the whole."""
        self.keep_alive = False
        transport = self._connection.transport
        if transport is None:
            return
        if self._chunked:
            transport.close()
            return
        # A reset: where the end of the connection is the end of the body, a plain end would look like one.
        held = transport.get_extra_info("socket")
        if held is not None:
            with suppress(OSError):
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to do when aiohttp asks."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """The end has been written, too."""

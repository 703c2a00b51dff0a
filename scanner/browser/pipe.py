"""The DevTools protocol over a pair of pipes: JSON objects ended by NUL, answers matched to commands by id.

Decoding is feed/close and pure (`Framing`); `Connection` owns the two pipes and nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

Json = dict[str, Any]
EventHandler = Callable[[str | None, str, Json], None]
"""Called with session id (None is the browser itself), method and parameters."""


class CommandFailed(RuntimeError):  # noqa: N818  # reads as what happened
    """The browser refused one command; carries the method and the browser's own words."""

    def __init__(self, method: str, message: str) -> None:
        super().__init__(f"{method}: {message}")
        self.method = method
        self.message = message


class BrowserGone(ConnectionError):  # noqa: N818  # reads as what happened
    """Chromium has ended, or its pipe has."""


class Framing:
    """Cut a stream of bytes into JSON objects at NUL."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Json]:
        """The objects completed by `data`. Raises ValueError for bytes that are no JSON object."""
        self._pending += data
        if 0 not in data:
            return []
        *whole, rest = bytes(self._pending).split(b"\0")
        self._pending = bytearray(rest)
        messages = [json.loads(message) for message in whole if message]
        if not all(isinstance(message, dict) for message in messages):
            raise ValueError("a DevTools message is not an object")
        return messages


class Connection(asyncio.Protocol):
    """Both directions of one browser's pipe. Every waiting command fails with BrowserGone when it closes."""

    def __init__(self, on_event: EventHandler) -> None:
        self._on_event = on_event
        self._framing = Framing()
        self._waiting: dict[int, tuple[str, asyncio.Future[Json]]] = {}
        self._next = 0
        self._reader: asyncio.BaseTransport | None = None
        self._writer: asyncio.WriteTransport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, read_fd: int, write_fd: int, on_event: EventHandler) -> Connection:
        """Take over both descriptors and start reading."""
        loop = asyncio.get_running_loop()
        connection = cls(on_event)
        connection._reader, _ = await loop.connect_read_pipe(lambda: connection, open(read_fd, "rb", 0))  # noqa: ASYNC230,SIM115  # a pipe; the transport owns it
        writer, _ = await loop.connect_write_pipe(_Writing, open(write_fd, "wb", 0))  # noqa: ASYNC230,SIM115  # a pipe; the transport owns it
        connection._writer = writer
        return connection

    def post(self, method: str, params: Json | None = None, session: str | None = None) -> asyncio.Future[Json]:
        """Send a command now; the future is its result. A failure nobody awaits is dropped without a word."""
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_swallow)
        if self._writer is None or self.closed.done():
            future.set_exception(BrowserGone("Chromium is not running"))
            return future
        self._next += 1
        message: Json = {"id": self._next, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session
        self._waiting[self._next] = (method, future)
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\0")
        return future

    async def call(
        self, method: str, params: Json | None = None, session: str | None = None, *, seconds: float = 10.0
    ) -> Json:
        """Send a command and wait for its result. Raises CommandFailed, BrowserGone, or TimeoutError."""
        return await asyncio.wait_for(self.post(method, params, session), seconds)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._reader = transport

    def data_received(self, data: bytes) -> None:
        for message in self._framing.feed(data):
            if "id" in message:
                self._answer(message)
            else:
                self._on_event(message.get("sessionId"), message["method"], message.get("params", {}))

    def _answer(self, message: Json) -> None:
        method, future = self._waiting.pop(message["id"], ("", None))
        if future is None or future.done():
            return
        if error := message.get("error"):
            future.set_exception(CommandFailed(method, str(error.get("message", error))))
        else:
            future.set_result(cast("Json", message.get("result", {})))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(BrowserGone("Chromium has ended"))
        self._waiting.clear()

    def close(self) -> None:
        """Close both pipes; Chromium ends by itself when its end closes."""
        for transport in (self._writer, self._reader):
            if transport is not None:
                transport.close()
        self.connection_lost(None)


class _Writing(asyncio.BaseProtocol):
    """The writing pipe has nothing to say."""


def _swallow(future: asyncio.Future[Json]) -> None:
    if not future.cancelled():
        future.exception()

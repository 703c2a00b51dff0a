"""Visitors' connections: what arrives becomes one request after the other, each handed to the handler as `Received`.

A plain request (see `plain`) is taken here in one step, and answered by the short way (see `fast_path`) or by a task.
Any other is aiohttp's: its parser gets the connection with the first byte of that request. One to our own addresses is
only lent to it; otherwise aiohttp keeps the connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError

from proxy import plain
from proxy.headers import Fields
from proxy.pages import problem
from proxy.pauses import TellsPauses
from proxy.peer import PeerError, PeerHeader
from proxy.recent import Alike
from proxy.settings import Limits
from proxy.upstream import Begun

if TYPE_CHECKING:
    from proxy.front import Front

LINGER = 1.0
"""Seconds that an idle connection stays open while we stop, and one whose request was answered before its end."""
APART = 8192
"""Bytes of a body that are too many to be copied behind its head."""
_EARLY = 65_536
"""Bytes that may wait behind a request that is being answered."""
_NEVER = 1e9
"""Seconds: aiohttp's own clock for idle connections is not used, since it does not know of plain requests."""
_HEAD_ENDS = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_QUIET = logging.getLogger("samtykke.server")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(slots=True)
class Received:
    """A request as it was received. `target` is byte for byte, `whole` is aiohttp's where that has read it."""

    method: str
    target: bytes
    version: tuple[int, int]
    fields: Fields
    connection: VisitorConnection
    keep_alive: bool
    whole: web.BaseRequest | None = None
    alike: Alike | None = None
    """A plain request's like of the same second, with which it shares `fields`."""
    begun: Shortened | None = None
    """The short way that could not be gone to its end."""

    @property
    def remote(self) -> str:
        """The address of whoever has connected."""
        return self.connection.remote


class Shortened(Begun, Protocol):
    """An exchange that a task did not begin. `began` is of the monotonic clock, in seconds."""

    @property
    def request_id(self) -> str: ...
    @property
    def began(self) -> float: ...
    def cancel(self) -> None:
        """Nobody waits for it, unless it was taken over."""


class Answered(Protocol):
    """What is needed of a handler's answer, which has been written already; the methods are aiohttp's."""

    @property
    def keep_alive(self) -> bool: ...
    @property
    def status(self) -> int: ...
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None: ...
    async def write_eof(self, data: bytes = b"") -> None: ...


Handler = Callable[[Received], Awaitable[Answered]]
Shortcut = Callable[[Received], Shortened | None]
"""Takes a plain request if it can be answered without a task; `deliver`, `begin` or `fail` will be called."""
Refused = Callable[[str, BaseException | None], str]
"""Logs a reason, with the exception where the fault is ours, and yields a request id for the page."""


Reader = Literal["ours", "lent", "aiohttp"]
"""Who reads what arrives. `lent`: aiohttp, until this one request is answered."""


class VisitorConnection(TellsPauses, web.RequestHandler):
    """aiohttp's server protocol, with a shorter way for plain requests, our own page for what cannot be parsed, and a
    hook for tunnels."""

    __slots__ = (
        "_announced", "_announcing", "_clock", "_early", "_ending", "_limits", "_next", "_reader", "_remote",
        "_serving", "_shortened", "_taking", "_untaken", "answering", "busy", "front", "on_pause", "refused", "since",
    )  # fmt: skip

    def __init__(self, manager: Front, loop: asyncio.AbstractEventLoop, limits: Limits, refused: Refused) -> None:
        self.on_pause: Callable[[bool], None] | None = None
        self.refused = refused
        self.front = manager
        self.busy = False
        self.answering = False
        """Has an answer to the present request begun, and not ended as it should?"""
        self.since = loop.time()
        """When the last exchange ended, or the connection began."""
        self._limits = limits
        self._reader: Reader = "ours"
        self._serving: asyncio.Task[None] | None = None
        self._next: asyncio.Future[Received] | None = None
        """What the task waits for, once it has answered."""
        self._shortened: Shortened | None = None
        self._taking = False
        """Has an answer been delivered that the visitor has not taken yet?"""
        self._early = b""
        self._ending = b""
        """The last bytes that aiohttp's parser was given."""
        self._remote: str | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._untaken = 0
        """Bytes of the answer that waited for the visitor when the clock rang last; 0 where he has taken some since."""
        self._announcing = PeerHeader() if manager.announced else None
        self._announced: tuple[str, int] | None = None
        super().__init__(
            manager,
            loop=loop,
            keepalive_timeout=_NEVER,
            lingering_time=LINGER,
            logger=_QUIET,
            access_log=None,  # type: ignore[arg-type]  # None switches it off; the stub does not say so
            max_line_size=limits.line,
            max_field_size=limits.field,
            max_headers=limits.fields,
            auto_decompress=False,
            read_bufsize=65_536,
        )

    @property
    def peername(self) -> str | tuple[str, int, int, int] | tuple[str, int] | None:
        # aiohttp's is cached at its first use; ours may change once, before any request: by a PROXY header.
        if self._announced is not None:
            return self._announced
        transport = self.transport
        return transport.get_extra_info("peername") if transport is not None else None

    @property
    def remote(self) -> str:
        """The address of whoever has connected; empty where it is not known."""
        if self._remote is None:
            peer = self.peername
            self._remote = peer if isinstance(peer, str) else str(peer[0]) if peer else ""
        return self._remote

    def idle(self, since: float) -> bool:
        """Has nothing been asked since this time of the loop?"""
        return not self.busy and self.since <= since

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._clock = self._loop.call_later(self._limits.visitor_idle, self._ring)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._clock is not None:
            self._clock.cancel()
        super().connection_lost(exc)
        if self._shortened is not None:
            self._shortened.cancel()
        if self._serving is not None:
            self._serving.cancel()

    def _ring(self) -> None:
        """Close an idle connection, or one whose request does not arrive, or whose visitor takes nothing of his answer.
        One timer, set anew only when it rings."""
        due = self.since + self._limits.visitor_idle
        if self.busy:
            before, self._untaken = self._untaken, 0
            if self.writing_paused and self.transport is not None:
                self._untaken = self.transport.get_write_buffer_size()
                if self._untaken == before:
                    self._clock = None
                    self.transport.abort()
                    return
            due = self._loop.time() + self._limits.visitor_idle
        elif self._loop.time() >= due:
            self._clock = None
            self.force_close()
            return
        self._clock = self._loop.call_at(due, self._ring)

    def data_received(self, data: bytes) -> None:
        if self._announcing is not None:
            try:
                if not self._announcing.feed(data):
                    return
            except PeerError as error:
                self.refused(str(error), None)
                self.front.refuse(self)
                return
            self._announced, data = self._announcing.peer, self._announcing.rest
            self._announcing = None
            if not data:
                return
        if self._reader == "ours":
            if self._shortened is not None or (self._serving is not None and self._next is None):
                # The next request already: it waits until this one is answered, and so does what follows it.
                self._early += data
                if len(self._early) > _EARLY:
                    self._pause_transport_reading()
                return
            read = self.front.recent.read(data) or self._first_of(data)
            if read is not None and not read[0].is_own:
                asked, alike = read
                self.busy, self.answering = True, False
                received = Received(
                    asked.method, asked.target, (1, 1), alike.fields, self, keep_alive=True, alike=alike
                )
                self._shortened = self.front.shortcut(received)
                if self._shortened is None:
                    self.begin(received)
                return
            self._reader = "lent" if read is not None else "aiohttp"
        elif self._reader == "lent":
            self._reader = "aiohttp"
        self._ending = (self._ending + data[-len(_LAST_CHUNK) :])[-len(_LAST_CHUNK) :]
        super().data_received(data)

    def may_stay(self, received: Received) -> bool:
        """May another request follow this one? aiohttp's parser takes the last field of a chunked body's trailer for
        one of the next request, and drops what comes with a request for an upgrade that it does not know."""
        fields, request = received.fields, received.whole
        if request is None:
            return True
        if (fields.get(b"upgrade") or b"websocket").lower() != b"websocket":
            return False
        if fields.get(b"transfer-encoding") is None:
            return True
        return request.content.is_eof() and not self._messages and self._ending == _LAST_CHUNK

    def _first_of(self, data: bytes) -> tuple[plain.PlainRequest, Alike] | None:
        """The plain request with which these bytes begin, if it is no address of ours. What follows it waits."""
        end = data.find(_HEAD_ENDS) + len(_HEAD_ENDS)
        if end < len(_HEAD_ENDS) or end == len(data):
            return None
        read = self.front.recent.read(data[:end])
        if read is None or read[0].is_own:
            return None
        self._early = data[end:]
        if len(self._early) > _EARLY:
            self._pause_transport_reading()
        return read

    def begin(self, received: Received) -> None:
        """Have a plain request answered the long way, by one task for all of them."""
        if self._next is not None:
            self._next.set_result(received)
            self._next = None
        else:
            self._serving = self._loop.create_task(self._serve(received))

    async def _serve(self, received: Received) -> None:
        while await self._answer(received):
            self._next = waiting = self._loop.create_future()
            self._next_early()
            received = await waiting

    def _next_early(self) -> None:
        """What has come while a request was being answered is the next one."""
        if self._early:
            data, self._early = self._early, b""
            self._resume_transport_reading()
            self.data_received(data)

    def deliver(self, head: bytes, body: bytes) -> None:
        """The short way has been gone: this is the answer."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            if len(body) > APART:
                transport.writelines((head, body))
            else:
                transport.write(head + body)
        if self.writing_paused:
            self._taking = True
        else:
            self._delivered()

    def fail(self, error: Exception) -> None:
        """A fault of ours on the short way, before anything was delivered."""
        self._apologise(error)
        if self.transport is not None:
            self.transport.close()

    def _delivered(self) -> None:
        self._shortened = None
        self.answered()
        self._next_early()

    async def _answer(self, received: Received) -> bool:
        """Have one plain request answered; False where it was the last."""
        keep_alive = False
        try:
            keep_alive = (await self.front.answer(received)).keep_alive
            if self.writing_paused:
                await self._drain_helper()
        except ConnectionError:
            keep_alive = False
        except Exception as error:
            # A fault of ours: the visitor gets a page that says nothing of it, the log gets all.
            self._apologise(error)
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        if not keep_alive:
            transport.close()
        return keep_alive

    def _apologise(self, error: Exception) -> None:
        page = problem(500, self.refused(f"{type(error).__name__}: {error}", error))
        if self.answering or self.transport is None:
            if self.transport is not None:
                self.transport.abort()
            return
        fields = Fields((name.encode(), value.encode()) for name, value in page.headers)
        fields.add(b"Content-Length", b"%d" % len(page.body))
        fields.add(b"Connection", b"close")
        self.transport.write(fields.encode(b"HTTP/1.1 500 " + page.reason) + page.body)

    async def write(self, *data: bytes) -> None:
        """Write to the visitor, and wait where he is slow. Raises ConnectionError when he has left."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the visitor has left")
        if len(data) == 1:
            transport.write(data[0])
        else:
            transport.writelines(data)
        if self.writing_paused:
            await self._drain_helper()

    def answered(self) -> None:
        """An exchange is over."""
        if self._shortened is not None:
            self._shortened.cancel()
            self._shortened = None
        self.busy = False
        self.since = self._loop.time()
        if self._reader == "lent":
            self._reader = "ours"

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109  aiohttp's signature
        """Break off what is still being answered after so many seconds."""
        if self._serving is not None:
            if self._next is None:
                await asyncio.wait({self._serving}, timeout=timeout)
            self._serving.cancel()
        if self._shortened is not None:
            self._shortened.cancel()
        await super().shutdown(timeout)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._untaken = 0
        if self._taking:
            self._taking = False
            self._delivered()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Our own page with a request id; the reason goes to the log. Never a traceback for a visitor."""
        if isinstance(exc, HttpProcessingError):
            reason = (exc.message or "unreadable request").strip().splitlines()[0]
            if reason.startswith("Invalid char in url"):
                reason = "the request target holds a byte that must be percent-encoded (RFC 3986 2)"
            status = 431 if type(exc).__name__ == "LineTooLong" or "Too many headers" in reason else 400
        else:
            reason = f"{type(exc).__name__}: {exc}" if exc is not None else message or "unknown"
        request_id = self.refused(reason, None if isinstance(exc, HttpProcessingError) else exc)
        if self.answering:
            raise ConnectionError("an answer has begun already")
        page = problem(status, request_id)
        response = web.Response(status=status, body=page.body, headers=dict(page.headers) | {"Server": "samtykke"})
        response.force_close()
        return response

"""The visitor's side of an exchange: his connection, and the bytes of an answer to him.

aiohttp's server parses; what is answered is written here as bytes, so that a site's header fields reach the visitor
as they were (order, repeats, letters beyond ASCII). An answer that cannot be finished breaks the connection instead
of pretending an end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from proxy.headers import Fields
from proxy.pages import problem
from proxy.peer import PeerError, PeerHeader
from proxy.settings import Limits

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_BODY = frozenset({204, 304})
_LINGER = 1.0
"""Seconds that an idle connection stays open while we stop, and one whose request was answered before its end."""
_QUIET = logging.getLogger("samtykke.server")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class VisitorError(Exception):
    """The visitor's own request body is broken or does not arrive. Carries the status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Answered(Protocol):
    """What the server needs of a handler's answer: aiohttp's own responses fit, and so does `Reply`."""

    @property
    def keep_alive(self) -> bool | None: ...
    @property
    def status(self) -> int: ...
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None: ...
    async def write_eof(self, data: bytes = b"") -> None: ...


Handler = Callable[[web.BaseRequest], Awaitable[Answered]]
Refused = Callable[[str, BaseException | None], str]
"""Logs a reason, with the exception where the fault is ours, and yields a request id for the page."""


class VisitorConnection(web.RequestHandler):
    """aiohttp's server protocol, with our own page for what it cannot parse, and a hook for tunnels."""

    __slots__ = ("_announced", "_announcing", "busy", "front", "on_pause", "refused", "since")

    def __init__(self, manager: Front, loop: asyncio.AbstractEventLoop, limits: Limits, refused: Refused) -> None:
        self.on_pause: Callable[[bool], None] | None = None
        self.refused = refused
        self.front = manager
        self.busy = False
        self.since = loop.time()
        """When the last exchange ended, or the connection began."""
        self._announcing = PeerHeader() if manager.announced else None
        self._announced: tuple[str, int] | None = None
        super().__init__(
            manager,
            loop=loop,
            keepalive_timeout=limits.visitor_idle,
            lingering_time=_LINGER,
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

    def idle(self, since: float) -> bool:
        """Has nothing been asked since this time of the loop?"""
        return not self.busy and self.since <= since

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
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.on_pause is not None:
            self.on_pause(True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_pause is not None:
            self.on_pause(False)

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
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        page = problem(status, request_id)
        response = web.Response(status=status, body=page.body, headers=dict(page.headers) | {"Server": "samtykke"})
        response.force_close()
        return response


class Front(web.Server):
    """The low-level server: one handler, no routing.

    `announced`: a load balancer says with a PROXY header whom each connection is for; `trusts` tells which peers may.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        refused: Refused,
        *,
        announced: bool = False,
        trusts: Callable[[str], bool],
    ) -> None:
        super().__init__(self._busy, handler_cancellation=True)  # type: ignore[arg-type]  # see Answered
        self._handler = handler
        self._limits = limits
        self._refused = refused
        self._trusts = trusts
        self.announced = announced
        self.draining = False

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > self._limits.visitor_connections:
            transport.abort()
        elif self.announced and not self._trusts(transport.get_extra_info("peername")[0]):
            self._refused("a connection past the trusted proxies, whose PROXY header is required", None)
            transport.abort()

    def refuse(self, connection: VisitorConnection) -> None:
        """End a connection that said nothing which could be answered."""
        if connection.transport is not None:
            connection.transport.abort()

    def __call__(self) -> web.RequestHandler:
        return VisitorConnection(self, self._loop, self._limits, self._refused)

    async def drain(self, deadline: float) -> None:
        """Let everybody end: each answer closes its connection, an idle one is closed after a moment, since a request
        may be on its way; what still runs after `deadline` seconds is broken off."""
        self.draining = True
        loop = asyncio.get_running_loop()
        until, linger = loop.time() + deadline, min(_LINGER, deadline / 4)
        while self.connections and loop.time() < until:
            for connection in self.connections:
                if isinstance(connection, VisitorConnection) and connection.idle(loop.time() - linger):
                    connection.force_close()
            await asyncio.sleep(0.02)
        self.pre_shutdown()
        await self.shutdown(0.1)

    async def _busy(self, request: web.BaseRequest) -> Answered:
        connection = request.protocol
        if not isinstance(connection, VisitorConnection):
            return await self._handler(request)
        connection.busy = True
        try:
            answered = await self._handler(request)
            if self.draining and isinstance(answered, web.Response):
                answered.force_close()
            return answered
        finally:
            connection.busy = False
            connection.since = self._loop.time()


async def upload(request: web.BaseRequest, *, chunked: bool, patience: float, expects: bool) -> AsyncIterator[bytes]:
    """The request's body, framed for the site as it was framed for us. Raises VisitorError.

    100 (Continue) is said when the site can be reached and nothing has arrived yet.
    """
    content = request.content
    loop = asyncio.get_running_loop()
    if expects and not content.is_eof() and not content.total_raw_bytes and request.transport is not None:
        request.transport.write(CONTINUE)
    last = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(last + patience):
                piece = await content.readany()
        except TimeoutError as error:
            raise VisitorError(408, f"no more of the request's body within {patience:g} s") from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise VisitorError(400, f"the request's body is broken: {error}") from error
        except ConnectionError as error:
            raise VisitorError(400, f"the visitor left: {error}") from error
        last = loop.time()
        if not piece:
            break
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
    if chunked:
        yield b"0\r\n\r\n"


class Reply:
    """One answer, written as bytes. Use `start`, any number of `send`, then `end`; or `whole` for all at once."""

    __slots__ = ("_chunked", "_request", "_withheld", "keep_alive", "sent", "started", "status")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._chunked = False
        self._withheld = b""
        self.keep_alive: bool = request.keep_alive
        self.status = 0
        self.sent = 0
        self.started = False

    def __repr__(self) -> str:
        return f"<Reply {self.status or 'not started'}, {self.sent} bytes>"

    @property
    def bodyless(self) -> bool:
        return self._request.method == "HEAD" or self.status in _NO_BODY

    def start(self, status: int, reason: bytes, fields: Fields, *, length: int | None) -> None:
        """Decide the framing and hold the head back until the first body bytes. `length` None: not known beforehand.

        `fields` must be free of hop-by-hop fields and, where `length` is None, of Content-Length.
        """
        self.status, self.started = status, True
        connection = self._request.protocol
        if isinstance(connection, VisitorConnection) and connection.front.draining:
            self.keep_alive = False
        modern = self._request.version >= (1, 1)
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
        self._withheld = fields.encode(b"HTTP/1.1 %d %b" % (status, reason))

    async def send(self, data: bytes) -> None:
        """Write a piece of the body and wait where the visitor is slow. Raises ConnectionError when he has left."""
        head, self._withheld = self._withheld, b""
        if not data or self.bodyless:
            if head:
                await self._request.writer.write(head)
            return
        self.sent += len(data)
        if self._chunked:
            data = b"%b%x\r\n%b\r\n" % (head, len(data), data)
        elif head:
            data = head + data
        await self._request.writer.write(data)

    async def end(self, data: bytes = b"") -> None:
        """Write the rest and the end of the body."""
        head, self._withheld = self._withheld, b""
        if self.bodyless:
            data = head
        else:
            self.sent += len(data)
            if self._chunked:
                data = b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(data), data) if data else head + b"0\r\n\r\n"
            else:
                data = head + data
        if data:
            await self._request.writer.write(data)

    async def raw(self, data: bytes, status: int) -> None:
        """Write bytes as they are: the head of a switched protocol."""
        self.status, self.started, self.keep_alive = status, True, False
        await self._request.writer.write(data)

    async def whole(self, status: int, reason: bytes, fields: Fields, body: bytes) -> None:
        """An answer of our own, complete."""
        if status not in _NO_BODY:
            fields.set(b"Content-Length", b"%d" % len(body))
        self.start(status, reason, fields, length=len(body))
        await self.end(body)

    def break_off(self) -> None:
        """End the connection so that nobody takes what was sent for the whole."""
        self.keep_alive = False
        transport = self._request.transport
        if transport is None:
            return
        if self._chunked:
            transport.close()
        else:
            transport.abort()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to do when aiohttp asks."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        await self._request.writer.drain()

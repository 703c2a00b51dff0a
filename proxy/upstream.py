"""Connections to one site: opened, reused while fresh, never handed out in doubt.

The answer is parsed by aiohttp's C parser and streamed with its flow control; the request is written as the bytes
we were given. One exchange at a time per connection. Foreign errors are translated here, once: whatever goes wrong
with the site is an UpstreamError that knows whether the site was slow, unreachable or broken.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver
from aiohttp.client_exceptions import ClientConnectionError, ClientPayloadError, ServerTimeoutError
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import set_exception
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

from proxy.settings import Limits

Failure = Literal["unreachable", "busy", "timeout", "broken", "stale"]
_SURELY_FRESH = 1.0
"""A request that must not be sent twice only goes on a connection used within this many seconds."""
READ_SIZE = 65_536
"""The site's transport is paused when twice this many bytes wait for the visitor."""


class UpstreamError(Exception):
    """The site did not answer as it should. `stale`: a reused connection closed before anything was answered."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail


class UpstreamConnection(ResponseHandler):
    """aiohttp's client protocol with two additions: a reset never looks like a normal end, and a tunnel can hold it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.on_pause: Callable[[bool], None] | None = None
        self.used = 0
        self.idle_since = 0.0

    def connection_lost(self, exc: BaseException | None) -> None:
        payload = self._payload
        if exc is not None and payload is not None and not payload.is_eof():
            set_exception(payload, ClientPayloadError(f"connection to the site lost: {exc}"))
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.on_pause is not None:
            self.on_pause(True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_pause is not None:
            self.on_pause(False)

    def write(self, data: bytes) -> None:
        """Raises ConnectionResetError where the site has gone."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the site closed the connection")
        transport.write(data)

    async def drain(self) -> None:
        if self.writing_paused:
            await self._drain_helper()


@dataclass(slots=True)
class Answer:
    """The head of the site's answer and its body to come."""

    message: RawResponseMessage
    content: StreamReader
    connection: UpstreamConnection
    sender: asyncio.Task[None] | None = None

    @property
    def status(self) -> int:
        return self.message.code


class Upstream:
    """The pool for one origin. The resolver comes from outside and stays open."""

    def __init__(
        self, origin: str, limits: Limits, resolver: AbstractResolver, *,
        server_name: str | None = None, verify: bool = True,
    ) -> None:  # fmt: skip
        parts = urlsplit(origin)
        self.origin = origin
        self.host = parts.hostname or ""
        self.tls = parts.scheme == "https"
        self.port = parts.port or (443 if self.tls else 80)
        self.authority = parts.netloc.encode("ascii", "replace")
        self._limits = limits
        self._resolver = resolver
        self._server_name = server_name or self.host
        self._context = _tls_context(verify=verify) if self.tls else None
        self._idle: deque[UpstreamConnection] = deque()
        self._slots = asyncio.Semaphore(limits.upstream_connections)
        self.open = 0

    def __repr__(self) -> str:
        return f"<Upstream {self.origin} {self.open} in use, {len(self._idle)} idle>"

    async def request(
        self, head: bytes, body: AsyncIterator[bytes] | None, *, bodyless: bool, replayable: bool, streams: bool = False
    ) -> Answer:
        """Send a request and wait for the head of its answer. `bodyless`: a HEAD; `replayable`: may be sent twice.

        `streams` lets the site be silent for long. Raises UpstreamError. The caller must `finish` the answer.
        """
        while True:
            connection = await self._acquire(replayable=replayable)
            try:
                return await self._exchange(connection, head, body, bodyless=bodyless, streams=streams)
            except UpstreamError as error:
                self._discard(connection)
                if error.failure == "stale" and body is None and replayable:
                    continue
                if error.failure == "stale":
                    raise UpstreamError("broken", error.detail) from error
                raise
            except BaseException:
                self._discard(connection)
                raise

    async def _exchange(
        self, connection: UpstreamConnection, head: bytes, body: AsyncIterator[bytes] | None, *,
        bodyless: bool, streams: bool,
    ) -> Answer:  # fmt: skip
        limits = self._limits
        connection.used += 1
        reused = connection.used > 1
        connection.set_response_params(
            skip_payload=bodyless,
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=limits.stream if streams else limits.answer,
            read_bufsize=READ_SIZE,
            max_line_size=limits.field,
            max_field_size=limits.field,
            max_headers=limits.fields,
        )
        sender: asyncio.Task[None] | None = None
        try:
            connection.write(head)
            if body is not None:
                sender = asyncio.get_running_loop().create_task(_send(connection, body, limits.answer))
                message, content = await _first(connection, sender)
            else:
                connection.start_timeout()
                message, content = await _final(connection)
        except (ServerTimeoutError, TimeoutError) as error:
            await _stop(sender)
            raise UpstreamError("timeout", f"no answer within {limits.answer:g} s") from error
        except (OSError, ClientConnectionError, ClientPayloadError) as error:
            await _stop(sender)
            raise UpstreamError("stale" if reused else "broken", str(error) or type(error).__name__) from error
        except _Unreadable as error:
            await _stop(sender)
            raise UpstreamError("broken", str(error)) from error
        except BaseException:
            await _stop(sender)
            raise
        return Answer(message, content, connection, sender)

    async def finish(self, answer: Answer, *, clean: bool) -> None:
        """Give the connection back; `clean` says that the whole body was read. Otherwise it is closed."""
        connection, sender = answer.connection, answer.sender
        if sender is not None and not sender.done():
            clean = False
        await _stop(sender)
        if (
            clean
            and not connection.should_close
            and connection.is_connected()
            and self._limits.upstream_idle > 0
            and answer.content.is_eof()
        ):
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
            self._slots.release()
            self.open -= 1
        else:
            self._discard(answer.connection)

    def _discard(self, connection: UpstreamConnection) -> None:
        connection.abort()
        self._slots.release()
        self.open -= 1

    async def _acquire(self, *, replayable: bool) -> UpstreamConnection:
        if self._slots.locked():
            try:
                async with asyncio.timeout(self._limits.connect):
                    await self._slots.acquire()
            except TimeoutError as error:
                raise UpstreamError("busy", f"{self.open} connections are in use") from error
        else:
            await self._slots.acquire()
        self.open += 1
        idle = self._limits.upstream_idle if replayable else min(_SURELY_FRESH, self._limits.upstream_idle)
        fresh_since = asyncio.get_running_loop().time() - idle
        while self._idle:
            connection = self._idle.pop()
            if connection.is_connected() and not connection.should_close and connection.idle_since > fresh_since:
                return connection
            connection.abort()
        try:
            return await self._connect()
        except BaseException:
            self._slots.release()
            self.open -= 1
            raise

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        reason: Exception | None = None
        try:
            async with asyncio.timeout(self._limits.connect):
                for found in await self._resolver.resolve(self.host, self.port):
                    try:
                        _, protocol = await loop.create_connection(
                            lambda: UpstreamConnection(loop), found["host"], self.port,
                            ssl=self._context, server_hostname=self._server_name if self._context else None,
                        )  # fmt: skip
                    except OSError as error:
                        reason = error
                    else:
                        return protocol
        except TimeoutError as error:
            raise UpstreamError("timeout", f"not connected within {self._limits.connect:g} s") from error
        except OSError as error:
            reason = error
        raise UpstreamError("unreachable", f"{self.host}:{self.port}: {reason or 'no address'}")

    async def reachable(self) -> bool:
        """Can a connection be had now? An idle one counts."""
        if any(connection.is_connected() for connection in self._idle):
            return True
        try:
            connection = await self._connect()
        except UpstreamError:
            return False
        connection.abort()
        return True

    async def close(self) -> None:
        """Close what is idle; what is in use ends with its exchange."""
        while self._idle:
            self._idle.pop().abort()


class _Unreadable(Exception):  # noqa: N818  never leaves this file
    """The site's answer is not HTTP."""


async def _final(connection: UpstreamConnection) -> tuple[RawResponseMessage, StreamReader]:
    """The first message that is no interim answer. 103 and its like stay behind: their links were not judged."""
    while True:
        try:
            message, content = await connection.read()
        except (OSError, ClientConnectionError, TimeoutError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise _Unreadable(str(error) or type(error).__name__) from error
        if message.code >= 200 or message.code == 101:
            return message, content


async def _first(connection: UpstreamConnection, sender: asyncio.Task[None]) -> tuple[RawResponseMessage, StreamReader]:
    """The answer while the body is still being sent. A visitor's broken upload ends the exchange; a site that
    stops reading may still answer."""
    reader = asyncio.get_running_loop().create_task(_final(connection))
    try:
        await asyncio.wait({reader, sender}, return_when=asyncio.FIRST_COMPLETED)
        if not reader.done() and (error := sender.exception()) is not None and not isinstance(error, _SiteGoneError):
            raise error
        if not reader.done():
            connection.start_timeout()
        return await reader
    finally:
        if not reader.done():
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader


class _SiteGoneError(ConnectionError):
    """The site closed while the body was sent to it; what it answered, if anything, counts."""


async def _send(connection: UpstreamConnection, body: AsyncIterator[bytes], patience: float) -> None:
    async for piece in body:
        try:
            connection.write(piece)
            if connection.writing_paused:
                async with asyncio.timeout(patience):
                    await connection.drain()
        except ConnectionError as error:
            raise _SiteGoneError(str(error)) from error


async def _stop(sender: asyncio.Task[None] | None) -> None:
    if sender is None:
        return
    sender.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await sender


def _tls_context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context

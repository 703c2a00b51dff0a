"""Connections to one site: opened, reused while fresh, never handed out in doubt.

The request is written as the bytes we were given. One exchange at a time per connection. Foreign errors are
translated here, once: whatever goes wrong with the site is an UpstreamError that knows whether the site was slow,
unreachable or broken.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Literal, Protocol
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver
from aiohttp.client_exceptions import ClientConnectionError, ClientPayloadError, ServerTimeoutError

from proxy.settings import Limits
from proxy.upstream_connection import Answer, UnreadableError, UpstreamConnection

Failure = Literal["unreachable", "busy", "timeout", "broken", "stale"]
_SURELY_FRESH = 1.0
"""A request that must not be sent twice only goes on a connection used within this many seconds."""


class UpstreamError(Exception):
    """The site did not answer as it should. `stale`: a reused connection closed before anything was answered."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail


class Begun(Protocol):
    """A request that was sent already, without a body."""

    @property
    def answer(self) -> asyncio.Future[Answer | None] | None:
        """As of `UpstreamConnection.ask`."""

    def take_over(self) -> UpstreamConnection:
        """The connection it was sent on; whoever takes it gives it back."""


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
        self._waiting: deque[asyncio.Future[None]] = deque()
        """Who waits for one of the connections in use."""
        self.open = 0

    def __repr__(self) -> str:
        return f"<Upstream {self.origin} {self.open} in use, {len(self._idle)} idle>"

    async def request(
        self, head: bytes, body: AsyncIterator[bytes] | None, *, bodyless: bool, replayable: bool,
        begun: Begun | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request and wait for the head of its answer. `bodyless`: a HEAD; `replayable`: may be sent twice;
        `begun`: it was sent already.

        Raises UpstreamError. The caller must `finish` the answer.
        """
        while True:
            waiting = None
            if begun is None:
                connection = await self._acquire(replayable=replayable)
            else:
                connection, waiting, begun = begun.take_over(), begun.answer, None
            try:
                return await self._exchange(connection, head, body, waiting, bodyless=bodyless)
            except UpstreamError as error:
                self.discard(connection)
                if error.failure == "stale" and body is None and replayable:
                    continue
                if error.failure == "stale":
                    raise UpstreamError("broken", error.detail) from error
                raise
            except BaseException:
                self.discard(connection)
                raise

    async def _exchange(
        self,
        connection: UpstreamConnection,
        head: bytes,
        body: AsyncIterator[bytes] | None,
        waiting: asyncio.Future[Answer | None] | None,
        *,
        bodyless: bool,
    ) -> Answer:
        reused = waiting is not None or connection.used > 0
        sender: asyncio.Task[None] | None = None
        try:
            if body is None:
                answer = await (waiting or connection.ask(head, bodyless=bodyless))
                return answer or await connection.parsed_answer()
            connection.used += 1
            connection.parse(bodyless=bodyless)
            connection.write(head)
            sender = asyncio.get_running_loop().create_task(_send(connection, body, self._limits.answer))
            return await _first(connection, sender)
        except (ServerTimeoutError, TimeoutError) as error:
            await _stop(sender)
            raise UpstreamError("timeout", f"no answer within {self._limits.answer:g} s") from error
        except (OSError, ClientConnectionError, ClientPayloadError) as error:
            await _stop(sender)
            raise UpstreamError("stale" if reused else "broken", str(error) or type(error).__name__) from error
        except UnreadableError as error:
            await _stop(sender)
            raise UpstreamError("broken", str(error)) from error
        except BaseException:
            await _stop(sender)
            raise

    async def finish(self, answer: Answer, *, clean: bool) -> None:
        """Give the connection back; `clean` says that the whole body was read. Otherwise it is closed."""
        connection, sender = answer.connection, answer.sender
        if sender is not None:
            clean = clean and sender.done()
            await _stop(sender)
        if clean and answer.content.is_eof():
            self.give_back(connection)
        else:
            self.discard(connection)

    def give_back(self, connection: UpstreamConnection) -> None:
        """An exchange has ended well."""
        if connection.should_close or not connection.is_connected() or self._limits.upstream_idle <= 0:
            self.discard(connection)
            return
        connection.rest()
        self._idle.append(connection)
        self._release()

    def discard(self, connection: UpstreamConnection) -> None:
        connection.abort()
        self._release()

    def _release(self) -> None:
        """One connection less is in use, unless somebody has waited for that."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.open -= 1

    async def _wait(self) -> None:
        """For a connection that is given up by somebody else, whose place is taken over. Raises UpstreamError."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._limits.connect):
                await waiter
        except TimeoutError as error:
            if waiter.cancelled():
                raise UpstreamError("busy", f"{self.open} connections are in use") from error
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._release()
            raise

    def spare(self) -> UpstreamConnection | None:
        """A connection that is open and fresh, at once, or None. It is in use from here on."""
        if not self._idle or self._waiting or self.open >= self._limits.upstream_connections:
            return None
        connection = self._idle[-1]
        fresh_since = asyncio.get_running_loop().time() - self._limits.upstream_idle
        if connection.idle_since <= fresh_since or connection.should_close or not connection.is_connected():
            return None
        self.open += 1
        return self._idle.pop()

    async def _acquire(self, *, replayable: bool) -> UpstreamConnection:
        if self.open < self._limits.upstream_connections and not self._waiting:
            self.open += 1
        else:
            await self._wait()
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
            self._release()
            raise

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        reason: Exception | None = None
        try:
            async with asyncio.timeout(self._limits.connect):
                for found in await self._resolver.resolve(self.host, self.port):
                    try:
                        _, protocol = await loop.create_connection(
                            lambda: UpstreamConnection(loop, self._limits), found["host"], self.port,
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


async def _first(connection: UpstreamConnection, sender: asyncio.Task[None]) -> Answer:
    """The answer while the body is still being sent. A visitor's broken upload ends the exchange; a site that
    stops reading may still answer."""
    reader = asyncio.get_running_loop().create_task(connection.parsed_answer())
    try:
        await asyncio.wait({reader, sender}, return_when=asyncio.FIRST_COMPLETED)
        if not reader.done() and (error := sender.exception()) is not None and not isinstance(error, _SiteGoneError):
            raise error
        if not reader.done():
            connection.asked()
        answer = await reader
        answer.sender = sender
        return answer
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

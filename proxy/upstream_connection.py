"""One connection to the site: bytes out, one answer back, then the next.

A plain answer (see `plain`) is read here and its body handed on as it arrives; any other is read by aiohttp's C
parser from its first byte. Both give a body that is asked for in pieces and holds the site back where the visitor
is slow. A reset never looks like a normal end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from aiohttp.client_exceptions import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientPayloadError,
    SocketTimeoutError,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import set_exception

from proxy import plain
from proxy.headers import Fields
from proxy.pauses import TellsPauses
from proxy.settings import Limits

READ_SIZE = 65_536
"""The site's transport is paused when twice this many bytes wait for the visitor."""


_BEGINNING = b"HTTP/1."


class UnreadableError(Exception):
    """The site's answer is not HTTP."""


class Content(Protocol):
    """A body on its way, read in pieces: aiohttp's StreamReader fits, and so does `Body`."""

    def is_eof(self) -> bool:
        """Has all of it arrived?"""

    def at_eof(self) -> bool:
        """Has all of it been read?"""

    def read_nowait(self, n: int = -1) -> bytes:
        """What is here."""

    async def readany(self) -> bytes:
        """What is here, as soon as there is something; empty at the end. Raises ClientPayloadError, OSError."""


class Body:
    """The body of a plain answer. `left` bytes are still to come."""

    __slots__ = ("_connection", "_error", "_pieces", "_size", "_told", "_waiter", "_whole", "left")

    def __init__(self, connection: UpstreamConnection, first: bytes, left: int) -> None:
        self._connection = connection
        self._pieces = [first] if first else []
        self._size = len(first)
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._told: Callable[[], None] | None = None
        self._whole = False
        """Is all of it waited for?"""
        self.left = left

    def __repr__(self) -> str:
        return f"<Body {self._size} bytes here, {self.left} to come>"

    def feed(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        self.left -= len(data)
        if not self.left or not self._whole:
            if self._size > 2 * READ_SIZE and self.left:
                self._connection.hold()
            self._wake()

    def fail(self, error: Exception) -> None:
        """What has arrived can still be read."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        told, self._told = self._told, None
        if told is not None:
            told()

    def is_eof(self) -> bool:
        return not self.left

    def at_eof(self) -> bool:
        return not (self.left or self._pieces)

    def all_here(self) -> bytes:
        """What is here, without taking it."""
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0] if self._pieces else b""

    def tell(self, told: Callable[[], None], seconds: float) -> None:
        """Call back once all is here, nothing more comes, or this time is over."""
        clock = asyncio.get_running_loop().call_later(seconds, self._wake)

        def over() -> None:
            clock.cancel()
            self._whole = False
            told()

        self._told, self._whole = over, True

    def read_nowait(self, n: int = -1) -> bytes:
        if not self._pieces:
            if self._error is not None:
                raise self._error
            return b""
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._connection.go_on()
        return taken

    async def gather(self, seconds: float) -> bytes:
        """All of it, or what has come within this time. Raises as `readany`."""
        if self.left and self._error is None:
            loop = asyncio.get_running_loop()
            self._waiter, self._whole = loop.create_future(), True
            clock = loop.call_later(seconds, self._wake)
            try:
                await self._waiter
            finally:
                clock.cancel()
                self._whole = False
        return self.read_nowait()

    async def readany(self) -> bytes:
        if not self._pieces and self.left and self._error is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.read_nowait()


@dataclass(slots=True)
class Answer:
    """The head of the site's answer and its body to come. `reason` is as the site wrote it, also where it is empty."""

    status: int
    reason: bytes
    fields: Fields
    content: Content
    connection: UpstreamConnection
    plain: bool
    """Read by `plain`: its fields are known to be well-formed, and none of them concerns this connection only."""
    given: bytes = b""
    """A plain answer's head as it came, and the length of its body."""
    length: int = 0
    sender: asyncio.Task[None] | None = None


class Waiting(Protocol):
    """Who waits for an answer: a future, or a `FastExchange`."""

    def done(self) -> bool: ...
    def set_result(self, result: Answer | None, /) -> None: ...
    def set_exception(self, exception: Exception, /) -> None: ...


class Expecting(Waiting, Protocol):
    """Who knows already what to do where the answer has a certain head."""

    def came(self, body: Body, /) -> None: ...


State = Literal["idle", "head", "body", "parsed"]


class UpstreamConnection(TellsPauses, ResponseHandler):
    """aiohttp's client protocol; a tunnel can hold it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        super().__init__(loop)
        self._limits = limits
        self._bounds = plain.Bounds.within(limits)
        self.on_pause: Callable[[bool], None] | None = None
        self.used = 0
        self.idle_since = 0.0
        self._state: State = "idle"
        self._bodyless = False
        self._unread = False
        """Has the parser been given nothing yet?"""
        self._answer: Waiting | None = None
        self._expected: tuple[Expecting, bytes, int] | None = None
        self._body: Body | None = None
        self._held = False
        self._patience = limits.answer
        self._deadline = 0.0
        self._clock: asyncio.TimerHandle | None = None
        self._asked = False
        """Has all of the request been sent that the parser is to read the answer to?"""

    def __repr__(self) -> str:
        return f"<UpstreamConnection {self._state}, used {self.used} times>"

    # Asking.

    def ask(self, head: bytes, *, bodyless: bool) -> asyncio.Future[Answer | None]:
        """Write a request without a body; gives the head of its answer, or None where `parsed_answer` has it.

        Raises ConnectionError; the future raises TimeoutError, too.
        """
        self._state, self._bodyless = "head", bodyless
        self.used += 1
        self.write(head)
        answer: asyncio.Future[Answer | None] = self._loop.create_future()
        self._answer = answer
        self._expect()
        return answer

    def ask_expecting(self, head: bytes, expecting: Expecting, given: bytes, length: int) -> None:
        """Write a GET. An answer with this very head, and a body of this length, need not be read again."""
        self._state, self._bodyless = "head", False
        self.used += 1
        self._answer, self._expected = expecting, (expecting, given, length)
        self._expect()
        if self.transport is not None:
            # One that has just closed is told by connection_lost.
            self.transport.write(head)

    def parse(self, *, bodyless: bool) -> None:
        """Let aiohttp's parser read what comes from here on."""
        limits = self._limits
        self._asked = self._state == "head"
        self._state, self._bodyless, self._unread = "parsed", bodyless, True
        self.set_response_params(
            skip_payload=bodyless,
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=limits.answer,
            read_bufsize=READ_SIZE,
            max_line_size=limits.field,
            max_field_size=limits.field,
            max_headers=limits.fields,
        )

    async def parsed_answer(self) -> Answer:
        """The first message that is no interim answer. 103 and its like stay behind: their links were not judged.

        Raises UnreadableError and what aiohttp's client raises.
        """
        while True:
            try:
                message, content = await self.read()
            except (OSError, ClientConnectionError, TimeoutError, asyncio.CancelledError):
                raise
            except Exception as error:
                raise UnreadableError(str(error) or type(error).__name__) from error
            if message.code >= 200 or message.code == 101:
                reason = (message.reason or "").encode("utf-8", "surrogateescape")
                return Answer(message.code, reason, Fields(message.raw_headers), content, self, plain=False)
            if self._asked and not self._buffer:
                # aiohttp takes an interim answer for the end of the exchange, and stops its clock.
                self.start_timeout()

    def rest(self) -> None:
        """The exchange has ended well. Whatever the site says before it is asked again, is no answer."""
        self.idle_since = self._loop.time()
        self._state, self._parser = "idle", None

    def asked(self) -> None:
        """The request's body has been sent: from here on the site's silence counts."""
        self._asked = True
        self.start_timeout()

    def patient(self, seconds: float) -> None:
        """From here on the site may be silent this long, until its answer ends."""
        self._patience = self.read_timeout = seconds
        self._deadline = self._loop.time() + seconds
        if self._read_timeout_handle is not None:
            self.start_timeout()

    # What arrives.

    def data_received(self, data: bytes) -> None:
        match self._state:
            case "head":
                self._head_received(data)
            case "body":
                self._body_received(data)
            case "parsed" if self._unread:
                self._parse_first(data)
            case _:
                super().data_received(data)

    def _head_received(self, data: bytes) -> None:
        waiting, self._answer = self._answer, None
        expected, self._expected = self._expected, None
        if expected is not None:
            expecting, given, length = expected
            if data.startswith(given) and len(data) - len(given) <= length:
                expecting.came(self._body_of(data[len(given) :], length))
                return
        found = plain.answer(data, self._bounds, bodyless=self._bodyless)
        if found is None:
            self.parse(bodyless=self._bodyless)
            self._stop_clock()
            self._parse_first(data)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
            return
        body = self._body_of(data[found.begins :], found.length)
        if waiting is not None and not waiting.done():
            waiting.set_result(self._answer_of(found, data[: found.begins], body))

    def _parse_first(self, data: bytes) -> None:
        """The first bytes of an answer. What follows one that has no body is no answer to anything."""
        self._unread = False
        if not _BEGINNING.startswith(data[: len(_BEGINNING)]):
            # aiohttp's parser takes RTSP and HTTP/0.9 as well.
            self.set_exception(UnreadableError("the answer does not begin as one of HTTP/1 does"))
            self.force_close()
            return
        head = plain.without_surplus(data, bodyless=self._bodyless)
        super().data_received(head)
        if len(head) < len(data):
            self.force_close()

    def _body_of(self, first: bytes, length: int) -> Body:
        body = Body(self, first, length - len(first))
        self._state, self._body = ("body", body) if body.left else ("idle", None)
        self._deadline = self._loop.time() + self._patience
        return body

    def _answer_of(self, found: plain.PlainAnswer, given: bytes, body: Body) -> Answer:
        return Answer(
            found.status, found.reason, found.fields, body, self, plain=True, given=given, length=found.length
        )

    def answer_of(self, given: bytes, body: Body) -> Answer:
        """The answer whose head was as expected."""
        found = plain.answer(given, self._bounds, bodyless=False)
        if found is None:
            raise ValueError("what was expected is no plain head")
        return self._answer_of(found, given, body)

    def _body_received(self, data: bytes) -> None:
        body = self._body
        if body is None:
            return
        self._deadline = self._loop.time() + self._patience
        if len(data) > body.left:
            # More than was announced: that is no answer to anything, and nothing after it can be told apart.
            data = data[: body.left]
            self.force_close()
        if len(data) == body.left:
            # Before anybody hears of it: whoever does may ask for the next thing.
            self._state, self._body = "idle", None
        body.feed(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_clock()
        lost = f"connection to the site lost: {exc}" if exc is not None else "the site closed the connection"
        waiting, self._answer = self._answer, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(ClientConnectionResetError(lost))
        if self._body is not None:
            self._body.fail(ClientPayloadError(lost))
        payload = self._payload
        if exc is not None and payload is not None and not payload.is_eof():
            set_exception(payload, ClientPayloadError(lost))
        super().connection_lost(exc)

    # Holding back.

    def hold(self) -> None:
        """Read no more of a plain body until some of it was taken."""
        if not self._held:
            self._held = True
            self._pause_transport_reading()

    def go_on(self) -> None:
        if self._held:
            self._held = False
            self._deadline = self._loop.time() + self._patience
            self._resume_transport_reading()

    def write(self, data: bytes) -> None:
        """Raises ConnectionResetError where the site has gone."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the site closed the connection")
        transport.write(data)

    async def drain(self) -> None:
        if self.writing_paused:
            await self._drain_helper()

    @property
    def should_close(self) -> bool:
        if self._parser is None:
            # aiohttp has read nothing here but what came uncalled.
            return self._state != "idle" or self._should_close or bool(self._tail)
        return self._state not in {"idle", "parsed"} or super().should_close

    # The clock of plain answers: one timer for many exchanges, set anew only when it rings.

    def _expect(self) -> None:
        self._patience = self._limits.answer
        self._deadline = self._loop.time() + self._patience
        if self._clock is None:
            self._clock = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._clock = None
        if self._state not in {"head", "body"}:
            return
        due = self._loop.time() + self._patience if self._held else self._deadline
        if self._loop.time() >= due:
            error = SocketTimeoutError("Timeout on reading data from socket")
            waiting, self._answer = self._answer, None
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
            if self._body is not None:
                self._body.fail(error)
            return
        self._clock = self._loop.call_at(due, self._ring)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

"""The short way: exchanges like those of a moment ago, without a task and without reading the site's head again.

What alike visitors were sent for the same answer is known for a second (see `recent`). Such a request goes out at
once; when the site says the same again, byte for byte, the visitor gets the same. Whatever differs, comes late or
fails is handed over to the long way, `app`, together with the connection to the site: nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Literal

from proxy.bookkeeping import Bookkeeping
from proxy.exchange import stripped
from proxy.recent import ENFORCING, Known, Note, Outcome
from proxy.remembered import digest
from proxy.switch import Bypass
from proxy.upstream import Upstream
from proxy.upstream_connection import Answer, Body, UpstreamConnection
from proxy.visitor import Received
from proxy.whole import PATIENCE

State = Literal["asked", "handed over", "taken over", "over"]


class FastPath:
    """Takes requests whose outcome may be known. `ids` gives the ids of requests."""

    def __init__(self, books: Bookkeeping, bypass: Bypass, ids: Iterator[str]) -> None:
        self._books = books
        self._bypass = bypass
        self._ids = ids

    def take(self, received: Received) -> FastExchange | None:
        """The exchange, once the site has been asked; None where the long way has to be gone from its beginning."""
        alike, connection = received.alike, received.connection
        if alike is None or self._bypass.on or connection.front.draining:
            return None
        known = alike.known.get(connection.remote)
        if known is None or known.audience is None or not known.holds:
            return None
        outcome, before = known.audience.outcome(received.target), known.asked.get(ENFORCING)
        if outcome is None or before is None:
            return None
        upstream = known.site.upstream
        asking = upstream.spare()
        if asking is None:
            return None
        asked, notes = before
        exchange = FastExchange(received, known, outcome, notes, upstream, asking, self._books, next(self._ids))
        asking.ask_expecting(asked.head(received.target, exchange.request_id), exchange, outcome.given, outcome.length)
        return exchange


class FastExchange:
    """One exchange on the short way: waits for the site's answer in place of a task."""

    __slots__ = (
        "_asking", "_body", "_books", "_known", "_notes", "_outcome", "_received", "_state", "_upstream", "answer",
        "began", "request_id",
    )  # fmt: skip

    def __init__(
        self,
        received: Received,
        known: Known,
        outcome: Outcome,
        notes: tuple[Note, ...],
        upstream: Upstream,
        asking: UpstreamConnection,
        books: Bookkeeping,
        request_id: str,
    ) -> None:
        self._received = received
        self._known = known
        self._outcome = outcome
        self._notes = notes
        self._upstream = upstream
        self._asking = asking
        self._books = books
        self._body: Body | None = None
        self._state: State = "asked"
        self.request_id = request_id
        self.began = time.monotonic()
        self.answer: asyncio.Future[Answer | None] | None = None
        """What the site has answered, once this is handed over."""

    def __repr__(self) -> str:
        return f"<FastExchange {self.request_id} {self._state}>"

    # What the site's connection tells.

    def came(self, body: Body) -> None:
        """The site has given the known head; `body` is on its way."""
        if self._state != "asked":
            return
        self._body = body
        if body.is_eof() or self._outcome.digest is None:
            self._arrived()
        else:
            body.tell(self._arrived, PATIENCE)

    def set_result(self, answer: Answer | None) -> None:
        """The site has answered something else; None: aiohttp's parser has it."""
        if self._state == "asked":
            self._hand_over(answer)

    def set_exception(self, error: Exception) -> None:
        if self._state == "asked":
            self._hand_over(None, error)

    def done(self) -> bool:
        return self._state != "asked"

    def _arrived(self) -> None:
        """All of the body is here, or no more of it comes in time."""
        body = self._body
        if body is None or self._state != "asked":
            return
        try:
            self._answer_with(body)
        except Exception as error:
            # A fault of ours: the visitor is not to wait for what nobody does.
            self.cancel()
            self._received.connection.fail(error)

    def _answer_with(self, body: Body) -> None:
        outcome = self._outcome
        out = body.all_here() if body.is_eof() and not self._received.connection.front.draining else None
        if out is None or (outcome.digest is not None and digest(out) != outcome.digest):
            self._hand_over(self._asking.answer_of(outcome.given, body))
            return
        document = outcome.digest is not None
        if document:
            out = outcome.body
        self._state = "over"
        self._upstream.give_back(self._asking)
        self._write_down(out, document=document)
        self._received.connection.deliver(outcome.head, out)

    def _write_down(self, out: bytes, *, document: bool) -> None:
        received, known, outcome, books = self._received, self._known, self._outcome, self._books
        notes = self._notes + outcome.notes
        path = received.target.partition(b"?")[0].decode("latin-1")
        if notes or outcome.tally is not None or outcome.sightings:
            books.noted(known.site, known.rules.policy_hash, path, notes, outcome.tally, outcome.sightings)
        if document:
            books.counted.remembered(hit=True)
        books.over(
            known.site, received.method, received.target, outcome.status, len(out),
            began=self.began, request_id=self.request_id, stripped=stripped(notes, outcome.tally),
        )  # fmt: skip

    # The long way.

    def _hand_over(self, answer: Answer | None, error: BaseException | None = None) -> None:
        self._state = "handed over"
        self.answer = asyncio.get_running_loop().create_future()
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer)
        self._received.begun = self
        self._received.connection.begin(self._received)

    def take_over(self) -> UpstreamConnection:
        """The connection to the site, for whoever awaits `answer`: from here on it is his to give back."""
        self._state = "taken over"
        return self._asking

    def cancel(self) -> None:
        """The visitor has left, or nobody has taken this over."""
        if self._state not in {"asked", "handed over"}:
            return
        if self.answer is not None and not self.answer.cancelled():
            self.answer.exception()  # seen, so that it is not complained about
        self._state = "over"
        self._upstream.discard(self._asking)
        if self._notes:
            path = self._received.target.partition(b"?")[0].decode("latin-1")
            self._books.noted(self._known.site, self._known.rules.policy_hash, path, self._notes, None, ())

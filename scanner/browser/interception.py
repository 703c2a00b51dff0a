"""What becomes of a request that the browser holds back for us: let go, refused, or answered with a page of our own.

A document that takes another one's place waits until the page it replaces has said all it has to say: what a script
wrote in the same breath as `location.replace` is still on its way then, and is dropped with the page's process.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable
from dataclasses import dataclass

from scanner.browser.pipe import Connection, Json
from scanner.browser.scene import Scene, Session

LAST_WORDS = 2.0
"""Longest a page that is being left may keep the next one waiting, in seconds."""


@dataclass(frozen=True, slots=True)
class _Held:
    """One request that waits for an answer."""

    session: str
    request: str


class Interception:
    """Answers every `Fetch.requestPaused` of one browser."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._judging: set[asyncio.Future[bool]] = set()

    def close(self) -> None:
        """Leave nothing waiting."""
        for judging in tuple(self._judging):
            judging.cancel()

    def paused(self, scene: Scene, session: Session, params: Json) -> None:
        """Judge one request: at once where that can be told, else when what it waits for is known."""
        held, url = _Held(session.id, params["requestId"]), params["request"]["url"]
        if scene.blanks is not None:
            self._stand_in(held, scene.blanks.get(url))
            return
        verdict = True if scene.plan.allow is None else scene.plan.allow(url)
        leaving = self._left_behind(scene, params)
        if isinstance(verdict, bool) and leaving is None:
            self._answer(held, allowed=verdict)
            return

        def decided(judging: asyncio.Future[bool]) -> None:
            self._judging.discard(judging)
            sure = not judging.cancelled() and judging.exception() is None
            self._answer(held, allowed=sure and judging.result())

        judging = asyncio.ensure_future(_verdict(verdict, leaving))
        self._judging.add(judging)
        judging.add_done_callback(decided)

    def _left_behind(self, scene: Scene, params: Json) -> asyncio.Future[None] | None:
        """Something to await until the document that this request replaces has told everything; None for none."""
        frame = scene.frames.get(params.get("frameId", ""))
        session = scene.sessions.get(frame.session) if frame is not None else None
        if frame is None or session is None or params.get("resourceType") != "Document":
            return None
        return scene.leaving.get((session.id, session.contexts.get(frame.id, 0)))

    def _stand_in(self, held: _Held, page: str | None) -> None:
        if page is None:
            self._answer(held, allowed=False)
            return
        answer: Json = {"requestId": held.request, "responseCode": 200}
        answer["responseHeaders"] = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
        answer["body"] = base64.b64encode(page.encode()).decode()
        self._connection.post("Fetch.fulfillRequest", answer, held.session)

    def _answer(self, held: _Held, *, allowed: bool) -> None:
        if allowed:
            self._connection.post("Fetch.continueRequest", {"requestId": held.request}, held.session)
        else:
            refused = {"requestId": held.request, "errorReason": "BlockedByClient"}
            self._connection.post("Fetch.failRequest", refused, held.session)


async def _verdict(verdict: bool | Awaitable[bool], leaving: asyncio.Future[None] | None) -> bool:
    if leaving is not None:
        await asyncio.wait({leaving}, timeout=LAST_WORDS)
    return verdict if isinstance(verdict, bool) else await verdict

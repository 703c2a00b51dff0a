"""One visit while it lasts: its sessions, its clock of events, its scripts. Observers read it and speak through it.

Nothing here knows what is being looked for; that is the observers' part.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from policies.observation import Frame
from policies.party import same_site
from scanner.browser.pipe import CommandFailed, Connection, Json
from scanner.browser.plan import VisitPlan
from scanner.browser.scripts import ScriptBook
from scanner.browser.settings import BrowserSettings

ANSWERS = 8.0
"""Longest wait, in seconds, for a page that has settled to answer a question."""


@dataclass(slots=True)
class Session:
    """One attached target: a page, a cross-site frame, a worker."""

    id: str
    kind: str
    target: str
    url: str
    parent: str | None = None
    contexts: dict[str, int] = field(default_factory=dict)
    """Frame id to its default execution context."""

    @property
    def is_document(self) -> bool:
        return self.kind in ("page", "iframe")


@dataclass(slots=True)
class FrameSeen:
    """One frame that exists at present, in the session that holds it."""

    id: str
    session: str
    url: str
    parent: str | None


Place = tuple[str, str]
"""Where storage is kept: the origin of the top document, and that of the frame under it."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request without an answer so far: when it was sent (monotonic seconds), by which frame and document."""

    sent: float
    frame: str
    loader: str
    outlives: bool
    """Does it go on when its document is left (beacons and pings, Fetch's `keepalive`)?"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a hook in the page said: kind and data, when (UTC epoch seconds), and the chain of callers."""

    kind: str
    data: Json
    at: float
    script: str
    chain: tuple[Frame, ...]
    session: Session


class Scene:
    """The state of one visit. `url` is the address asked for; `top_url` is where the top document is now."""

    def __init__(self, url: str, plan: VisitPlan, settings: BrowserSettings, connection: Connection, context: str):
        self.url = url
        self.plan = plan
        self.settings = settings
        self.connection = connection
        self.context = context
        self.top_url = url
        self.sessions: dict[str, Session] = {}
        self.frames: dict[str, FrameSeen] = {}
        self.places: dict[Place, None] = {}
        """Every place that a document of this visit was shown at, in order."""
        self.blanks: Mapping[str, str] | None = None
        """Pages of our own by address: while there are any, nothing else is loaded."""
        self.leaving: dict[tuple[str, int], asyncio.Future[None]] = {}
        """By session and execution context: set once the script that leads the page elsewhere has run to its end."""
        self.scripts = ScriptBook()
        self.notes: list[str] = []
        self.main: Session | None = None
        self.status: int | None = None
        self.document = ""
        """The request id of the top document."""
        self.answered = False
        """Has the top document been answered at all?"""
        self.redirects: list[str] = []
        self.navigated = 0
        self.settled = False
        self.stuck = False
        """Does a script of the page run without end, so that the page cannot be asked anything?"""
        self.closed_roots = False
        """May there be a closed shadow root? Once there may be, it stays so."""
        self.crashed = False
        """Is the page's renderer process gone?"""
        self._worlds: dict[str, int] = {}
        self._known: set[tuple[str, ...]] = set()
        self.loaded = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Set with a reason when the page can no longer be looked at: crashed, navigating without end."""
        self.received: dict[str, int] = {}
        """Bytes of each answer so far, decoded, by request id."""
        self.last_event = time.monotonic()
        self.pending: dict[str, Pending] = {}
        """Requests without an answer so far, by id."""

    def __repr__(self) -> str:
        return f"<Scene {self.url} {len(self.sessions)} targets, {len(self.pending)} requests open>"

    def touch(self) -> None:
        """Something happened that a settled page would not do."""
        self.last_event = time.monotonic()

    def learns(self, *fact: str) -> None:
        """Something was seen that counts as an event the first time only: a script that writes its own key again each
        second tells nothing new, and its page has settled all the same."""
        if fact not in self._known:
            self._known.add(fact)
            self.touch()

    def leaves(self, session: Session, context: int, *, begins: bool) -> None:
        """A document is being left by its own script, or has run that script."""
        if begins:
            self.leaving.setdefault((session.id, context), asyncio.get_running_loop().create_future())
        elif (waiting := self.leaving.pop((session.id, context), None)) is not None:
            waiting.set_result(None)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def end(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    async def evaluate(self, frame: FrameSeen, expression: str) -> Any:
        """The value of an expression in a world of our own in this frame, out of reach of the page's scripts.

        Raises TimeoutError for a page that does not answer in time, CommandFailed for a frame that is gone.
        """
        if self.stuck:
            raise TimeoutError
        asked = {
            "expression": expression,
            "contextId": await self.world(frame),
            "awaitPromise": True,
            "returnByValue": True,
        }
        answer = await self.connection.call("Runtime.evaluate", asked, frame.session, seconds=ANSWERS)
        return answer["result"].get("value")

    async def world(self, frame: FrameSeen, *, seconds: float = ANSWERS) -> int:
        """The execution context of our own in this frame, made on first use. Raises like `evaluate`."""
        if frame.id not in self._worlds:
            made = {"frameId": frame.id, "worldName": "scanner"}
            answer = await self.connection.call("Page.createIsolatedWorld", made, frame.session, seconds=seconds)
            self._worlds[frame.id] = answer["executionContextId"]
        return self._worlds[frame.id]

    async def evaluate_everywhere(self, expression: str) -> list[tuple[FrameSeen, Any]]:
        """The same in every frame alive; a frame that vanishes meanwhile is left out."""
        frames = list(self.document_frames())
        answers = await asyncio.gather(*(self.evaluate(frame, expression) for frame in frames), return_exceptions=True)
        found = []
        for frame, answer in zip(frames, answers, strict=True):
            if isinstance(answer, TimeoutError) and self.main is not None and frame.session != self.main.id:
                self.note(f"a frame did not answer: {frame.url}")
            elif isinstance(answer, BaseException) and not isinstance(answer, CommandFailed):
                raise answer
            if not isinstance(answer, BaseException):
                found.append((frame, answer))
        return found

    def forget_world(self, frame: str) -> None:
        """A frame that navigates loses its worlds."""
        self._worlds.pop(frame, None)

    @property
    def top_frame(self) -> FrameSeen | None:
        return self.frames.get(self.main.target) if self.main else None

    @property
    def site_host(self) -> str:
        """The first party: the top document's host."""
        return host_of(self.top_url) or host_of(self.url)

    def address_of(self, session: Session) -> str:
        """The URL of a session's document or worker at present."""
        frame = self.frames.get(session.target)
        return frame.url if frame is not None else session.url

    def third_party(self, url_or_host: str) -> bool:
        host = host_of(url_or_host) if "://" in url_or_host else url_or_host
        return bool(host) and not same_site(host, self.site_host)

    def document_frames(self) -> Iterator[FrameSeen]:
        """Every frame alive, with http(s) or inherited address."""
        return (frame for frame in list(self.frames.values()) if frame.session in self.sessions)


def host_of(url: str) -> str:
    """The host, lower case; empty for addresses without one or malformed ones."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def origin_of(url: str) -> str:
    """Scheme, host and port as in `location.origin`; empty for addresses without a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""

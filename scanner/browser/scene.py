"""One visit while it lasts: its sessions, its clock of events, its scripts. Observers read it and speak through it.

Nothing here knows what is being looked for; that is the observers' part.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policies.observation import Frame
from policies.party import same_site
from scanner.browser.pipe import Connection, Json
from scanner.browser.plan import VisitPlan
from scanner.browser.scripts import ScriptBook
from scanner.browser.settings import BrowserSettings


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
        self.scripts = ScriptBook()
        self.notes: list[str] = []
        self.main: Session | None = None
        self.status: int | None = None
        self.answered = False
        """Has the top document been answered at all?"""
        self.redirects: list[str] = []
        self.navigated = 0
        self.loaded = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Set with a reason when the page can no longer be looked at: crashed, navigating without end."""
        self.last_event = time.monotonic()
        self.pending: dict[str, float] = {}
        """Requests without an answer so far, by id, with the time they were sent (monotonic seconds)."""

    def __repr__(self) -> str:
        return f"<Scene {self.url} {len(self.sessions)} targets, {len(self.pending)} requests open>"

    def touch(self) -> None:
        """Something happened that a settled page would not do."""
        self.last_event = time.monotonic()

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def end(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    async def ask(self, method: str, params: Json | None = None, session: str | None = None) -> Json:
        """Ask the page; a page that does not answer within two seconds raises TimeoutError."""
        chosen = session or (self.main.id if self.main else None)
        return await self.connection.call(method, params, chosen, seconds=2.0)

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

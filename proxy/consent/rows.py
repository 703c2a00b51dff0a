"""Rows on their way to the log. `shown` and `gpc` follow the page; a choice waits until its row is committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from proxy.consent.log import Event, LogUnavailable, Row
from proxy.consent.notice import MEDIA_TYPE
from proxy.consent.noticeboard import NoticeBoard
from proxy.consent.site_notice import SiteNotice
from proxy.consent.token import NoticeToken, Surface
from proxy.consent.visitor import Visitor

_log = structlog.get_logger(__name__)
_MOST_WAITING = 2000
"""Rows that may wait for the log; beyond that they are dropped and counted, and no page ever waits for them."""


class Log(Protocol):
    """What the desk needs of the consent log."""

    async def append(self, event: Event) -> Row: ...
    async def keep_notice(self, hash: str, content: bytes, media_type: str) -> None: ...  # noqa: A002  the log's word
    async def rows_of(self, subject: str) -> list[Row]: ...
    async def erase(self, subject: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Decided:
    """What a row says beyond the request: whose it is, what was answered (refusals included), on which notice."""

    subject: str | None
    purposes: Mapping[str, bool]
    vendors: Mapping[str, bool]
    surface: Surface = "banner"
    notice: str | None = None
    nonce: str | None = None
    detail: Mapping[str, object] | None = None


class Rows:
    """Builds rows and hands them to the log. `dropped` counts those that follow a page and never reached it."""

    def __init__(self, log: Log, board: NoticeBoard, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._board = board
        self._clock = clock
        self._kept: set[str] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._by_nonce: dict[str, asyncio.Task[None]] = {}
        self.dropped = 0
        self.written: Counter[tuple[str, str]] = Counter()
        """Rows by site and event, for whoever counts them; he empties it."""

    def __repr__(self) -> str:
        return f"<Rows {len(self._waiting)} waiting, {self.dropped} dropped>"

    async def close(self) -> None:
        """Wait for the rows under way."""
        while self._waiting:
            await asyncio.gather(*self._waiting)

    def event(
        self,
        kind: str,
        visitor: Visitor,
        site: SiteNotice,
        *,
        path: str,
        language: str,
        method: str,
        decided: Decided | None = None,
    ) -> Event:
        """A row: time is the server's, the path loses its query. Without `decided` it tells what is in force."""
        said = decided or Decided(visitor.subject, *site.outcome(visitor.consent))
        return Event(
            kind,
            self._clock(),
            site.name,
            path=path.partition("?")[0],
            subject=said.subject,
            purposes=said.purposes,
            vendors=said.vendors,
            language=language,
            surface="prove" if visitor.proving else said.surface,
            method=method,
            notice=said.notice,
            policy=site.policy or None,
            ip=visitor.address,
            agent=visitor.agent,
            nonce=said.nonce,
            detail=said.detail,
        )

    def shown(self, visitor: Visitor, site: SiteNotice, issued: NoticeToken, *, path: str, language: str) -> None:
        """The `shown` row: linked to a later choice by the nonce, to a visitor by nothing. Robots leave none."""
        if visitor.robot:
            return
        asked = Decided(None, {}, {}, issued.surface, issued.notice, issued.nonce)
        event = self.event("shown", visitor, site, path=path, language=language, method="page", decided=asked)
        self.later(event, site)
        if visitor.lapsed:
            self.later(self.event(visitor.lapsed, visitor, site, path=path, language=language, method="page"), site)

    def later(self, event: Event, site: SiteNotice) -> None:
        """Write a row behind the page's back."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        task = asyncio.get_running_loop().create_task(self._quietly(event, site))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        if nonce := event.nonce:
            self._by_nonce[nonce] = task
            task.add_done_callback(lambda _: self._by_nonce.pop(nonce, None))

    async def _quietly(self, event: Event, site: SiteNotice) -> None:
        if not await self.recorded(event, site):
            self.dropped += 1

    async def chosen(self, event: Event, site: SiteNotice) -> bool:
        """Write a choice, after the `shown` row that it answers. False where the log is down."""
        if shown := self._by_nonce.get(event.nonce or ""):
            await asyncio.wait([shown])
        return await self.recorded(event, site)

    async def recorded(self, event: Event, site: SiteNotice) -> bool:
        """Keep the notice, append the row; True once both are on the disk, False where the log is down."""
        try:
            await self._keep(event, site)
            await self._log.append(event)
        except LogUnavailable as error:
            _log.error("consent row not written", row=event.event, site=site.name, because=str(error))
            return False
        self.written[event.site, event.event] += 1
        return True

    async def _keep(self, event: Event, site: SiteNotice) -> None:
        if event.notice is None or event.notice in self._kept or event.language not in self._board.texts:
            return
        notice = self._board.notice(site, event.language)
        if notice.hash == event.notice:
            await self._log.keep_notice(notice.hash, notice.content, MEDIA_TYPE)
            self._kept.add(notice.hash)

"""The consent log as the proxy and the command line use it. Order of an append: chained, committed, then answered.

Everything that writes goes through one writing session of the store, which fixes the order among all processes.
Checkpoints follow by themselves: after so many rows, after so many seconds with something new, and at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import structlog

from proxy.consent.log import boundary, checkpoints, statistics, store
from proxy.consent.log.chain import Head, Quoted, extended, row_of
from proxy.consent.log.event import DECISIONS, Event, Row, stamp
from proxy.consent.log.opening import store_of
from proxy.consent.log.store import LogUnavailable, Session
from proxy.consent.log.writer import LARGEST_GROUP, GroupCommit
from runtime.keys import Keys

_log = structlog.get_logger(__name__)
_ALL_TIME = ("", "~")
"""Sorts before and after every time stamp."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When rows are grouped, checkpoints signed and old rows deleted. `checkpoint_seconds` 0 leaves the timer out.

    `prune_seconds` is the time between two looks for rows past their retention, `prune_rows` what goes at a time, so
    that nobody's choice waits for a large deletion.
    """

    largest_group: int = LARGEST_GROUP
    checkpoint_rows: int = 1000
    checkpoint_seconds: float = 60.0
    prune_seconds: float = 6 * 3600.0
    prune_rows: int = 20_000


@dataclass(frozen=True, slots=True)
class Notice:
    """What was shown, exactly: the bytes whose SHA-256 the rows name."""

    hash: str
    media_type: str
    content: bytes


def utc_now() -> datetime:
    return datetime.now(UTC)


class ConsentLog:
    """Open it with `await ConsentLog.open(...)`; every method raises LogUnavailable when the database fails."""

    def __init__(
        self,
        database: store.Store,
        keys: Keys,
        *,
        checkpoints: Path,
        clock: Callable[[], datetime] = utc_now,
        pace: Pace = Pace(),
        salt: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = database
        self._keys = keys
        self._folder = checkpoints
        self._clock = clock
        self._pace = pace
        self._salt = salt
        self._quoted = Quoted()
        self._writer = GroupCommit(self._commit, largest_group=pace.largest_group)
        self._unsigned = 0
        self._due = asyncio.Event()
        self._signing = asyncio.Lock()
        self._timers: list[asyncio.Task[None]] = []
        self._notices: set[str] = set()

    def __repr__(self) -> str:
        return f"<ConsentLog {self._store!r}, {self._unsigned} rows since the last checkpoint>"

    @classmethod
    async def open(
        cls,
        url: str,
        keys: Keys,
        *,
        checkpoints: Path,
        clock: Callable[[], datetime] = utc_now,
        pace: Pace = Pace(),
        salt: Callable[[int], bytes] = os.urandom,
        must_answer: bool = True,
        retention: timedelta | None = None,
    ) -> ConsentLog:
        """Open (and create or migrate) the log at `sqlite:///PATH` or `postgresql://...`.

        With `must_answer` False a database that is down is tried again at every append instead of raising
        LogUnavailable here, so that a proxy can serve its site meanwhile. With `retention` rows older than it are
        pruned now and then while the log is open. Raises ValueError for a bad URL.
        """
        log = cls(store_of(url), keys, checkpoints=checkpoints, clock=clock, pace=pace, salt=salt)
        try:
            async with log._store.writing():
                pass
        except LogUnavailable as error:
            if must_answer:
                await log._store.close()
                raise
            _log.error("consent log unavailable", because=error.reason)
        log._timers.append(asyncio.create_task(log._sign_now_and_then(), name="consent log checkpoints"))
        if retention is not None:
            log._timers.append(asyncio.create_task(log._prune_now_and_then(retention), name="consent log retention"))
        return log

    @property
    def trouble(self) -> str | None:
        """Why the newest append failed, None while the log works: for health checks."""
        return self._writer.trouble

    async def append(self, event: Event) -> Row:
        """Write one event; returns once its commit is durable. Raises LogUnavailable, and then nothing was promised."""
        return await self._writer.append(event)

    async def keep_notice(self, hash: str, content: bytes, media_type: str) -> None:  # noqa: A002  the contract's word
        """Keep the exact bytes of a notice, once. Raises ValueError where `hash` is not their SHA-256."""
        if hash in self._notices:
            return
        if sha256(content).hexdigest() != hash:
            raise ValueError(f"notice {hash}: this is not the SHA-256 of its content")
        async with self._store.writing() as session:
            await session.many(
                "INSERT INTO consent_notice (hash, media_type, content, kept) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (hash) DO NOTHING",
                [(hash, media_type, content, stamp(self._clock()))],
            )
        self._notices.add(hash)

    async def notice(self, hash: str, site: str | None = None) -> Notice | None:  # noqa: A002  the contract's word
        """The notice with this hash, or whose hash alone begins so (8 digits at least); None where none was kept.

        With `site` only among the notices that rows of its chain name.
        """
        if len(hash) < 8:
            return None
        named, chain = (
            ("", ()) if site is None else (" AND hash IN (SELECT notice FROM consent_entry WHERE chain = ?)", (site,))
        )
        async with self._store.reading() as session:
            rows = await session.fetch(
                "SELECT hash, media_type, content FROM consent_notice "  # noqa: S608  constants
                f"WHERE hash >= ? AND hash < ?{named} ORDER BY hash LIMIT 2",
                (hash, f"{hash}g", *chain),
            )
        return Notice(*rows[0]) if len(rows) == 1 or (rows and rows[0][0] == hash) else None

    async def chains(self) -> list[str]:
        """The names of all chains: the sites of which anything is recorded."""
        async with self._store.reading() as session:
            return await store.chains(session)

    async def row(self, row_id: str) -> Row | None:
        """The row with this id ("shop/17"), None where there is none."""
        chain, _, seq = row_id.rpartition("/")
        if not (seq.isascii() and seq.isdigit()) or len(seq) > 18:
            return None
        async with self._store.reading() as session:
            record = await store.one(session, chain, int(seq))
        return None if record is None else row_of(record)

    async def rows_of(self, subject: str) -> list[Row]:
        """All rows of one subject and the `shown` rows his choices answered, oldest first."""
        async with self._store.reading() as session:
            return [row_of(record) for record in await store.of_subject(session, subject)]

    async def export(
        self, begin: datetime | None = None, end: datetime | None = None, site: str | None = None
    ) -> AsyncIterator[Row]:
        """Rows with begin <= time < end, chain by chain in order, in one snapshot and flat memory."""
        times = (stamp(begin) if begin else _ALL_TIME[0], stamp(end) if end else _ALL_TIME[1])
        async with self._store.reading() as session:
            for chain in await store.chains(session) if site is None else [site]:
                found = await store.span(session, chain, *times)
                if found is None:
                    continue
                async for page in store.records(session, chain, *found):
                    for record in page:
                        if times[0] <= record[2] < times[1]:
                            yield row_of(record)

    async def stats(
        self, begin: datetime | None = None, end: datetime | None = None, site: str | None = None
    ) -> list[statistics.DayCount]:
        """Choices counted by day, site, language and notice; what `prove` did is left out."""
        times = (stamp(begin) if begin else _ALL_TIME[0], stamp(end) if end else _ALL_TIME[1])
        async with self._store.reading() as session:
            return await statistics.counted(session, *times, site)

    async def erase(self, subject: str, site: str | None = None) -> int:
        """Withdraw, then destroy what identifies the subject in all his rows (of one site); returns how many rows.

        Choice, time and hashes stay (GDPR 7(1), 17(3)(b)), and the chain still verifies. 0: nobody has this id.
        """
        async with self._store.writing() as session:
            by_chain: dict[str, list[Row]] = {}
            for record in await store.of_subject(session, subject):
                if site in (None, record[0]):
                    by_chain.setdefault(record[0], []).append(row_of(record))
            for chain, rows in by_chain.items():
                await self._extend(session, chain, _farewell(rows, self._clock()))
                await store.blank(session, chain, [row.seq for row in rows])
        erased = sum(len(rows) for rows in by_chain.values())
        if erased:
            await self._store.scrub()
        return erased

    async def prune(self, before: datetime, site: str | None = None) -> int:
        """Delete the rows older than `before` (of one site) and leave a signed boundary; returns how many rows."""
        pruned = 0
        while count := await self._pruned(before, site):
            pruned += count
        if pruned:
            async with self._store.writing() as session:
                await session.many(
                    "DELETE FROM consent_notice WHERE kept < ? AND hash NOT IN "
                    "(SELECT notice FROM consent_entry WHERE notice IS NOT NULL)",
                    [(stamp(before),)],
                )
            self._notices.clear()
            await self._store.scrub()
        return pruned

    async def _pruned(self, before: datetime, site: str | None) -> int:
        """One bite: at most `prune_rows` of each chain in one transaction."""
        pruned = 0
        async with self._store.writing() as session:
            now = self._clock()
            for chain in await _chains(session, site):
                last = await _last_before(session, chain, stamp(before), self._pace.prune_rows)
                if last is None:
                    continue
                count = await session.fetch(
                    "SELECT count(*) FROM consent_entry WHERE chain = ? AND seq <= ?", (chain, last.seq)
                )
                detail = {"before": stamp(before), "rows": count[0][0], "to": last.seq}
                await self._extend(session, chain, [_upkeep("prune", now, chain, detail)])
                await boundary.prune(session, last, self._keys, stamp(now))
                pruned += count[0][0]
        return pruned

    async def checkpoint(self, detail: dict[str, object] | None = None, site: str | None = None) -> Path | None:
        """Log and sign the newest row of every chain (of one site's) now; the file it was added to.

        None where there is no row. `detail` says what gave rise to it (a restored backup).
        """
        async with self._store.writing() as session:
            for chain in await _chains(session, site):
                await self._extend(session, chain, [_upkeep("checkpoint", self._clock(), chain, detail)])
        return await self._sign(site)

    async def close(self) -> None:
        """Commit what was accepted, sign what is new, let go of the database."""
        await self._writer.close()
        for timer in self._timers:
            timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await timer
        if self._unsigned:
            await self._sign_or_tell()
        await self._store.close()

    async def _commit(self, events: Sequence[Event]) -> list[Row]:
        async with self._store.writing() as session:
            by_chain: dict[str, list[int]] = {}
            for number, event in enumerate(events):
                by_chain.setdefault(event.site, []).append(number)
            rows: dict[int, Row] = {}
            for chain, numbers in by_chain.items():
                written = await self._extend(session, chain, [events[number] for number in numbers])
                rows.update(zip(numbers, written, strict=True))
        self._unsigned += len(events)
        if self._unsigned >= self._pace.checkpoint_rows:
            self._due.set()
        return [rows[number] for number in range(len(events))]

    async def _extend(self, session: Session, chain: str, events: Sequence[Event]) -> list[Row]:
        records = extended(await store.head(session, chain), events, self._salt, self._quoted)
        await store.insert(session, records)
        return [row_of(record) for record in records]

    async def _sign_now_and_then(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._pace.checkpoint_seconds or None)
            by_number = self._due.is_set()
            self._due.clear()
            if self._unsigned >= (self._pace.checkpoint_rows if by_number else 1):
                await self._sign_or_tell()

    async def _prune_now_and_then(self, retention: timedelta) -> None:
        """First shortly after the start; a database that is down is tried again the next time."""
        seconds = min(30.0, self._pace.prune_seconds)
        while True:
            await asyncio.sleep(seconds)
            seconds = self._pace.prune_seconds
            try:
                pruned = await self.prune(self._clock() - retention)
            except LogUnavailable as error:
                _log.error("consent log not pruned", because=error.reason)
            else:
                if pruned:
                    _log.info("consent log pruned", rows=pruned, older_than_days=retention.days)

    async def _sign_or_tell(self) -> None:
        """A checkpoint that fails is tried again with the next; the rows themselves are safe."""
        try:
            await self._sign()
        except (LogUnavailable, OSError) as error:
            _log.error("consent log checkpoint failed", folder=str(self._folder), because=str(error))

    async def _sign(self, site: str | None = None) -> Path | None:
        """Heads are read under the folder's lock, so that later lines never speak of earlier rows."""
        async with self._signing:
            unsigned = self._unsigned
            with contextlib.ExitStack() as stack:
                await asyncio.to_thread(stack.enter_context, checkpoints.locked(self._folder))
                async with self._store.reading() as session:
                    heads = [await store.head(session, chain) for chain in await _chains(session, site)]
                path = None
                if heads:
                    path = await asyncio.to_thread(checkpoints.append, self._folder, heads, self._keys, self._clock())
            if site is None:
                self._unsigned -= unsigned
            return path


async def _chains(session: Session, site: str | None) -> list[str]:
    """All chains, or the one of this site where it has rows."""
    return [chain for chain in await store.chains(session) if site in (None, chain)]


def _farewell(rows: Sequence[Row], now: datetime) -> list[Event]:
    """The rows that an erasure adds to a chain: a withdrawal where something was granted, and what was erased."""
    newest = next((row for row in reversed(rows) if row.event in DECISIONS), None)
    erased = _upkeep("erase", now, rows[0].chain, {"rows": [row.seq for row in rows]})
    if newest is None or not (any(newest.purposes.values()) or any(newest.vendors.values())):
        return [erased]
    withdrawal = Event(
        "withdraw",
        now,
        newest.site,
        purposes=dict.fromkeys(newest.purposes, False),
        vendors=dict.fromkeys(newest.vendors, False),
        language=newest.language,
        surface="api",
        method="erase",
        notice=newest.notice,
        policy=newest.policy,
    )
    return [withdrawal, erased]


def _upkeep(event: str, now: datetime, chain: str, detail: dict[str, object] | None) -> Event:
    return Event(event, now, chain, surface="api", method="command", detail=detail)


async def _last_before(session: Session, chain: str, before: str, most: int) -> Head | None:
    """The last row of the unbroken old beginning: where a clock jumped, a younger row keeps what follows it.

    No more than `most` rows from the first that is there.
    """
    begins = await session.fetch("SELECT min(seq) FROM consent_entry WHERE chain = ?", (chain,))
    found = await session.fetch("SELECT min(seq) FROM consent_entry WHERE chain = ? AND time >= ?", (chain, before))
    first_kept = min(found[0][0] if found[0][0] is not None else 2**62, begins[0][0] + most)
    rows = await session.fetch(
        "SELECT seq, hash, time FROM consent_entry WHERE chain = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
        (chain, first_kept),
    )
    return Head(chain, *rows[0]) if rows else None

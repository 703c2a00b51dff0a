"""What the proxy counts and sees, in one small SQLite file: evidence of enforcement, and sightings.

Evidence: how often, per day, site, policy and tracker, something was stripped or let through (no visitor in it).
Sightings: unknown names and hosts that passed by, with when and how often: hearsay for the operator, never a rule.
Both are counted in memory and written every few seconds, so a request never waits for the disk; several workers may
share the file. A ledger without a file counts in memory only.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import aiosqlite
import structlog

from policies.verdict import Verdict
from proxy.exchange import Tally
from runtime.database import open_database, transaction

MIGRATIONS = (
    """CREATE TABLE evidence (
        day TEXT NOT NULL, site TEXT NOT NULL, policy TEXT NOT NULL, tracker TEXT NOT NULL, what TEXT NOT NULL,
        action TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (day, site, policy, tracker, what, action)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE sighting (
        site TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL,
        first TEXT NOT NULL, last TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (site, kind, subject, detail)
    ) STRICT, WITHOUT ROWID;""",
)
_COUNT = """INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count"""
_SEE = """INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count, last = max(last, excluded.last)"""
_MOST = 10_000
"""Different sightings held between two writes; further ones are left out, since a flood is no finding."""

EvidenceKey = tuple[str, str, str, str, str, str]
SightingKey = tuple[str, str, str, str]


class Ledger:
    """`url` as in `sqlite:///proxy.db`, or None; `clock` gives UTC epoch seconds; `every` is in seconds."""

    def __init__(self, url: str | None, clock: Callable[[], float], *, every: float = 5.0) -> None:
        self._url = url
        self._clock = clock
        self._every = every
        self._database: aiosqlite.Connection | None = None
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._day = (-1, "")
        self._log = structlog.get_logger("samtykke.proxy")
        self.evidence: Counter[EvidenceKey] = Counter()
        """Not yet written."""
        self._again: Counter[tuple[str, str, str, Tally]] = Counter()
        self.sightings: Counter[SightingKey] = Counter()

    def __repr__(self) -> str:
        return f"<Ledger {self._url or 'in memory'}, {len(self.evidence)} counts and {len(self.sightings)} sightings>"

    async def open(self) -> None:
        """Raises runtime.database.DatabaseUnusableError."""
        if self._url is None:
            return
        self._database = await open_database(self._url, MIGRATIONS)
        self._writer = asyncio.get_running_loop().create_task(self._write_now_and_then())

    async def close(self) -> None:
        if self._writer is not None:
            self._closing.set()
            await self._writer
        if self._database is not None:
            try:
                await self.flush()
            finally:
                await self._database.close()
                self._database = None

    def count(self, site: str, policy: str | None, notes: Sequence[tuple[str, Verdict]]) -> None:
        """Count what was decided in one exchange."""
        if not notes:
            return
        day = self._today()
        for what, verdict in notes:
            self.evidence[day, site, policy or "", verdict.tracker or "", what, verdict.action] += 1

    def count_again(self, site: str, policy: str | None, tally: Tally) -> None:
        """Count what is stripped from a document each time it is sent: one addition, spelled out when written."""
        self._again[self._today(), site, policy or "", tally] += 1

    def spell_out(self) -> None:
        """Bring `evidence` up to date."""
        again, self._again = self._again, Counter()
        for (day, site, policy, tally), number in again.items():
            for verdict in tally.verdicts:
                self.evidence[day, site, policy, verdict.tracker or "", tally.what, verdict.action] += number

    def see(self, site: str, kind: str, subject: str, detail: str = "") -> None:
        """Count something that nobody knows."""
        key = (site, kind, subject[:200], detail[:200])
        if key in self.sightings or len(self.sightings) < _MOST:
            self.sightings[key] += 1

    def _today(self) -> str:
        number = int(self._clock() // 86_400)
        if number != self._day[0]:
            self._day = (number, datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%d"))
        return self._day[1]

    async def _write_now_and_then(self) -> None:
        """Ends between two writes, never within one: a cancelled commit may or may not have counted."""
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._every)
            try:
                await self.flush()
            except sqlite3.Error as error:
                self._log.error("ledger_not_written", error=str(error), waiting=len(self.evidence))

    async def flush(self) -> None:
        """Write what was counted. Raises sqlite3.Error; nothing is lost then."""
        async with self._writing:
            self.spell_out()
            if self._database is not None and (self.evidence or self.sightings):
                await self._write(self._database)

    async def _write(self, database: aiosqlite.Connection) -> None:
        evidence, self.evidence = self.evidence, Counter()
        sightings, self.sightings = self.sightings, Counter()
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            async with transaction(database) as write:
                await write.executemany(_COUNT, [(*key, n) for key, n in evidence.items()])
                await write.executemany(_SEE, [(*key, now, now, n) for key, n in sightings.items()])
        except BaseException:
            self.evidence.update(evidence)
            self.sightings.update(sightings)
            raise

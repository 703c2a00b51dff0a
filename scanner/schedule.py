"""When a scheduled scan or proof is due, and that it runs once. A missed run is caught up once, none overlap.

Cron expressions have five fields and are read in the zone of the times passed in. What ran when is kept in a file
beside the inventory, so that a restart neither forgets nor repeats; so is what each site's newest proof found.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import aiosqlite
from croniter import CroniterError, croniter

from runtime.database import open_database, transaction
from scanner.faults import Fault

LONGEST_SLEEP = 60.0
"""Seconds; a machine that slept, or whose clock was set, is noticed within this time."""
ABANDONED = 6 * 3_600
"""Seconds after which a run that never reported its end is taken for killed."""

MIGRATIONS = (
    """
    CREATE TABLE run (
        id       INTEGER PRIMARY KEY,
        schedule TEXT NOT NULL,
        due      TEXT NOT NULL,               -- UTC, ISO 8601: the time by the cron expression
        started  TEXT NOT NULL,
        ended    TEXT,                        -- NULL while it runs, or where it was killed
        outcome  TEXT,
        UNIQUE (schedule, due)
    ) STRICT;
    """,
    """
    CREATE TABLE proof (                      -- the newest of each schedule and address
        schedule TEXT NOT NULL,
        site     TEXT NOT NULL,
        at       TEXT NOT NULL,               -- UTC, ISO 8601
        digest   TEXT NOT NULL,
        faults   TEXT NOT NULL,               -- JSON: [[kind, subject, state], ...]
        PRIMARY KEY (schedule, site)
    ) STRICT, WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One `[[schedule]]` of the configuration. Raises ValueError for a cron expression that is none."""

    name: str
    cron: str
    sites: tuple[str, ...]
    kind: Literal["scan", "prove"] = "scan"

    def __post_init__(self) -> None:
        if len(self.cron.split()) != 5 or not croniter.is_valid(self.cron):
            raise ValueError(f'schedule {self.name!r}: {self.cron!r} is no cron expression such as "0 3 * * *"')

    def next_run(self, now: datetime) -> datetime:
        """The first time after `now`."""
        return _step(self.cron, now, forward=True)

    def last_due(self, now: datetime) -> datetime:
        """The newest time that is not after `now`."""
        return _step(self.cron, now, forward=False)


def _step(cron: str, now: datetime, *, forward: bool) -> datetime:
    try:
        if not forward and croniter.match(cron, now):
            return now.replace(second=0, microsecond=0)
        steps = croniter(cron, now)
        found: datetime = steps.get_next(datetime) if forward else steps.get_prev(datetime)
    except CroniterError as error:
        raise ValueError(f"{cron!r} never comes: {error}") from error
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the ledger; times are UTC, ISO 8601."""

    schedule: str
    due: str
    started: str
    ended: str | None
    outcome: str | None


class Ledger:
    """What ran when. Open with `Ledger.open(url)`, close always."""

    def __init__(self, database: aiosqlite.Connection) -> None:
        self._database = database
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, url: str) -> Ledger:
        """Open or create. Raises DatabaseUnusableError, ValueError for another kind of URL."""
        return cls(await open_database(url, MIGRATIONS))

    async def close(self) -> None:
        await self._database.close()

    async def claim(self, schedule: Schedule, now: datetime) -> int | None:
        """Take the run that is due, if any: nobody else gets it. None where it ran, or where one is still running.

        However many runs were missed, only the newest is due. A schedule seen for the first time waits for its next.
        """
        due = stamp(schedule.last_due(now))
        async with self._writing, transaction(self._database) as write:
            newest = await self._newest(schedule.name)
            if newest is None:
                await write.execute(
                    "INSERT INTO run (schedule, due, started, ended, outcome) VALUES (?, ?, ?, ?, 'first seen')",
                    (schedule.name, due, stamp(now), stamp(now)),
                )
                return None
            if newest.due >= due:
                return None
            if (
                newest.ended is None
                and now.timestamp() - datetime.fromisoformat(newest.started).timestamp() < ABANDONED
            ):
                return None
            cursor = await write.execute(
                "INSERT INTO run (schedule, due, started) VALUES (?, ?, ?)", (schedule.name, due, stamp(now))
            )
            return cursor.lastrowid

    async def ended(self, run: int, now: datetime, outcome: str) -> None:
        async with self._writing:
            await self._database.execute(
                "UPDATE run SET ended = ?, outcome = ? WHERE id = ?", (stamp(now), outcome, run)
            )

    async def runs(self, schedule: str, most: int = 20) -> list[Run]:
        """The newest runs of a schedule, the newest first."""
        async with self._database.execute(
            "SELECT schedule, due, started, ended, outcome FROM run WHERE schedule = ? ORDER BY due DESC LIMIT ?",
            (schedule, most),
        ) as cursor:
            return [Run(*row) for row in await cursor.fetchall()]

    async def faults(self, schedule: str, site: str) -> tuple[Fault, ...]:
        """What the newest proof of this schedule found on a site; nothing where there was none."""
        async with self._database.execute(
            "SELECT faults FROM proof WHERE schedule = ? AND site = ?", (schedule, site)
        ) as cursor:
            row = await cursor.fetchone()
        return tuple(Fault(*each) for each in json.loads(row[0])) if row else ()

    async def keep_proof(self, schedule: str, site: str, at: datetime, digest: str, faults: Sequence[Fault]) -> None:
        """In the place of the one before."""
        body = json.dumps([[fault.kind, fault.subject, fault.state] for fault in faults], ensure_ascii=False)
        async with self._writing:
            await self._database.execute(
                "INSERT OR REPLACE INTO proof VALUES (?, ?, ?, ?, ?)", (schedule, site, stamp(at), digest, body)
            )

    async def _newest(self, schedule: str) -> Run | None:
        found = await self.runs(schedule, 1)
        return found[0] if found else None


Work = Callable[[Schedule], Awaitable[str]]
"""Does one run, all its sites, and gives the outcome in words."""


async def run_due(schedules: Sequence[Schedule], ledger: Ledger, work: Work, now: Callable[[], datetime]) -> int:
    """Run everything that is due now, one after the other; gives how many ran. A run that fails is written down."""
    ran = 0
    for schedule in schedules:
        run = await ledger.claim(schedule, now())
        if run is None:
            continue
        ran += 1
        outcome = "interrupted"
        try:
            outcome = await work(schedule)
        except (OSError, ValueError, LookupError, sqlite3.Error) as error:
            outcome = f"failed: {error}"
        finally:
            await ledger.ended(run, now(), outcome)
    return ran


async def run_forever(
    schedules: Sequence[Schedule],
    ledger: Ledger,
    work: Work,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Run what is due, sleep until the next, again and again. Ends when cancelled, or at once without schedules."""
    while schedules:
        await run_due(schedules, ledger, work, now)
        at = now()
        await sleep(min(LONGEST_SLEEP, max(1.0, min((one.next_run(at) - at).total_seconds() for one in schedules))))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")

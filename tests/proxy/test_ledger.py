"""Evidence and sightings: counted in memory, written together, nothing lost when the disk fails for a while."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from policies.verdict import Verdict
from proxy.ledger import Ledger

DAY = 1_790_000_000.0  # 2026-09-21
STRIPPED = ("cookie_set", Verdict("strip", "because", "_ga", "google-analytics"))
ALLOWED = ("html", Verdict("allow", "because", "ads.example", "ads"))


def rows(path: Path, query: str) -> list[tuple]:
    database = sqlite3.connect(path)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


async def test_counts_of_a_day_are_added_up_over_writes_and_workers(tmp_path):
    path = tmp_path / "proxy.db"
    workers = [Ledger(f"sqlite:///{path}", lambda: DAY) for _ in range(2)]
    for worker in workers:
        await worker.open()
    for worker in workers:
        worker.count("shop", "abc", [STRIPPED, STRIPPED, ALLOWED])
        await worker.flush()
    workers[0].count("shop", "abc", [STRIPPED])
    for worker in workers:
        await worker.close()
    assert rows(path, "SELECT * FROM evidence ORDER BY tracker") == [
        ("2026-09-21", "shop", "abc", "_ga", "cookie_set", "strip", 5),
        ("2026-09-21", "shop", "abc", "ads.example", "html", "allow", 2),
    ]


async def test_sightings_keep_when_they_were_seen_first_and_last(tmp_path):
    now = DAY
    ledger = Ledger(f"sqlite:///{tmp_path / 'proxy.db'}", lambda: now)
    await ledger.open()
    ledger.see("shop", "csp", "pixel.example", "img-src /a")
    await ledger.flush()
    now += 3600
    ledger.see("shop", "csp", "pixel.example", "img-src /a")
    await ledger.close()
    assert rows(tmp_path / "proxy.db", "SELECT subject, first, last, count FROM sighting") == [
        ("pixel.example", "2026-09-21T14:13:20Z", "2026-09-21T15:13:20Z", 2)
    ]


async def test_nothing_is_lost_while_the_file_cannot_be_written(tmp_path):
    path = tmp_path / "proxy.db"
    ledger = Ledger(f"sqlite:///{path}", lambda: DAY)
    await ledger.open()
    await ledger._database.execute("PRAGMA busy_timeout=10")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.count("shop", None, [STRIPPED])
    with pytest.raises(sqlite3.OperationalError):
        await ledger.flush()
    other.execute("ROLLBACK")
    other.close()
    await ledger.close()
    assert rows(path, "SELECT count FROM evidence") == [(1,)]


async def test_closing_while_a_write_waits_for_another_process_counts_everything_once(tmp_path):
    path = tmp_path / "proxy.db"
    ledger = Ledger(f"sqlite:///{path}", lambda: DAY, every=0.01)
    await ledger.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.count("shop", None, [STRIPPED])
    while ledger.evidence:  # noqa: ASYNC110  taken by the writer, who now waits for the file
        await asyncio.sleep(0.005)
    closing = asyncio.create_task(ledger.close())
    await asyncio.sleep(0.02)
    other.execute("ROLLBACK")
    other.close()
    await closing
    assert rows(path, "SELECT count FROM evidence") == [(1,)]


async def test_two_writes_at_once_take_turns(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'proxy.db'}", lambda: DAY)
    await ledger.open()
    writes = []
    for _ in range(20):
        ledger.count("shop", None, [STRIPPED])
        writes.append(asyncio.create_task(ledger.flush()))
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    await ledger.close()
    assert rows(tmp_path / "proxy.db", "SELECT count FROM evidence") == [(20,)]


async def test_a_flood_of_different_sightings_is_bounded():
    ledger = Ledger(None, lambda: DAY)
    for number in range(20_000):
        ledger.see("shop", "cookie", f"c{number}")
    assert len(ledger.sightings) == 10_000

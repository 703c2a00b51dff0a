"""How fast the consent log is: durable appends per second, then `log verify` and `log export` of a million rows.

    python -m bench.consent_log [--rows 1000000] [--store sqlite:///PATH|postgresql://...]

Prints one JSON object; run it on an otherwise idle machine. Appends are acknowledged one by one after their commit is
on the disk, by 200 tasks at once, as HTTP handlers would. Memory is the peak of the process up to that point.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from proxy.consent.log import ConsentLog, Event, Pace, verify
from proxy.consent.log.chain import Head, Quoted, extended
from proxy.consent.log.export import write_export
from proxy.consent.log.opening import store_of
from proxy.consent.log.store import insert
from runtime.keys import Keys, new_keys

START = datetime(2026, 1, 1, tzinfo=UTC)
TASKS = 200
APPENDS = 40_000


def events(first: int, count: int) -> Iterator[Event]:
    """Choices as they come: every other one a `shown`, refusers without an id."""
    for number in range(first, first + count):
        accepted = number % 4 == 1
        yield Event(
            "shown" if number % 2 == 0 else "accept" if accepted else "reject",
            START + timedelta(seconds=number),
            "shop",
            path=f"/products/{number % 5000}",
            subject=f"subject-{number:016x}" if accepted else None,
            purposes=dict.fromkeys(("preferences", "statistics", "marketing"), accepted),
            language=("nb", "en", "nn")[number % 3],
            method="button",
            notice=f"{number % 40:064x}",
            policy="b" * 64,
            ip=f"10.{number % 250}.{number % 199}.0",
            agent=("Chrome on Windows", "Safari on iOS", "Firefox on Linux")[number % 3],
            nonce=f"nonce-{number // 2:016x}",
        )


def peak_mb(whose: int = resource.RUSAGE_SELF) -> float:
    return round(resource.getrusage(whose).ru_maxrss / 1024, 1)


def cpu_seconds() -> float:
    """Of this process and of those it started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


async def appended(url: str, keys: Keys, folder: Path) -> dict[str, float]:
    log = await ConsentLog.open(url, keys, checkpoints=folder)
    waiting = events(0, APPENDS)
    took: list[float] = []

    async def visitor() -> None:
        for event in waiting:
            begun = time.perf_counter()
            await log.append(event)
            took.append(time.perf_counter() - begun)

    begun, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(*(visitor() for _ in range(TASKS)))
    seconds, busy = time.perf_counter() - begun, time.process_time() - worked
    await log.close()
    took.sort()
    return {
        "appends_per_second": round(APPENDS / seconds),
        "appends_per_cpu_second": round(APPENDS / busy),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
    }


async def filled(url: str, keys: Keys, folder: Path, rows: int) -> None:
    """The rest of the rows, in large transactions: only reading is measured afterwards."""
    store = store_of(url)
    quoted = Quoted()
    log = await ConsentLog.open(url, keys, checkpoints=folder, pace=Pace(checkpoint_seconds=0))
    for first in range(APPENDS, rows, 20_000):
        async with store.writing() as session:
            ((seq, hash_, last),) = await session.fetch(
                "SELECT seq, hash, time FROM consent_entry WHERE chain = 'shop' ORDER BY seq DESC LIMIT 1"
            )
            count = min(20_000, rows - first)
            await insert(session, extended(Head("shop", seq, hash_, last), events(first, count), _salt, quoted))
        await log.checkpoint()
    await log.close()
    await store.close()


def _salt(count: int) -> bytes:
    return b"s" * count


async def measured(url: str, rows: int, folder: Path) -> dict[str, object]:
    keys = new_keys(START)
    result: dict[str, object] = {"rows": rows, **await appended(url, keys, folder)}
    await filled(url, keys, folder, rows)
    result["peak_mb_filled"] = peak_mb()

    begun, worked = time.perf_counter(), cpu_seconds()
    found = await verify(url, keys.public_keys, folder)
    result["verify_seconds"] = round(time.perf_counter() - begun, 2)
    result["verify_cpu_seconds"] = round(cpu_seconds() - worked, 2)
    result["verified"] = {"ok": found.ok, "rows": found.rows, "checkpoints_matched": found.checkpoints_matched}
    result["peak_mb_verified"] = peak_mb()
    result["peak_mb_of_a_helper"] = peak_mb(resource.RUSAGE_CHILDREN)

    log = await ConsentLog.open(url, keys, checkpoints=folder)
    begun, worked = time.perf_counter(), time.process_time()
    await write_export(log.export(), lambda piece: None, "jsonl", keys)
    result["export_seconds"] = round(time.perf_counter() - begun, 2)
    result["export_cpu_seconds"] = round(time.process_time() - worked, 2)
    result["peak_mb_exported"] = peak_mb()
    await log.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the consent log.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--store", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.store or f"sqlite:///{folder}/consent.db"
        json.dump(asyncio.run(measured(url, given.rows, Path(folder) / "checkpoints")), sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()

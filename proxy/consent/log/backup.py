"""Copy a whole log, from either store to a file of its own and back. One snapshot is read, one transaction written.

A backup is a SQLite log, whatever it was copied from: `log verify` checks it like any other, and restoring it into
PostgreSQL is how a log moves there. Rows, notices and boundaries keep every byte, so every hash still fits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from proxy.consent.log import store
from proxy.consent.log.opening import store_of
from proxy.consent.log.sqlite import SqliteStore
from proxy.consent.log.store import Session, Store

_NOTICE = ("hash", "media_type", "content", "kept")
_BOUNDARY = ("chain", "seq", "hash", "time", "key", "signature")


@dataclass(frozen=True, slots=True)
class Copied:
    """How much was copied."""

    rows: int
    chains: int
    notices: int

    def as_dict(self) -> dict[str, int]:
        return {"rows": self.rows, "chains": self.chains, "notices": self.notices}


async def back_up(url: str, target: Path) -> Copied:
    """Copy the log at `url` into the new file `target` (mode 0600) while proxies go on writing to it.

    The file appears under its name only once it is whole and on the disk. Raises FileExistsError, LogUnavailable,
    OSError and ValueError (bad URL).
    """
    if await asyncio.to_thread(target.exists):
        raise FileExistsError(f"{target}: is there already")
    partial = target.with_name(f".{target.name}.part")
    await asyncio.to_thread(_removed, partial)
    source, copy = store_of(url, read_only=True), SqliteStore(_url(partial))
    try:
        copied = await _copied(source, copy)
    except BaseException:
        await copy.close()
        await asyncio.to_thread(_removed, partial)
        raise
    finally:
        await source.close()
    await copy.close()
    await asyncio.to_thread(_published, partial, target)
    return copied


async def restore(source: Path, url: str) -> Copied:
    """Put a backup into the log at `url`, which must not hold a row yet.

    Raises LogUnavailable (either is out of reach) and ValueError (bad URL, or rows are there already).
    """
    origin, target = SqliteStore(_url(source), read_only=True), store_of(url)
    try:
        return await _copied(origin, target)
    finally:
        await origin.close()
        await target.close()


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    found = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


async def schema(url: str) -> int:
    """The number of the newest migration applied to the log at `url`. Raises LogUnavailable and ValueError."""
    database = store_of(url, read_only=True)
    table = "schema_version" if url.startswith("sqlite") else "consent_schema"
    try:
        async with database.reading() as session:
            found = await session.fetch(f"SELECT max(number) FROM {table}")  # noqa: S608  one of two constants
    finally:
        await database.close()
    return int(found[0][0] or 0)


async def _copied(source: Store, target: Store) -> Copied:
    rows = 0
    async with source.reading() as old, target.writing() as new:
        if held := await store.chains(new):
            raise ValueError(f"it holds the chains {', '.join(held)} already: restore into an empty log")
        chains = await store.chains(old)
        for chain in chains:
            async for page in store.records(old, chain):
                await store.insert(new, page)
                rows += len(page)
        notices = 0
        for (hash_,) in await old.fetch("SELECT hash FROM consent_notice ORDER BY hash"):
            await _insert(new, "consent_notice", _NOTICE, await _one(old, hash_))
            notices += 1
        boundaries = await old.fetch(f"SELECT {', '.join(_BOUNDARY)} FROM consent_boundary")  # noqa: S608  constants
        await _insert(new, "consent_boundary", _BOUNDARY, boundaries)
    return Copied(rows, len(chains), notices)


async def _one(session: Session, hash_: str) -> Sequence[Any]:
    return await session.fetch(f"SELECT {', '.join(_NOTICE)} FROM consent_notice WHERE hash = ?", (hash_,))  # noqa: S608


async def _insert(session: Session, table: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
    marks = ", ".join("?" * len(columns))
    await session.many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", [tuple(row) for row in rows])  # noqa: S608


def _url(path: Path) -> str:
    return f"sqlite:///{path.absolute()}"


def _removed(partial: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _published(partial: Path, target: Path) -> None:
    partial.chmod(0o600)
    handle = os.open(partial, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    partial.replace(target)
    folder = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

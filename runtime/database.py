"""Open a SQLite file and bring it to the newest schema. Every change of schema is a numbered script, applied once.

Scripts are numbered from 1 in the order given and recorded in the table `schema_version`; a script and its record
are one transaction. A file that a newer program has written is refused, never guessed at. Write-ahead logging keeps
readers and the one writer out of each other's way.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import aiosqlite

Synchronous = Literal["OFF", "NORMAL", "FULL", "EXTRA"]
"""NORMAL survives a killed process; FULL also a power cut, at one fsync per commit."""

_PREFIX = "sqlite:///"
_RECORD = """CREATE TABLE IF NOT EXISTS schema_version (
    number  INTEGER PRIMARY KEY,
    applied TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT"""


class DatabaseUnusableError(Exception):
    """A database that cannot be opened, or must not be: `where` names it, `reason` says why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def sqlite_path(url: str) -> str:
    """The path in `sqlite:///inventory.db` (relative) or `sqlite:////srv/inventory.db` (absolute).

    Raises ValueError for any other kind of URL and for one without a path.
    """
    if not url.startswith(_PREFIX) or url == _PREFIX:
        raise ValueError(f"{url!r}: write sqlite:///PATH")
    return url.removeprefix(_PREFIX)


async def open_database(
    url: str,
    migrations: Sequence[str],
    *,
    synchronous: Synchronous = "NORMAL",
    busy_timeout: float = 5.0,
    exclusive: bool = False,
) -> aiosqlite.Connection:
    """Open (or create) the file, apply the scripts it does not have yet, and hand the connection over.

    The connection is in autocommit mode: write `BEGIN IMMEDIATE` and `COMMIT` where several statements belong
    together. `busy_timeout` is in seconds. With `exclusive` no second process can open the file while this
    connection lives. Raises DatabaseUnusableError (corrupted, newer, locked, not writable) and ValueError (bad URL).
    """
    path = sqlite_path(url)
    try:
        if path != ":memory:":
            # Tried beforehand: a connection that fails to open leaves a thread of its own behind.
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).open("ab").close()  # noqa: ASYNC230  one system call, before anything else runs
        database = await aiosqlite.connect(path, timeout=busy_timeout, isolation_level=None)
    except (sqlite3.Error, OSError) as error:
        raise DatabaseUnusableError(path, _reason(error)) from error
    try:
        if exclusive:
            await database.execute("PRAGMA locking_mode=EXCLUSIVE")
        await _write_ahead(database, busy_timeout)
        await database.execute(f"PRAGMA synchronous={synchronous}")
        await database.execute("PRAGMA foreign_keys=ON")
        await _migrate(database, path, migrations)
    except (sqlite3.Error, OSError) as error:
        await database.close()
        raise DatabaseUnusableError(path, _reason(error)) from error
    except BaseException:
        await database.close()
        raise
    return database


@asynccontextmanager
async def transaction(database: aiosqlite.Connection) -> AsyncIterator[aiosqlite.Connection]:
    """One write transaction: all of it or nothing. The caller keeps other writers of the same connection out.

    A caller that is cancelled leaves no transaction open: what it has begun still runs on the connection's thread, and
    the rollback, which does nothing where nothing is open, stands behind it in the same queue. Cancelled during the
    last step, the transaction may have been committed.
    """
    try:
        await database.execute("BEGIN IMMEDIATE")
        yield database
        await database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            await database.rollback()
        raise


async def _write_ahead(database: aiosqlite.Connection, patience: float) -> None:
    """Switching the journal does not wait for other connections by itself, so it is asked again."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            await database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(0.01)
        else:
            return


async def _applied(database: aiosqlite.Connection, path: str, known: int) -> int:
    async with database.execute("SELECT coalesce(max(number), 0) FROM schema_version") as cursor:
        row = await cursor.fetchone()
    have = int(row[0]) if row else 0
    if have > known:
        raise DatabaseUnusableError(path, f"its schema is number {have}, this program knows {known}: use a newer one")
    return have


async def _migrate(database: aiosqlite.Connection, path: str, migrations: Sequence[str]) -> None:
    async with transaction(database):
        await database.execute(_RECORD)
        have = await _applied(database, path, len(migrations))
        for number, script in enumerate(migrations[have:], start=have + 1):
            for statement in statements(script):
                await database.execute(statement)
            await database.execute("INSERT INTO schema_version (number) VALUES (?)", (number,))


def statements(script: str) -> Iterator[str]:
    """Cut a script at the semicolons that end a statement (not those inside texts, comments or triggers)."""
    pending = ""
    for piece in script.split(";"):
        pending += piece
        if sqlite3.complete_statement(pending + ";"):
            if pending.strip():
                yield pending.strip()
            pending = ""
        else:
            pending += ";"
    if rest := pending.removesuffix(";").strip():
        yield rest


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, OSError):
        return error.strerror or text
    if "not a database" in text or "malformed" in text:
        return f"this is no SQLite database, or it is damaged ({text})"
    if "locked" in text:
        return "another process has it open and locked"
    if "unable to open" in text:
        return "cannot be opened: is the folder there and writable?"
    return text

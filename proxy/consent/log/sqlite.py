"""The log in one SQLite file: the default. WAL, `synchronous=FULL`; `BEGIN IMMEDIATE` orders all processes' writers.

Readers open the file read-only on a connection of their own and see one snapshot, so that a long export neither waits
for the writer nor holds him up.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite

from proxy.consent.log.store import LogUnavailable, Session, Value, migrations
from runtime.database import DatabaseUnusableError, open_database, sqlite_path, transaction

BUSY_SECONDS = 2.0
"""How long a writer waits for another process before the visitor is told that the log is down."""


class _SqliteSession:
    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    async def fetch(self, sql: str, parameters: Sequence[Value] = ()) -> Sequence[Any]:
        async with _translated(self._path):
            return list(await self._connection.execute_fetchall(sql, parameters))

    async def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        async with _translated(self._path):
            await self._connection.executemany(sql, rows)


class SqliteStore:
    """`sqlite:///consent.db`. Opened when first used, and again after a fault. Raises ValueError for a bad URL."""

    def __init__(self, url: str, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> None:
        self._url = url
        self._path = Path(sqlite_path(url))
        if str(self._path) == ":memory:":
            raise ValueError("a consent log in memory proves nothing: name a file")
        self._read_only = read_only
        self._busy_seconds = busy_seconds
        self._connection: aiosqlite.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<SqliteStore {self._path} {'open' if self._connection else 'closed'}>"

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Session]:
        async with self._lock, _translated(self._path):
            connection = await self._opened()
            try:
                async with transaction(connection):
                    yield _SqliteSession(connection, self._path)
            except (sqlite3.Error, LogUnavailable) as error:
                if "locked" not in str(error):
                    await self._dropped()
                raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        if not self._read_only:
            async with self._lock, _translated(self._path):
                await self._opened()
        async with _translated(self._path):
            if not self._path.is_file():
                raise LogUnavailable(f"{self._path}: no such file")
            where = f"file:{quote(str(self._path.absolute()))}?mode=ro"
            async with aiosqlite.connect(
                where, uri=True, timeout=self._busy_seconds, isolation_level=None
            ) as connection:
                await connection.execute("BEGIN")
                yield _SqliteSession(connection, self._path)
                await connection.execute("ROLLBACK")

    async def scrub(self) -> None:
        """The file itself is overwritten by `secure_delete`; older pages in the write-ahead log go here."""
        async with self._lock, _translated(self._path):
            connection = await self._opened()
            await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        async with self._lock:
            await self._dropped()

    async def _opened(self) -> aiosqlite.Connection:
        """The writer's connection. Rows written to a file that was removed or replaced under it would be lost."""
        if self._connection is not None:
            if self._file == _identity(self._path):
                return self._connection
            await self._dropped()
            raise LogUnavailable(f"{self._path}: the file was removed or replaced while it was open")
        connection = await open_database(
            self._url, migrations("sqlite"), synchronous="FULL", busy_timeout=self._busy_seconds
        )
        self._connection, self._file = connection, _identity(self._path)
        await connection.execute("PRAGMA secure_delete=ON")
        return connection

    async def _dropped(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                await connection.close()


@asynccontextmanager
async def _translated(path: Path) -> AsyncIterator[None]:
    """The database's own errors, once, at the border."""
    try:
        yield
    except DatabaseUnusableError as error:
        raise LogUnavailable(str(error)) from error
    except (sqlite3.Error, OSError) as error:
        raise LogUnavailable(f"{path}: {error}") from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""The log in PostgreSQL: `postgresql://user@host/database`, with the extra `[postgres]`. A lock orders all writers.

`synchronous_commit` is switched on for our sessions whatever the server's default; a server that runs with
`fsync = off` cannot promise durability, and that is logged at every start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import lru_cache
from typing import Any

import structlog

from proxy.consent.log.store import LogUnavailable, Session, Value, migrations

_LOCK = int.from_bytes(b"samtykke")
"""The advisory lock that every writer of a consent log in this database takes."""
_SETTINGS = {"application_name": "samtykke", "synchronous_commit": "on", "lock_timeout": "2000", "timezone": "UTC"}
_CONNECT_SECONDS, _COMMAND_SECONDS = 3.0, 60.0
_log = structlog.get_logger(__name__)


class _PostgresSession:
    def __init__(self, connection: Any, translated: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._connection = connection
        self._translated = translated

    async def fetch(self, sql: str, parameters: Sequence[Value] = ()) -> Sequence[Any]:
        async with self._translated():
            found: Sequence[Any] = await self._connection.fetch(_numbered(sql), *parameters)
        return found

    async def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        async with self._translated():
            await self._connection.executemany(_numbered(sql), rows)


class PostgresStore:
    """Connects when first used, and again after the connection was lost. Raises ValueError without asyncpg."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        try:
            import asyncpg  # type: ignore[import-untyped]  # it ships no annotations
        except ImportError:
            raise ValueError("a postgresql:// log needs asyncpg: install samtykke[postgres]") from None
        self._asyncpg = asyncpg
        self._url = url
        self._read_only = read_only
        self._pool: Any = None
        self._lock = asyncio.Lock()
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<PostgresStore {self._url.rpartition('@')[2]} {'open' if self._pool else 'closed'}>"

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Session]:
        async with self._lock, self._translated(), AsyncExitStack() as stack:
            connection = await self._begun(stack)
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield _PostgresSession(connection, self._translated)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        async with self._translated(), AsyncExitStack() as stack:
            connection = await self._begun(stack, isolation="repeatable_read", readonly=True)
            yield _PostgresSession(connection, self._translated)

    async def scrub(self) -> None:
        """Dead versions of rows go now instead of when autovacuum comes by. WAL archives and backups are beyond us."""
        async with self._translated(), AsyncExitStack() as stack:
            connection = await stack.enter_async_context((await self._opened()).acquire(timeout=_CONNECT_SECONDS))
            await connection.execute("VACUUM consent_entry")

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), _CONNECT_SECONDS)
        except (OSError, TimeoutError, self._asyncpg.PostgresError, self._asyncpg.InterfaceError):
            pool.terminate()

    async def _begun(self, stack: AsyncExitStack, **transaction: Any) -> Any:
        """A connection in a transaction that ends with the stack. One that died while idle is replaced, once."""
        pool = await self._opened()
        for last_try in (False, True):
            attempt = AsyncExitStack()
            try:
                connection = await attempt.enter_async_context(pool.acquire(timeout=_CONNECT_SECONDS))
                await attempt.enter_async_context(connection.transaction(**transaction))
            except (OSError, self._asyncpg.PostgresConnectionError, self._asyncpg.InterfaceError):
                await attempt.aclose()
                if last_try:
                    raise
            except BaseException:
                await attempt.aclose()
                raise
            else:
                stack.push_async_exit(attempt)
                return connection
        raise LogUnavailable("no connection")

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                pool = await self._asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=4,
                    timeout=_CONNECT_SECONDS,
                    command_timeout=_COMMAND_SECONDS,
                    server_settings=_SETTINGS,
                )
                try:
                    await self._prepared(pool)
                except BaseException:
                    pool.terminate()
                    raise
                self._pool = pool
            return self._pool

    async def _prepared(self, pool: Any) -> None:
        async with pool.acquire(timeout=_CONNECT_SECONDS) as connection:
            if self._read_only:
                return
            if await connection.fetchval("SHOW fsync") != "on":
                _log.warning("consent log not durable", because="the PostgreSQL server runs with fsync = off")
            await _migrate(connection, migrations("postgres"))

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (OSError, TimeoutError, self._asyncpg.PostgresError, self._asyncpg.InterfaceError) as error:
            reason = str(error) or type(error).__name__
            raise LogUnavailable(f"PostgreSQL at {self._url.rpartition('@')[2]}: {reason}") from error


async def _migrate(connection: Any, scripts: Sequence[str]) -> None:
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS consent_schema "
            "(number INTEGER PRIMARY KEY, applied TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        have = await connection.fetchval("SELECT coalesce(max(number), 0) FROM consent_schema")
        if have > len(scripts):
            raise LogUnavailable(f"its schema is number {have}, this program knows {len(scripts)}: use a newer one")
        for number, script in enumerate(scripts[have:], start=have + 1):
            await connection.execute(script)
            await connection.execute("INSERT INTO consent_schema (number) VALUES ($1)", number)


@lru_cache(maxsize=256)
def _numbered(sql: str) -> str:
    """`?` -> `$1`, `$2` ... None of our statements holds a question mark in a text."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{piece}" for number, piece in enumerate(rest, start=1))

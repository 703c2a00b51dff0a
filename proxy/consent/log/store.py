"""What the log asks of a database, and the statements it sends. Both stores get the same SQL, with `?` for parameters.

A *writing* session is one transaction: no other writer, in this process or another, can come between its reads and
its commit, and when it ends the commit is on the disk. A *reading* session is one snapshot. Rows are read in pages by
their place in the chain, so memory stays flat whatever the length of the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import resources
from typing import Any, Protocol

from proxy.consent.log.chain import COLUMNS, Head, Record

Value = str | int | bytes | None
PAGE = 300
"""Rows read at a time: so few that a page stays in the processor's cache while it is hashed."""


class LogUnavailable(Exception):  # noqa: N818  the state the caller meets, and the name the proxy's code uses
    """The log cannot take or give rows now: `reason` is for the operator. Nothing was acknowledged."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session(Protocol):
    """One transaction. Every method raises LogUnavailable when the database does not do as asked."""

    async def fetch(self, sql: str, parameters: Sequence[Value] = ()) -> Sequence[Any]: ...

    async def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None: ...


class Store(Protocol):
    """A database that holds consent logs."""

    def writing(self) -> AbstractAsyncContextManager[Session]: ...

    def reading(self) -> AbstractAsyncContextManager[Session]: ...

    async def scrub(self) -> None:
        """Overwrite what an update has left behind of the former values, as far as the database lets us."""

    async def close(self) -> None: ...


_ALL = ", ".join(COLUMNS)
_INSERT = f"INSERT INTO consent_entry ({_ALL}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  constants


def migrations(kind: str) -> list[str]:
    """The numbered scripts for "sqlite" or "postgres", in order."""
    folder = resources.files("proxy.consent.log") / "migrations"
    scripts = sorted(
        (each for each in folder.iterdir() if each.name.startswith(f"{kind}_")), key=lambda each: each.name
    )
    return [script.read_text(encoding="utf-8") for script in scripts]


async def chains(session: Session) -> list[str]:
    """The names of all chains. Hops from one to the next by the primary key instead of reading every row."""
    rows = await session.fetch(
        "WITH RECURSIVE found(chain) AS (SELECT min(chain) FROM consent_entry UNION ALL "
        "SELECT (SELECT min(entry.chain) FROM consent_entry entry WHERE entry.chain > found.chain) FROM found "
        "WHERE found.chain IS NOT NULL) SELECT chain FROM found WHERE chain IS NOT NULL ORDER BY chain"
    )
    return [row[0] for row in rows]


async def head(session: Session, chain: str) -> Head:
    """The newest row of a chain, else the boundary that pruning left, else the origin."""
    for sql in (
        "SELECT seq, hash, time FROM consent_entry WHERE chain = ? ORDER BY seq DESC LIMIT 1",
        "SELECT seq, hash, time FROM consent_boundary WHERE chain = ? ORDER BY seq DESC LIMIT 1",
    ):
        for seq, hash_, time in await session.fetch(sql, (chain,)):
            return Head(chain, seq, hash_, time)
    return Head(chain)


async def insert(session: Session, records: Iterable[Record]) -> None:
    await session.many(_INSERT, records)


async def records(
    session: Session, chain: str, first: int = 1, last: int = 2**62, *, size: int = PAGE
) -> AsyncIterator[Sequence[Record]]:
    """The records of one chain from `first` to `last`, in order, `size` at a time."""
    while True:
        page = await session.fetch(
            f"SELECT {_ALL} FROM consent_entry WHERE chain = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ?",  # noqa: S608
            (chain, first, last, size),
        )
        if page:
            yield page
        if len(page) < size:
            return
        first = page[-1][1] + 1


async def span(session: Session, chain: str, begin: str, end: str) -> tuple[int, int] | None:
    """First and last seq of the rows with begin <= time < end, None where there is no such row."""
    rows = await session.fetch(
        "SELECT min(seq), max(seq) FROM consent_entry WHERE chain = ? AND time >= ? AND time < ?", (chain, begin, end)
    )
    first, last = rows[0]
    return None if first is None else (first, last)


async def one(session: Session, chain: str, seq: int) -> Record | None:
    rows = await session.fetch(f"SELECT {_ALL} FROM consent_entry WHERE chain = ? AND seq = ?", (chain, seq))  # noqa: S608
    return rows[0] if rows else None


async def of_subject(session: Session, subject: str) -> list[Record]:
    """The rows that carry the id, and the `shown` rows that those answered, by time."""
    return list(
        await session.fetch(
            f"SELECT {_ALL} FROM consent_entry WHERE subject = ? UNION "  # noqa: S608
            f"SELECT {_ALL} FROM consent_entry WHERE event = 'shown' AND nonce IN "
            "(SELECT nonce FROM consent_entry WHERE subject = ? AND nonce IS NOT NULL) ORDER BY time, chain, seq",
            (subject, subject),
        )
    )


async def blank(session: Session, chain: str, seqs: Iterable[int]) -> None:
    """Destroy what identifies, and the salts that could prove a guess right."""
    await session.many(
        "UPDATE consent_entry SET path = NULL, subject = NULL, ip = NULL, agent = NULL, salt = NULL "
        "WHERE chain = ? AND seq = ?",
        [(chain, seq) for seq in seqs],
    )

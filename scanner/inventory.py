"""The store of what was seen: whole scans, and each thing's first and last sighting. Rebuildable; no evidence.

A scan is kept in parts (pages, cookies, requests ...), each compressed JSON, so that comparing two scans reads only
the few kilobytes that can differ. What was seen when is kept per site, mode and consent state, in plain columns that
any SQLite client can read. One writer, any number of readers.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiosqlite

from policies.observation import Scan
from runtime.database import open_database, sqlite_path, transaction
from scanner.changes import Essence, essence_of

MIGRATIONS = (
    """
    CREATE TABLE scan (
        id       INTEGER PRIMARY KEY,
        site     TEXT NOT NULL,               -- the start address
        host     TEXT NOT NULL,
        started  TEXT NOT NULL,               -- UTC, ISO 8601
        mode     TEXT NOT NULL,               -- browser, static
        consent  TEXT NOT NULL,               -- none, reject, accept or purposes
        pages    INTEGER NOT NULL,
        failed   INTEGER NOT NULL,            -- pages with an error
        cookies  INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX scan_by_host ON scan (host, started);
    CREATE TABLE part (                       -- one key of the scan JSON each, and `essence`
        scan INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
        name TEXT NOT NULL,
        body BLOB NOT NULL,                   -- zlib, UTF-8 JSON
        PRIMARY KEY (scan, name)
    ) STRICT;
    CREATE TABLE page (                       -- the newest visit of each page
        host       TEXT NOT NULL,
        url        TEXT NOT NULL,
        status     INTEGER,
        error      TEXT,
        title      TEXT NOT NULL,
        first_seen TEXT NOT NULL,
        last_seen  TEXT NOT NULL,
        last_scan  INTEGER NOT NULL,
        PRIMARY KEY (host, url)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE observation (
        host       TEXT NOT NULL,
        mode       TEXT NOT NULL,
        consent    TEXT NOT NULL,
        kind       TEXT NOT NULL,             -- cookie, storage, host, technique
        subject    TEXT NOT NULL,             -- canonical JSON array: what makes it this thing and no other
        name       TEXT NOT NULL,
        vendor     TEXT,
        purpose    TEXT,
        lifetime   INTEGER,                   -- seconds asked for; NULL is a session cookie or unknown
        first_seen TEXT NOT NULL,
        last_seen  TEXT NOT NULL,
        first_scan INTEGER NOT NULL,
        last_scan  INTEGER NOT NULL,
        PRIMARY KEY (host, mode, consent, kind, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE screenshot (
        scan  INTEGER NOT NULL REFERENCES scan ON DELETE CASCADE,
        page  TEXT NOT NULL,
        image BLOB NOT NULL,                  -- PNG, WebP or JPEG
        PRIMARY KEY (scan, page)
    ) STRICT;
    """,
)
_COLUMNS = "site, started, mode, consent, pages, failed, cookies"
_PARTS = ("pages", "cookies", "storage", "requests", "techniques", "banners", "policy_links")
"""A scan that was kept before there was such a part has none of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list of scans."""

    id: int
    site: str
    started: str
    mode: str
    consent: str
    pages: int
    failed: int
    cookies: int

    @property
    def reached(self) -> bool:
        """Did it reach a page? One that did not shows nothing of its site."""
        return self.failed < self.pages


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing with its first and last sighting (UTC, ISO 8601)."""

    kind: str
    subject: tuple[Any, ...]
    name: str
    vendor: str | None
    purpose: str | None
    lifetime: int | None
    first_seen: str
    last_seen: str


class Inventory:
    """Open with `Inventory.open(url)`, close always; or use as an async context manager."""

    def __init__(self, database: aiosqlite.Connection, url: str) -> None:
        self._database = database
        self._url = url
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, url: str) -> Inventory:
        """Open or create `sqlite:///PATH`. Raises DatabaseUnusableError, and ValueError for another kind of URL."""
        return cls(await open_database(url, MIGRATIONS), url)

    async def __aenter__(self) -> Inventory:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._database.close()

    def frontier_path(self, identity: str) -> str:
        """Where the queue of an unfinished scan is kept: beside the inventory."""
        return f"{sqlite_path(self._url)}.crawl-{identity}"

    async def save(self, scan: Scan, screenshots: Mapping[str, bytes] | None = None) -> int:
        """Keep a scan, whole or not at all; gives its id. `screenshots` by page."""
        host = host_of(scan.site)
        essence = essence_of(scan)
        document = scan.model_dump(mode="json", exclude={"requests": {"__all__": {"transfer"}}})
        parts = {name: document.get(name, ()) for name in _PARTS} | {"essence": essence.model_dump(mode="json")}
        bodies = [
            (name, zlib.compress(json.dumps(part, ensure_ascii=False).encode(), 3)) for name, part in parts.items()
        ]
        failed = sum(page.error is not None for page in scan.pages)
        stored = sum(cookie.state == "stored" for cookie in scan.cookies)
        async with self._writing, transaction(self._database) as write:
            cursor = await write.execute(
                f"INSERT INTO scan ({_COLUMNS}, host) VALUES (?,?,?,?,?,?,?,?)",  # noqa: S608  names from below
                (scan.site, scan.started, scan.mode, scan.consent, len(scan.pages), failed, stored, host),
            )
            number = int(cursor.lastrowid or 0)
            await write.executemany(
                "INSERT INTO part VALUES (?, ?, ?)", [(number, name, body) for name, body in bodies]
            )
            await write.executemany(
                """INSERT INTO page VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (host, url) DO UPDATE SET
                   status = excluded.status, error = excluded.error, title = excluded.title,
                   last_seen = excluded.last_seen, last_scan = excluded.last_scan""",
                [
                    (host, page.url, page.status, page.error, page.title, scan.started, scan.started, number)
                    for page in scan.pages
                ],
            )
            await write.executemany(
                """INSERT INTO observation VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)
                   ON CONFLICT (host, mode, consent, kind, subject) DO UPDATE SET vendor = excluded.vendor,
                   purpose = excluded.purpose, lifetime = excluded.lifetime, last_seen = excluded.last_seen,
                   last_scan = excluded.last_scan""",
                [
                    (
                        host, scan.mode, scan.consent, thing.kind, json.dumps(thing.subject, ensure_ascii=False),
                        thing.name, thing.vendor, thing.purpose, thing.lifetime,
                        scan.started, scan.started, number, number,
                    )
                    for thing in essence.things
                ],
            )  # fmt: skip
            await write.executemany(
                "INSERT INTO screenshot VALUES (?, ?, ?)",
                [(number, page, image) for page, image in sorted((screenshots or {}).items())],
            )
        return number

    async def scans(self, site: str | None = None) -> list[Entry]:
        """Every scan, the newest first; of one site where given: its address, or its host (then with any port)."""
        query = f"SELECT id, {_COLUMNS} FROM scan"  # noqa: S608  names from above
        values: tuple[str, ...] = ()
        if site is not None:
            host = host_of(site)
            query += " WHERE host = ? OR (host LIKE ? ESCAPE '!')"
            values = (host, f"{_literal(host)}:%" if "://" not in site else _literal(host))
        async with self._database.execute(f"{query} ORDER BY started DESC, id DESC", values) as cursor:
            return [Entry(*row) for row in await cursor.fetchall()]

    async def load(self, number: int) -> Scan:
        """One scan. Raises LookupError where there is none of this id."""
        entry = await self._entry(number)
        parts: dict[str, Any] = {name: await self._part(number, name) for name in _PARTS}
        return Scan.model_validate(
            {"site": entry.site, "started": entry.started, "mode": entry.mode, "consent": entry.consent, **parts}
        )

    async def newest(
        self, site: str | None = None, *, mode: str | None = None, consent: str | None = None, before: int | None = None
    ) -> Scan | None:
        """The newest scan that reached a page (of a site, mode, consent state; older than scan `before`), or None."""
        number = await self.newest_id(site, mode=mode, consent=consent, before=before)
        return None if number is None else await self.load(number)

    async def newest_id(
        self, site: str | None = None, *, mode: str | None = None, consent: str | None = None, before: int | None = None
    ) -> int | None:
        for entry in await self.scans(site):
            if (
                entry.reached
                and (mode is None or entry.mode == mode)
                and (consent is None or entry.consent == consent)
                and (before is None or entry.id < before)
            ):
                return entry.id
        return None

    async def essence(self, number: int) -> Essence:
        """What a comparison needs of one scan. Raises LookupError."""
        await self._entry(number)
        return Essence.model_validate(await self._part(number, "essence"))

    async def screenshots(self, number: int) -> dict[str, bytes]:
        """Pictures of one scan, by page."""
        async with self._database.execute(
            "SELECT page, image FROM screenshot WHERE scan = ? ORDER BY page", (number,)
        ) as cursor:
            return {str(row[0]): bytes(row[1]) for row in await cursor.fetchall()}

    async def sightings(self, site: str, *, mode: str = "browser", consent: str = "none") -> list[Sighting]:
        """Everything ever seen on a site in this mode and consent state, with first and last sighting."""
        async with self._database.execute(
            """SELECT kind, subject, name, vendor, purpose, lifetime, first_seen, last_seen FROM observation
               WHERE host = ? AND mode = ? AND consent = ? ORDER BY kind, name, subject""",
            (host_of(site), mode, consent),
        ) as cursor:
            return [Sighting(row[0], tuple(json.loads(row[1])), *row[2:]) for row in await cursor.fetchall()]

    async def _entry(self, number: int) -> Entry:
        async with self._database.execute(
            f"SELECT id, {_COLUMNS} FROM scan WHERE id = ?",  # noqa: S608  names from above
            (number,),
        ) as cursor:
            row = await cursor.fetchone()
        if row is None:
            raise LookupError(f"there is no scan {number}")
        return Entry(*row)

    async def _part(self, number: int, name: str) -> Any:
        async with self._database.execute(
            "SELECT body FROM part WHERE scan = ? AND name = ?", (number, name)
        ) as cursor:
            row = await cursor.fetchone()
        return json.loads(zlib.decompress(row[0])) if row else []


def host_of(site: str) -> str:
    """Host (and port) of a site's address, lower case; a bare host is itself."""
    parts = urlsplit(site if "://" in site else f"//{site}")
    return parts.netloc.rpartition("@")[2].lower()


def _literal(text: str) -> str:
    """For LIKE, with `!` as the escape."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")

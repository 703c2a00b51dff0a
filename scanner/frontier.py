"""The queue of pages, in a SQLite file of its own. A page is taken, visited and kept in one transaction, or not at all.

After `kill -9` the file says what was done; what was only taken is queued again, so nothing is lost and nothing
counted twice. Pages are visited level by level (start page, its links, their links), and the links of a level are
queued in the order of the pages they stand on: which pages a budget reaches does not depend on who answered first.
Memory stays flat: addresses live in the file, not in sets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import aiosqlite

from runtime.database import open_database, transaction
from scanner.links import belongs, family, normalise, template
from scanner.visit import PageSeen

MIGRATIONS = (
    """
    CREATE TABLE crawl (
        identity TEXT NOT NULL,               -- ScanSettings.identity()
        started  TEXT NOT NULL                -- UTC, ISO 8601
    ) STRICT;
    CREATE TABLE page (
        id         INTEGER PRIMARY KEY,       -- the order of queueing
        url        TEXT NOT NULL UNIQUE,
        depth      INTEGER NOT NULL,          -- links from the start page
        state      TEXT NOT NULL,             -- queued, taken, done; known: the same page by another address
        attempts   INTEGER NOT NULL DEFAULT 0,
        result     TEXT,                      -- PageSeen as JSON, once done
        screenshot BLOB
    ) STRICT;
    CREATE INDEX page_by_state ON page (state, depth, id);
    CREATE TABLE link (
        page     INTEGER NOT NULL,            -- page.id; a sitemap's addresses stand under the start page
        position INTEGER NOT NULL,
        url      TEXT NOT NULL,
        known    INTEGER NOT NULL DEFAULT 0,  -- 1: not to visit, the page itself by another address
        PRIMARY KEY (page, position, url)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE template (
        name  TEXT PRIMARY KEY,
        count INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE page ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;  -- pages worth more are visited first
    """,
)
SITEMAP_POSITION = 1_000_000
"""A sitemap's addresses come after the start page's own links."""
FAMILY_FACTOR = 4
"""How many times `samples` pages of one path may differ in which parameters they have."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """A page to visit now."""

    id: int
    url: str
    depth: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Counts:
    done: int
    queued: int
    taken: int


class Frontier:
    """One crawl's queue. Open with `open`, close always; only one process can have it open."""

    def __init__(self, database: aiosqlite.Connection, *, samples: int) -> None:
        self._database = database
        self._samples = samples
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, samples: int) -> Frontier:
        """Open or create. Raises DatabaseUnusableError where another scan has it or the file is damaged."""
        return cls(await open_database(url, MIGRATIONS, exclusive=True, busy_timeout=0.5), samples=samples)

    async def close(self) -> None:
        await self._database.close()

    async def begin(self, identity: str, start: str, now: str, *, stale: str = "") -> tuple[str, bool]:
        """Take up the crawl of this identity, or start anew where there is none or it began before `stale`.

        Gives when it began (as `now`: UTC, ISO 8601) and whether it goes on.
        """
        row = await self._one("SELECT identity, started FROM crawl")
        if row is not None and row[0] == identity and str(row[1]) >= stale:
            await self._database.execute("UPDATE page SET state = 'queued' WHERE state = 'taken'")
            return str(row[1]), True
        async with self._writing, transaction(self._database) as write:
            for table in ("crawl", "page", "link", "template"):
                await write.execute(f"DELETE FROM {table}")  # noqa: S608  names from the line above
            await write.execute("INSERT INTO crawl VALUES (?, ?)", (identity, now))
            await write.execute("INSERT INTO page (id, url, depth, state) VALUES (1, ?, 0, 'queued')", (start,))
        return now, False

    async def take(self, *, depth: int, budget: int) -> Taken | None:
        """The next page of this level, or None where there is none or `budget` pages are done or under way."""
        async with self._writing:
            row = await self._one(
                """UPDATE page SET state = 'taken', attempts = attempts + 1
               WHERE id = (SELECT id FROM page WHERE state = 'queued' AND depth = ? ORDER BY weight DESC, id LIMIT 1)
                 AND (SELECT count(*) FROM page WHERE state IN ('done', 'taken')) < ?
               RETURNING id, url, depth, attempts""",
                (depth, budget),
            )
        return None if row is None else Taken(int(row[0]), str(row[1]), int(row[2]), int(row[3]))

    async def waiting(self, depth: int, most: int) -> list[str]:
        """The pages of this level that wait, as they were queued; empty where they have been weighed already."""
        async with self._database.execute(
            """SELECT url FROM page WHERE state = 'queued' AND depth = ?
               AND NOT EXISTS (SELECT 1 FROM page WHERE depth = ? AND weight > 0) ORDER BY id LIMIT ?""",
            (depth, depth, most),
        ) as cursor:
            return [str(row[0]) for row in await cursor.fetchall()]

    async def prefer(self, urls: Sequence[str]) -> None:
        """Have these visited before the others of their level, in this order."""
        rows = [(len(urls) - place, url) for place, url in enumerate(urls)]
        async with self._writing, transaction(self._database) as write:
            await write.executemany("UPDATE page SET weight = ? WHERE url = ? AND state = 'queued'", rows)

    async def skip(self, page: Taken) -> None:
        """It is not to be visited after all, and no page of the scan."""
        await self._database.execute("UPDATE page SET state = 'known' WHERE id = ?", (page.id,))

    async def keep(
        self,
        page: Taken,
        result: PageSeen,
        *,
        links: Iterable[str] = (),
        same: Iterable[str] = (),
        screenshot: bytes | None = None,
    ) -> None:
        """The visit is over. `links` are to be judged and queued with this level's end, `same` are other addresses
        of this very page (where it redirected to, its canonical one)."""
        known = {url for url in same if url != page.url}
        rows = [(page.id, -1, url, 1) for url in sorted(known)]
        rows += [(page.id, position, url, 0) for position, url in enumerate(dict.fromkeys(links))]
        body = result.model_dump_json(exclude_defaults=True)
        async with self._writing, transaction(self._database) as write:
            await write.executemany("INSERT OR IGNORE INTO link VALUES (?, ?, ?, ?)", rows)
            await write.execute(
                "UPDATE page SET state = 'done', result = ?, screenshot = ? WHERE id = ?", (body, screenshot, page.id)
            )

    async def add_sitemap(self, urls: Iterable[str]) -> None:
        """Queue what a sitemap lists, with the links of the start page. Doing it twice changes nothing."""
        rows = [(SITEMAP_POSITION, url) for url in urls]
        async with self._writing, transaction(self._database) as write:
            await write.executemany("INSERT OR IGNORE INTO link VALUES (1, ?, ?, 0)", rows)

    async def next_level(self, depth: int, start: str) -> int:
        """Turn the links found on this level into the pages of the next; gives how many. Safe to repeat."""
        added, last = 0, (-1, -2, "")
        async with self._writing, transaction(self._database) as write:
            await write.execute(
                """INSERT OR IGNORE INTO page (url, depth, state)
                   SELECT DISTINCT url, ?, 'known' FROM link WHERE known ORDER BY url""",
                (depth,),
            )
            while batch := await self._links_after(last):
                last = batch[-1]
                added += await self._queue([url for _, _, url in batch], depth + 1, start)
            await write.execute("DELETE FROM link")
        return added

    async def _links_after(self, last: tuple[int, int, str]) -> list[tuple[int, int, str]]:
        async with self._database.execute(
            """SELECT page, position, url FROM link WHERE NOT known AND (page, position, url) > (?, ?, ?)
               ORDER BY page, position, url LIMIT ?""",
            (*last, _BATCH),
        ) as cursor:
            return [(int(row[0]), int(row[1]), str(row[2])) for row in await cursor.fetchall()]

    async def _queue(self, found: Iterable[str], depth: int, start: str) -> int:
        urls = dict.fromkeys(url for link in found if (url := normalise(link)) and belongs(url, start))
        known = await self._known("SELECT url, 0 FROM page WHERE url", urls)
        wanted = [(url, self._limits(url)) for url in urls if url not in known]
        counts = await self._known(
            "SELECT name, count FROM template WHERE name", (name for _, limits in wanted for name, _ in limits)
        )
        chosen = sample(wanted, counts)
        await self._database.executemany(
            "INSERT INTO page (url, depth, state) VALUES (?, ?, 'queued')", [(url, depth) for url in chosen]
        )
        await self._database.executemany(
            "INSERT INTO template VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = excluded.count",
            list(counts.items()),
        )
        return len(chosen)

    def _limits(self, url: str) -> list[tuple[str, int]]:
        """What this address is one of, and how many of those are visited; nothing for a page with a name of its own."""
        shape, wide = template(url), family(url)
        limits = [] if shape == url.partition("://")[2] else [(shape, self._samples)]
        return limits if wide is None else [*limits, (wide, self._samples * FAMILY_FACTOR)]

    async def _known(self, query: str, values: Iterable[str]) -> dict[str, int]:
        names = list(values)
        marks = ",".join("?" * len(names))
        async with self._database.execute(f"{query} IN ({marks})", names) as cursor:
            return {str(row[0]): int(row[1]) for row in await cursor.fetchall()}

    async def level(self) -> int | None:
        """The shallowest level with pages waiting; None where there are none."""
        row = await self._one("SELECT min(depth) FROM page WHERE state = 'queued'")
        return None if row is None or row[0] is None else int(row[0])

    async def deepest(self) -> int:
        """The deepest level whose pages were queued."""
        row = await self._one("SELECT max(depth) FROM page WHERE state != 'known'")
        return 0 if row is None or row[0] is None else int(row[0])

    async def home(self) -> str | None:
        """Where the start page ended; None where it has not been visited or failed."""
        row = await self._one("SELECT result FROM page WHERE id = 1 AND state = 'done'")
        return None if row is None else PageSeen.model_validate_json(row[0]).page.final_url

    async def counts(self) -> Counts:
        async with self._database.execute("SELECT state, count(*) FROM page GROUP BY state") as cursor:
            found = {str(row[0]): int(row[1]) for row in await cursor.fetchall()}
        return Counts(found.get("done", 0), found.get("queued", 0), found.get("taken", 0))

    async def results(self) -> AsyncIterator[tuple[PageSeen, bytes | None]]:
        """Everything that was kept, in the order of queueing."""
        async with self._database.execute(
            "SELECT result, screenshot FROM page WHERE state = 'done' ORDER BY id"
        ) as cursor:
            async for row in cursor:
                yield PageSeen.model_validate_json(row[0]), row[1]

    async def _one(self, query: str, values: Iterable[object] = ()) -> aiosqlite.Row | None:
        async with self._database.execute(query, tuple(values)) as cursor:
            return await cursor.fetchone()


def sample(wanted: Iterable[tuple[str, list[tuple[str, int]]]], counts: dict[str, int]) -> list[str]:
    """The addresses whose templates are not full yet, in order; `counts` is kept up to date. Pure."""
    chosen = []
    for url, limits in wanted:
        if any(counts.get(name, 0) >= limit for name, limit in limits):
            continue
        for name, _ in limits:
            counts[name] = counts.get(name, 0) + 1
        chosen.append(url)
    return chosen

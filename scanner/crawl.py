"""The conductor of one scan: frontier -> visit -> frontier, level by level, then everything to one Scan.

What a page does wrong is one row with a reason; the scan goes on. A killed scan is taken up by the next run with the
same settings. The result does not depend on how many pages were visited at the same time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver

from policies.attribution import attribute
from policies.catalogue import Catalogue
from policies.observation import PageVisit, Scan
from runtime.database import DatabaseUnusableError
from scanner.addresses import addresses_for, resolver_for
from scanner.aliases import Aliases
from scanner.browse import Launch, browser_visitor
from scanner.browser.settings import find_chromium
from scanner.choice import Chosen, NotOursError, choose
from scanner.fetch import Fetcher, Terms
from scanner.frontier import Frontier, Taken
from scanner.inventory import Inventory
from scanner.links import twin
from scanner.merge import Union
from scanner.pace import Pace, backoff
from scanner.robots import ANYTHING, MAX_BYTES, Robots, read_robots, robots_url
from scanner.scout import FACTOR, MOST, Trait, traits, worth
from scanner.settings import ScanSettings
from scanner.sitemap import MAX_BYTES as SITEMAP_BYTES
from scanner.sitemap import MAX_FILES, read_sitemap
from scanner.static import StaticVisitor
from scanner.visit import PageSeen, Seen, Visitor

STALE = timedelta(hours=24)
"""An unfinished scan older than this is begun anew: a site of yesterday and one of today make no inventory."""
SITEMAP_FACTOR = 50
"""A sitemap is read no further than this many times the pages asked for."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the scan is. `url` and `outcome` tell of the page just finished, `note` of anything else worth saying."""

    done: int
    queued: int
    failed: int
    url: str = ""
    outcome: str = ""
    note: str = ""

    def __str__(self) -> str:
        return f"{self.done} done, {self.queued} queued, {self.failed} failed"


Report = Callable[[Progress], None]


async def scan(
    settings: ScanSettings,
    catalogue: Catalogue,
    *,
    progress: Report | None = None,
    inventory: Inventory | None = None,
    now: Callable[[], datetime],
    resolver: AbstractResolver | None = None,
    launch: Launch | None = None,
    find: Callable[[], str | None] = find_chromium,
    aliases: Aliases | None = None,
) -> Scan:
    """Scan one site and, with an inventory, keep it there unless it shows nothing (`failure`). `now` has its zone.

    `resolver` answers for names (default: the system's), `aliases` follows them through DNS (default: the system's
    servers), `launch` starts the browser (default: Chromium), `find` says where one is installed. Without a browser
    the scan is made statically, which `mode` of the result says. Raises ChoiceError where a consent state could not be
    reached, DatabaseUnusableError where another process is scanning the same, OSError where the browser does not start.
    """
    report = progress or (lambda _: None)
    if settings.mode == "browser" and launch is None and settings.chromium is None and find() is None:
        report(Progress(0, 0, 0, note="No Chromium found: scanning headers and HTML only (static mode)."))
        settings = settings.model_copy(update={"mode": "static"})
    names = resolver_for(settings, resolver)
    try:
        return await _scan(settings, catalogue, report, inventory, now, names, launch, aliases)
    except sqlite3.Error as error:
        raise DatabaseUnusableError("the store of this scan", str(error)) from error


async def _scan(
    settings: ScanSettings,
    catalogue: Catalogue,
    report: Report,
    inventory: Inventory | None,
    now: Callable[[], datetime],
    names: AbstractResolver,
    launch: Launch | None,
    aliases: Aliases | None,
) -> Scan:
    addresses = await addresses_for(settings, names)
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(Fetcher(settings, addresses, names))
        chosen: Chosen | None = Chosen()
        if settings.consent != "none":
            terms = Terms(settings.page_seconds, settings.page_bytes, settings.max_redirects)
            try:
                chosen = await choose(settings.consent, settings.url, fetcher, terms, lambda: now().timestamp())
            except NotOursError:
                if settings.mode == "static":
                    raise
                chosen = None
        visitor: Visitor
        if settings.mode == "browser":
            if aliases is None:
                aliases = Aliases()
                stack.push_async_callback(aliases.close)
            visitor = browser = await browser_visitor(settings, addresses, names, chosen or Chosen(), launch, aliases)
            stack.push_async_callback(visitor.close)
            if chosen is None:
                await browser.choose(settings.consent, catalogue)
        else:
            visitor = StaticVisitor(settings, catalogue, fetcher, now=now, cookie=(chosen or Chosen()).header() or None)
            stack.push_async_callback(visitor.close)
        frontier, path = await stack.enter_async_context(_frontier(settings, inventory))
        scout = StaticVisitor(settings, catalogue, fetcher, now=now) if settings.mode == "browser" else None
        crawl = Crawl(settings, frontier, visitor, fetcher, report, scout=scout)
        stack.push_async_callback(crawl.close)
        started = await crawl.run(now().astimezone(UTC))
        union, screenshots = Union(), {}
        async for seen, picture in frontier.results():
            union.add(seen)
            if picture is not None:
                screenshots[seen.page.url] = picture
        result = labelled(union.scan(settings.url, started, settings.mode, settings.consent), catalogue)
        if inventory is not None and failure(result) is None:
            await inventory.save(result, screenshots)
    for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        leftover.unlink(missing_ok=True)
    return result


def failure(found: Scan) -> str | None:
    """Why a scan shows nothing of its site: no page was reached, or error pages alone. None where it shows something.

    The site has not lost its trackers then: such a scan must not stand as the newest.
    """
    if not found.pages:
        return "no page was visited in the time given"
    if all(page.error is not None for page in found.pages):
        return found.pages[0].error
    reached = [page for page in found.pages if page.error is None]
    if all((page.status or 0) >= 400 for page in reached):
        return f"the site answers {reached[0].status} and nothing else"
    return None


def labelled(found: Scan, catalogue: Catalogue) -> Scan:
    """Vendors and purposes filled in; what is only expected keeps the reason for which it is expected."""
    exact = found.model_copy(
        update={
            "cookies": tuple(c.model_copy(update={"name": c.example or c.name}) for c in found.cookies),
            "storage": tuple(k.model_copy(update={"key": k.example or k.key}) for k in found.storage),
        }
    )
    known = attribute(exact, catalogue)
    cookies = tuple(
        before if before.state == "expected" else after.model_copy(update={"name": before.name})
        for before, after in zip(found.cookies, known.cookies, strict=True)
    )
    storage = tuple(
        after.model_copy(update={"key": before.key}) for before, after in zip(found.storage, known.storage, strict=True)
    )
    return known.model_copy(update={"cookies": cookies, "storage": storage})


@asynccontextmanager
async def _frontier(settings: ScanSettings, inventory: Inventory | None) -> AsyncIterator[tuple[Frontier, Path]]:
    with tempfile.TemporaryDirectory(prefix="samtykke-") as folder:
        identity = settings.identity()
        path = Path(inventory.frontier_path(identity) if inventory else f"{folder}/frontier.db")
        frontier = await Frontier.open(f"sqlite:///{path}", samples=settings.samples)
        try:
            yield frontier, path
        finally:
            await frontier.close()


class Crawl:
    """One run over one frontier."""

    def __init__(
        self,
        settings: ScanSettings,
        frontier: Frontier,
        visitor: Visitor,
        fetcher: Fetcher,
        report: Report,
        *,
        scout: Visitor | None = None,
    ) -> None:
        """`scout` looks at pages fast, to tell which to visit where the budget does not suffice for all."""
        self._settings = settings
        self._frontier = frontier
        self._visitor = visitor
        self._fetcher = fetcher
        self._scout = scout
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(self._loop.time, asyncio.sleep)
        self._robots: dict[str, asyncio.Task[Robots]] = {}
        self._deadline = self._loop.time() + settings.max_seconds if settings.max_seconds else float("inf")
        self._failed = 0

    async def close(self) -> None:
        """Leave nothing running."""
        for task in self._robots.values():
            task.cancel()
        await asyncio.gather(*self._robots.values(), return_exceptions=True)

    async def run(self, now: datetime) -> str:
        """Visit until nothing is left or a budget is spent; gives when the scan began (UTC, ISO 8601)."""
        settings = self._settings
        started, goes_on = await self._frontier.begin(
            settings.identity(), settings.url, stamp(now), stale=stamp(now - STALE)
        )
        if goes_on:
            await self._say(note=f"Going on with the scan begun at {started}.")
        while not await self._spent():
            depth = await self._frontier.level()
            if depth is not None:
                await self._look_ahead(depth)
                await self._visit_level(depth)
                continue
            deepest = await self._frontier.deepest()
            if deepest >= settings.depth:
                break
            home = await self._frontier.home() or settings.url
            if deepest == 0 and settings.sitemaps:
                await self._read_sitemaps(home)
            if not await self._frontier.next_level(deepest, home):
                break
        return started

    async def _spent(self) -> bool:
        if self._loop.time() >= self._deadline:
            await self._say(note=f"The time for this scan ({self._settings.max_seconds:g} s) is over.")
            return True
        return (await self._frontier.counts()).done >= self._settings.max_pages

    async def _look_ahead(self, depth: int) -> None:
        """Where more pages wait than may be visited, have those visited first that bring something new."""
        counts = await self._frontier.counts()
        room = self._settings.max_pages - counts.done
        if self._scout is None or depth == 0 or counts.queued <= room:
            return
        waiting = await self._frontier.waiting(depth, min(MOST, room * FACTOR))
        seen = dict.fromkeys(waiting, frozenset[Trait]())
        at_once = asyncio.Semaphore(self._settings.concurrency * 2)

        async def look(url: str, scout: Visitor) -> None:
            async with at_once:
                robots = await self._robots_for(url)
                if self._loop.time() < self._deadline and robots.refusal(url) is None:
                    await self._pace.turn(urlsplit(url).hostname or "", max(robots.delay, self._settings.delay))
                    seen[url] = traits(await scout.visit(url))

        await asyncio.gather(*(look(url, self._scout) for url in waiting))
        await self._frontier.prefer(worth(seen))

    async def _visit_level(self, depth: int) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.concurrency):
                    group.create_task(self._work(depth))
        except ExceptionGroup as group_of_errors:
            raise group_of_errors.exceptions[0] from None

    async def _work(self, depth: int) -> None:
        while self._loop.time() < self._deadline:
            page = await self._frontier.take(depth=depth, budget=self._settings.max_pages)
            if page is None:
                return
            await self._handle(page)

    async def _handle(self, page: Taken) -> None:
        robots = await self._robots_for(page.url)
        if refusal := robots.refusal(page.url):
            if page.depth:
                await self._frontier.skip(page)
                return
            seen = failed(page.url, refusal)
        elif page.attempts > self._settings.attempts:
            seen = failed(page.url, f"given up: the scan ended {page.attempts - 1} times during this page")
        else:
            seen = await self._visit(page.url, robots.delay)
        final = seen.result.page.final_url
        same = [url for url in (final, twin(final or page.url, seen.canonical)) if url]
        await self._frontier.keep(
            page, seen.result, links=seen.links, same=same, screenshot=seen.screenshot
        )  # fmt: skip
        visit = seen.result.page
        self._failed += visit.error is not None
        await self._say(url=page.url, outcome=visit.error or str(visit.status or ""))

    async def _visit(self, url: str, delay: float) -> Seen:
        """Visit, and again after a while where it failed for the moment."""
        host = urlsplit(url).hostname or ""
        attempt = 0
        while True:
            attempt += 1
            await self._pace.turn(host, max(delay, self._settings.delay))
            seen = await self._visitor.visit(url)
            wait = seen.retry_after if seen.retry_after is not None else backoff(attempt)
            if (
                not seen.for_the_moment
                or attempt >= self._settings.attempts
                or self._loop.time() + wait >= self._deadline
            ):
                return seen
            self._pace.pause(host, seen.retry_after or 0.0)
            await asyncio.sleep(wait)

    async def _robots_for(self, url: str) -> Robots:
        if self._settings.ignore_robots:
            return ANYTHING
        where = robots_url(url)
        if where not in self._robots:
            self._robots[where] = asyncio.create_task(self._fetch_robots(where))
        return await asyncio.shield(self._robots[where])

    async def _fetch_robots(self, where: str) -> Robots:
        found = await self._fetcher.get(where, Terms(self._settings.page_seconds, MAX_BYTES, redirects=5))
        status = found.last.status if found.last and found.error is None else None
        return read_robots(status, found.body)

    async def _read_sitemaps(self, home: str) -> None:
        """Queue what the site's sitemaps list, in the order in which they list it."""
        own = f"{urlsplit(home).scheme}://{urlsplit(home).netloc}/sitemap.xml"
        robots = await self._robots_for(home)
        waiting = list(dict.fromkeys((*robots.sitemaps, own)))
        terms = Terms(self._settings.page_seconds, SITEMAP_BYTES, redirects=5)
        read: set[str] = set()
        listed = 0
        while waiting and len(read) < MAX_FILES and listed < self._settings.max_pages * SITEMAP_FACTOR:
            url = waiting.pop(0)
            if url in read:
                continue
            read.add(url)
            found = await self._fetcher.get(url, terms)
            if found.error or found.last is None or found.last.status != 200:
                continue
            sitemap = await asyncio.to_thread(read_sitemap, found.body)
            listed += len(sitemap.pages)
            await self._frontier.add_sitemap(sitemap.pages)
            waiting += sitemap.sitemaps

    async def _say(self, *, url: str = "", outcome: str = "", note: str = "") -> None:
        counts = await self._frontier.counts()
        self._report(Progress(counts.done, counts.queued + counts.taken, self._failed, url, outcome, note))


def failed(url: str, reason: str) -> Seen:
    """The row of a page that was not visited."""
    return Seen(PageSeen(page=PageVisit(url=url, error=reason)))


def stamp(moment: datetime) -> str:
    """UTC, ISO 8601, whole seconds: 2026-11-20T10:00:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

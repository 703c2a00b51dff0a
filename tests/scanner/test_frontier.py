"""The queue: nothing lost, nothing doubled, the same pages whatever answers first."""

import time

import pytest

from policies.observation import PageVisit
from runtime.database import DatabaseUnusableError
from scanner.frontier import Frontier
from scanner.visit import PageSeen

START = "http://s.example/"


def seen(url, **visit):
    return PageSeen(page=PageVisit(url=url, status=200, **visit))


@pytest.fixture
async def frontier(tmp_path):
    opened = await Frontier.open(f"sqlite:///{tmp_path / 'f.db'}", samples=3)
    await opened.begin("id", START, "2026-01-01T00:00:00Z")
    yield opened
    await opened.close()


async def all_of(frontier, depth, budget=1000):
    found = []
    while page := await frontier.take(depth=depth, budget=budget):
        found.append(page.url)
        await frontier.keep(page, seen(page.url))
    return found


async def start_with(frontier, links, **more):
    page = await frontier.take(depth=0, budget=1000)
    await frontier.keep(page, seen(page.url), links=links, **more)
    return await frontier.next_level(0, START)


async def test_links_become_the_next_level_in_their_order_once_each(frontier):
    added = await start_with(
        frontier, ["http://s.example/b", "http://s.example/a", "http://s.example/b#x", START, "http://t.example/"]
    )
    assert added == 2
    assert await all_of(frontier, 1) == ["http://s.example/b", "http://s.example/a"]
    assert await frontier.level() is None
    assert (await frontier.counts()).done == 3


async def test_a_calendar_is_sampled(frontier):
    await start_with(frontier, [f"http://s.example/cal/{year}/{month}" for year in range(99) for month in range(12)])
    assert len(await all_of(frontier, 1)) == 3


async def test_parameters_without_end_are_sampled(frontier):
    await start_with(frontier, [f"http://s.example/list?p{n}=1" for n in "abcdefghijklmnopqrstuvwxyz"])
    assert len(await all_of(frontier, 1)) == 12


async def test_pages_with_names_of_their_own_are_all_visited(frontier):
    names = [f"http://s.example/{name}" for name in "abcdefghijkl"]
    await start_with(frontier, names)
    assert await all_of(frontier, 1) == names


async def test_the_budget_holds_whatever_is_under_way(frontier):
    await start_with(frontier, [f"http://s.example/{name}" for name in "abcdefgh"])
    first = await frontier.take(depth=1, budget=3)
    second = await frontier.take(depth=1, budget=3)
    assert await frontier.take(depth=1, budget=3) is None
    await frontier.keep(first, seen(first.url))
    assert await frontier.take(depth=1, budget=3) is None
    assert second is not None


async def test_a_page_known_by_another_address_is_not_visited_again(frontier):
    await start_with(frontier, ["http://s.example/home", "http://s.example/x"], same=["http://s.example/home"])
    assert await all_of(frontier, 1) == ["http://s.example/x"]


async def test_a_sitemap_comes_after_the_start_pages_own_links(frontier):
    page = await frontier.take(depth=0, budget=9)
    await frontier.keep(page, seen(page.url), links=["http://s.example/link"])
    await frontier.add_sitemap(["http://s.example/zebra", "http://s.example/ant"])
    await frontier.add_sitemap(["http://s.example/zebra", "http://s.example/ant"])
    await frontier.next_level(0, START)
    assert await all_of(frontier, 1) == ["http://s.example/link", "http://s.example/ant", "http://s.example/zebra"]


async def test_what_was_only_taken_is_queued_again_and_what_was_done_is_not(tmp_path):
    url = f"sqlite:///{tmp_path / 'f.db'}"
    first = await Frontier.open(url, samples=3)
    await first.begin("id", START, "2026-01-01T00:00:00Z")
    await start_with(first, ["http://s.example/a", "http://s.example/b"])
    done = await first.take(depth=1, budget=9)
    await first.keep(done, seen(done.url), screenshot=b"picture")
    await first.take(depth=1, budget=9)
    await first.close()

    second = await Frontier.open(url, samples=3)
    assert await second.begin("id", START, "2026-01-02T00:00:00Z") == ("2026-01-01T00:00:00Z", True)
    page = await second.take(depth=1, budget=9)
    assert (page.url, page.attempts) == ("http://s.example/b", 2)
    await second.keep(page, seen(page.url))
    results = [(result.page.url, picture) async for result, picture in second.results()]
    assert results == [(START, None), ("http://s.example/a", b"picture"), ("http://s.example/b", None)]
    await second.close()


@pytest.mark.parametrize(("identity", "stale"), [("other", ""), ("id", "2026-01-05T00:00:00Z")])
async def test_another_scan_or_a_stale_one_begins_anew(frontier, identity, stale):
    await start_with(frontier, ["http://s.example/a"])
    started = await frontier.begin(identity, START, "2026-01-06T00:00:00Z", stale=stale)
    assert started == ("2026-01-06T00:00:00Z", False)
    counts = await frontier.counts()
    assert (counts.done, counts.queued) == (0, 1)


async def test_two_scans_cannot_share_a_queue(tmp_path, frontier):
    with pytest.raises(DatabaseUnusableError, match="another process"):
        await Frontier.open(f"sqlite:///{tmp_path / 'f.db'}", samples=3)


async def test_a_hundred_thousand_addresses_are_queued_in_seconds(frontier):
    page = await frontier.take(depth=0, budget=9)
    await frontier.keep(page, seen(page.url))
    letters = "abcdefghijklmnopqrst"
    words = [f"{a}{b}{c}" for a in letters for b in letters for c in letters][:4_000]
    began = time.process_time()
    for first in "abcdefghijklmnopqrstuvwxy":
        await frontier.add_sitemap(f"http://s.example/{first}-x/{word}" for word in words)
    assert await frontier.next_level(0, START) == 100_000
    assert time.process_time() - began < 30

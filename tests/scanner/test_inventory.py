"""The store of scans."""

import asyncio
import sqlite3
import time

import pytest

from policies.observation import ObservedCookie, ObservedRequest, PageVisit, PolicyLink, Scan
from scanner.changes import compare
from scanner.inventory import Inventory


def scan(day=1, *, site="http://shop.localhost:8080/", names=("sid",), consent="none", life=60, pages=1):
    urls = tuple(f"{site}{n}" for n in range(pages))
    return Scan(
        site=site, started=f"2026-01-{day:02}T00:00:00Z", mode="browser", consent=consent,
        pages=tuple(PageVisit(url=url, status=200) for url in urls),
        cookies=tuple(
            ObservedCookie(name=name, domain="shop.localhost", declared_lifetime=life, pages=urls) for name in names
        ),
        requests=tuple(
            ObservedRequest(url=f"http://t{n}.example/p.gif", page=url, type="image", third_party=True)
            for url in urls for n in range(5)
        ),
        policy_links=(PolicyLink(url=f"{site}privacy", text="Privacy"),),
    )  # fmt: skip


@pytest.fixture
async def inventory(tmp_path):
    async with await Inventory.open(f"sqlite:///{tmp_path / 'inventory.db'}") as opened:
        yield opened


async def test_a_scan_comes_back_as_it_was(inventory):
    number = await inventory.save(scan(), {"http://shop.localhost:8080/": b"\x89PNG"})
    assert await inventory.load(number) == scan()
    assert await inventory.screenshots(number) == {"http://shop.localhost:8080/": b"\x89PNG"}


async def test_the_newest_of_a_site_and_state_is_found(inventory):
    await inventory.save(scan(1))
    await inventory.save(scan(2, consent="accept"))
    await inventory.save(scan(3, site="http://other.localhost/"))
    assert (await inventory.newest()).site == "http://other.localhost/"
    assert (await inventory.newest("shop.localhost")).started == "2026-01-02T00:00:00Z"
    assert (await inventory.newest("http://shop.localhost:8080/x", consent="none")).started == "2026-01-01T00:00:00Z"
    assert await inventory.newest("http://shop.localhost:9090/") is None
    assert await inventory.newest("localhost") is None
    assert await inventory.newest_id(before=3) == 2


async def test_a_scan_that_reached_no_page_is_never_the_newest(inventory):
    await inventory.save(scan(1))
    await inventory.save(scan(2).model_copy(update={"pages": (PageVisit(url="http://x/", error="refused"),)}))
    assert (await inventory.newest()).started == "2026-01-01T00:00:00Z"
    assert [entry.id for entry in await inventory.scans()] == [2, 1]


async def test_a_scan_kept_before_policy_links_were_is_read(inventory, tmp_path):
    number = await inventory.save(scan())
    with sqlite3.connect(tmp_path / "inventory.db") as database:
        database.execute("DELETE FROM part WHERE name = 'policy_links'")
    database.close()
    assert await inventory.load(number) == scan().model_copy(update={"policy_links": ()})


async def test_scans_are_listed_the_newest_first(inventory):
    await inventory.save(scan(1, pages=3))
    await inventory.save(scan(2))
    found = await inventory.scans("shop.localhost")
    assert [(entry.id, entry.pages, entry.cookies, entry.failed) for entry in found] == [(2, 1, 1, 0), (1, 3, 1, 0)]


async def test_things_keep_their_first_and_last_sighting(inventory):
    await inventory.save(scan(1, names=("old", "sid")))
    await inventory.save(scan(2, names=("sid",), life=120))
    await inventory.save(scan(3, names=("new",), consent="accept"))
    found = {one.name: one for one in await inventory.sightings("http://shop.localhost:8080/") if one.kind == "cookie"}
    assert set(found) == {"old", "sid"}
    assert (found["old"].first_seen, found["old"].last_seen) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    assert (found["sid"].first_seen, found["sid"].last_seen) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert found["sid"].lifetime == 120
    assert found["sid"].subject == ("sid", "shop.localhost", "/")


async def test_an_unknown_scan_is_an_error_that_names_it(inventory):
    with pytest.raises(LookupError, match="no scan 7"):
        await inventory.load(7)
    with pytest.raises(LookupError, match="no scan 7"):
        await inventory.essence(7)


async def test_scans_saved_at_the_same_moment_are_all_kept(inventory):
    numbers = await asyncio.gather(*(inventory.save(scan(day)) for day in range(1, 9)))
    assert sorted(numbers) == list(range(1, 9))


async def test_a_scan_that_cannot_be_kept_whole_is_not_kept(inventory):
    with pytest.raises(sqlite3.ProgrammingError):
        await inventory.save(scan(), {"page": object()})  # no picture
    assert await inventory.scans() == []


async def test_ten_thousand_pages_are_compared_in_two_seconds(inventory):
    await inventory.save(scan(1, pages=10_000, names=[f"a{n}" for n in range(20)]))
    await inventory.save(scan(2, pages=10_000, names=[f"b{n}" for n in range(20)]))
    began = time.process_time()
    found = compare(await inventory.essence(1), await inventory.essence(2))
    assert time.process_time() - began < 2
    assert len(found.changes) == 40

"""The same site ten times is the same inventory, one page at a time or four; a scan killed again and again ends whole.

Run by `make soak`. Half of the pages start real tracker libraries from npm.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from site_server import Site, serve_site

from policies.catalogue import Catalogue
from policies.observation import Scan
from scanner.crawl import scan
from scanner.inventory import Inventory
from scanner.settings import ScanSettings

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "tests" / "guests" / "node_modules"
RUNS = 10
KILLS = 6
LIBRARIES = {
    "posthog": (
        "posthog-js/dist/array.full.no-external.js",
        "posthog.init('phc_guest',"
        " {api_host: BASE, persistence: 'localStorage+cookie', disable_session_recording: true})",
    ),
    "mixpanel": (
        "mixpanel-browser/dist/mixpanel.umd.js",
        "mixpanel.init('guest', {api_host: BASE, persistence: 'cookie'})",
    ),
    "snowplow": (
        "@snowplow/browser-tracker/dist/index.umd.min.js",
        "snowplowBrowserTracking.newTracker('sp', BASE, {appId: 'shop'}); snowplowBrowserTracking.trackPageView()",
    ),
    "countly": (
        "countly-sdk-web/lib/countly.js",
        "Countly.init({app_key: 'guest', url: BASE}); Countly.track_pageview()",
    ),
}
PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from policies.catalogue import Catalogue
from scanner.crawl import scan
from scanner.inventory import Inventory
from scanner.settings import ScanSettings

async def main(url, store):
    async with await Inventory.open(store) as inventory:
        # On a slow machine every kill may meet the same pages, which would be given up after three.
        settings = ScanSettings(url=url, concurrency=3, attempts=10)
        await scan(settings, Catalogue.of({}), inventory=inventory, now=lambda: datetime.now(UTC))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def shop() -> AsyncIterator[Site]:
    async with serve_site() as site:
        base = f"const BASE = 'http://collect.localhost:{site.port}';"
        for path in ("/e/", "/decide/", "/track/", "/i", "/o/sdk", "/com.snowplowanalytics.snowplow/tp2"):
            site.put(
                "collect.localhost", path, '{"status": 1}', "application/json",
                Access_Control_Allow_Origin=site.base(), Access_Control_Allow_Credentials="true",
                Access_Control_Allow_Headers="content-type",
            )  # fmt: skip
        pages = [f"/page/{number}" for number in range(4)] + [f"/{name}" for name in LIBRARIES]
        links = "".join(f"<a href={path}>x</a>" for path in pages)
        tags = "<script src=http://ads.localhost:%PORT%/t.js></script><img src=http://pixel.localhost:%PORT%/p>"
        site.page("shop.localhost", "/", f"<title>Shop</title>{links}{tags}", Set_Cookie="sid=1; HttpOnly")
        site.script("ads.localhost", "/t.js", "document.cookie = '_t=1;max-age=86400'; localStorage._t = 1")
        site.put("pixel.localhost", "/p", "", "image/gif", Set_Cookie="px=1; Max-Age=3600; Secure; SameSite=None")
        for number in range(4):
            site.page("shop.localhost", f"/page/{number}", f"<title>{number}</title>{tags}", Set_Cookie=f"p{number}=1")
        for name, (file, start) in LIBRARIES.items():
            site.script("cdn.localhost", f"/{name}.js", (MODULES / file).read_text())
            page = f"<title>{name}</title><script src=http://cdn.localhost:%PORT%/{name}.js></script>"
            site.page("shop.localhost", f"/{name}", f"{page}<script>{base}{start}</script>")
        yield site


def inventory_of(found: Scan) -> frozenset[tuple[object, ...]]:
    """The contract's "same inventory"."""
    cookies = {
        (c.name, c.domain, c.path, c.state, c.declared_lifetime, tuple(s.url for s in c.set_by)) for c in found.cookies
    }
    return frozenset(cookies | {(key.kind, key.origin, key.key) for key in found.storage})


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_ten_runs_are_the_same_inventory(shop: Site, concurrency: int) -> None:
    settings = ScanSettings(url=f"{shop.base()}/", concurrency=concurrency, ignore_robots=True)
    seen = []
    for _ in range(RUNS):
        found = await scan(settings, Catalogue.of({}), now=lambda: datetime.now(UTC))
        assert [page.url for page in found.pages if page.error] == []
        seen.append(inventory_of(found))
    for number, one in enumerate(seen[1:], 2):
        assert one ^ seen[0] == frozenset(), f"run {number}"
    assert {"ph_phc_guest_posthog", "mp_guest_mixpanel", "_t", "px", "sid"} <= {thing[0] for thing in seen[0]}


async def test_a_scan_killed_at_any_moment_ends_whole(shop: Site, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'inventory.db'}"
    command = (sys.executable, "-c", PROGRAM, f"{shop.base()}/", store)
    moments = random.Random(20261120)
    for _ in range(KILLS):
        killed = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        await asyncio.sleep(moments.uniform(1.0, 4.0))
        if killed.returncode is None:
            killed.send_signal(signal.SIGKILL)
        await killed.wait()
    last = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await asyncio.wait_for(last.wait(), 120) == 0
    async with await Inventory.open(store) as inventory:
        found = await inventory.newest()
    assert found is not None
    settings = ScanSettings(url=f"{shop.base()}/", concurrency=1)
    whole = await scan(settings, Catalogue.of({}), now=lambda: datetime.now(UTC))
    assert [page.url for page in found.pages] == [page.url for page in whole.pages]
    assert inventory_of(found) == inventory_of(whole)
    assert not [name for name in os.listdir(tmp_path) if ".crawl-" in name]

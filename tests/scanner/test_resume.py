"""A scan that is killed goes on where it stood: every page is in the result, and none is visited twice in full."""

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

from aiohttp import web
from site_server import serve_site

from scanner.inventory import Inventory

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from policies.catalogue import Catalogue
from scanner.crawl import scan
from scanner.inventory import Inventory
from scanner.settings import ScanSettings

async def main(url, store):
    async with await Inventory.open(store) as inventory:
        settings = ScanSettings(url=url, mode="static", concurrency=3)
        await scan(settings, Catalogue.of({}), inventory=inventory, now=lambda: datetime.now(UTC))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_scan_is_taken_up_with_nothing_lost_or_doubled(tmp_path):
    names = [f"/{a}{b}" for a in "abcde" for b in "vwxy"]
    answered = Counter()
    halfway = asyncio.Event()
    async with serve_site() as site:

        async def page(request):
            await asyncio.sleep(0.02)
            answered[request.path] += 1
            if len(answered) == 10:
                halfway.set()
            body = "".join(f"<a href={name}>x</a>" for name in names)
            return web.Response(
                text=body,
                content_type="text/html",
                headers={"Set-Cookie": f"c{request.path.replace('/', '-')}=1; Path=/"},
            )

        for path in ("/", *names):
            site.handle("shop.localhost", path, page)
        store = f"sqlite:///{tmp_path / 'inventory.db'}"
        command = (sys.executable, "-c", PROGRAM, f"{site.base()}/", store)
        first = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        await asyncio.wait_for(halfway.wait(), 90)
        first.send_signal(signal.SIGKILL)
        assert await first.wait() == -signal.SIGKILL
        assert list(tmp_path.glob("*.crawl-*"))

        second = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        assert await asyncio.wait_for(second.wait(), 90) == 0
        async with await Inventory.open(store) as inventory:
            found = await inventory.newest()
        port = site.port
    assert sorted(page.url for page in found.pages) == sorted(f"http://shop.localhost:{port}{n}" for n in ("/", *names))
    assert len(found.cookies) == len(names) + 1
    assert all(len(cookie.pages) == 1 for cookie in found.cookies)
    # Only what was under way when the scan was killed (at most one page per worker) is visited again.
    assert sum(count - 1 for count in answered.values()) <= 3
    assert not list(tmp_path.glob("*.crawl-*"))

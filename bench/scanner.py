"""How fast the scanner is and whether it sees the same each time, beside Blacklight on the same local pages.

Run `python -m bench.scanner`. A light page is 20 KB of HTML, one first-party script, one third-party script that sets
two cookies, and one pixel. The pages are served by a process of their own on loopback. Every figure names its bar; a
peer that is not installed and cannot be is a failure; a bar that was missed says so.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from policies.catalogue import Catalogue
from policies.observation import Scan
from scanner.browser.settings import find_chromium
from scanner.changes import Essence, Thing, compare
from scanner.crawl import scan
from scanner.settings import ScanSettings

PEER = Path(__file__).parent / "scanner_peer"
PAGES = 24
STATIC_PAGES = 1_000
PEER_PAGES = 5
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
TRACKER = "document.cookie='_one=visitor-1;max-age=63072000;path=/';document.cookie='_two=2;max-age=1800;path=/';"


def light_page(number: int, links: int, port: int) -> str:
    """20 KB of HTML with its links first."""
    anchors = "".join(f"<a href=/page/{other}>{other}</a> " for other in range(links)) if number < 0 else ""
    head = (
        f"<!doctype html><html lang=en><head><title>Page {number}</title><script src=/own.js></script>"
        f"<script src=http://ads.localhost:{port}/tracker.js></script></head><body>{anchors}"
        f"<img src=http://pixel.localhost:{port}/p.gif?page={number} alt=''>"
    )
    filler = "<p>Words that describe a product, some of them bold, and go on for a while as such texts do.</p>\n"
    return head + filler * ((20_000 - len(head)) // len(filler))


def serve(ready: Connection) -> None:
    """The site, in a process of its own, until it is ended."""

    async def answer(request: web.Request) -> web.Response:
        port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
        match request.path.split("/"):
            case ["", "own.js"]:
                return web.Response(text="document.cookie='own=1;path=/'", content_type="text/javascript")
            case ["", "tracker.js"]:
                return web.Response(text=TRACKER, content_type="text/javascript")
            case ["", "p.gif"]:
                return web.Response(body=GIF, content_type="image/gif")
            case ["", ""]:
                return web.Response(text=light_page(-1, PAGES - 1, port), content_type="text/html")
            case ["", "many"]:
                return web.Response(text=light_page(-1, STATIC_PAGES - 1, port), content_type="text/html")
            case ["", "page", number]:
                return web.Response(text=light_page(int(number), 0, port), content_type="text/html")
        return web.Response(status=404)

    async def run() -> None:
        runner = web.ServerRunner(web.Server(answer, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


@contextmanager
def site() -> Iterator[int]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def same(found: Scan) -> frozenset[tuple[object, ...]]:
    """The contract's "same inventory"."""
    cookies = {
        (c.name, c.domain, c.path, c.state, c.declared_lifetime, tuple(s.url for s in c.set_by)) for c in found.cookies
    }
    return frozenset(cookies | {(key.kind, key.origin, key.key) for key in found.storage})


def pss(pid: int) -> int:
    """Bytes of proportional memory of this process's children and theirs."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            try:
                rollup = Path(f"/proc/{child}/smaps_rollup").read_text()
            except OSError:
                continue
            total += next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
            total += pss(int(child))
    return total


async def measured(url: str, concurrency: int, **more: object) -> tuple[Scan, float, int]:
    """(what was found, seconds in all, most memory of the browser in bytes)."""
    settings = ScanSettings.model_validate(
        {"url": url, "concurrency": concurrency, "max_pages": PAGES, "samples": 10_000, "ignore_robots": True} | more
    )
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, await asyncio.to_thread(pss, multiprocessing.current_process().pid or 0))
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch()) if settings.mode == "browser" else None
    began = time.perf_counter()
    found = await scan(settings, Catalogue.of({}), now=lambda: datetime.now(UTC))
    seconds = time.perf_counter() - began
    if watching is not None:
        watching.cancel()
    return found, seconds, most


def blacklight(url: str) -> dict[str, object]:
    """Raises RuntimeError where the peer is missing: a figure without its peer says nothing."""
    if not (PEER / "node_modules" / "@themarkup").exists():
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("Blacklight is not installed and npm is missing")
        command = [npm, "ci", "--prefix", str(PEER), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, check=True)
    command = ["node", "collect.mjs", url, str(PEER_PAGES), find_chromium() or ""]
    done = subprocess.run(command, cwd=PEER, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"Blacklight failed: {done.stderr[-2000:]}")
    answer: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def diff_seconds(things: int = 10_000) -> float:
    """Compare two inventories of so many things of which every hundredth differs."""

    def essence(started: str, lifetime: int) -> Essence:
        return Essence(
            site="http://s.example/",
            started=started,
            things=tuple(
                Thing(kind="cookie", subject=(f"c{n}", "s.example", "/"), name=f"c{n}", vendor="v",
                      lifetime=lifetime if n % 100 == 0 else 60)
                for n in range(things)
            ),
        )  # fmt: skip

    one, other = essence("a", 60), essence("b", 6_000_000)
    began = time.perf_counter()
    assert len(compare(one, other).changes) == things // 100
    return time.perf_counter() - began


def main() -> None:
    print(f"load {Path('/proc/loadavg').read_text().split()[0]}, {multiprocessing.cpu_count()} cores")

    def say(what: str, value: float, bar: float, unit: str, *, at_most: bool) -> None:
        fine = value <= bar if at_most else value >= bar
        print(f"{what:<58} {value:9.2f} {unit:<8} {'<=' if at_most else '>='} {bar:g} {'' if fine else 'MISSED'}")

    with site() as port:
        url = f"http://shop.localhost:{port}/"
        one, alone, memory_alone = asyncio.run(measured(url, 1))
        four, together, memory_together = asyncio.run(measured(url, 4))
        assert len(one.pages) == len(four.pages) == PAGES
        print(f"{'browser mode, 1 at once':<58} {alone / PAGES:9.2f} s a page (browser's start included)")
        say("browser mode, 4 at once", together / PAGES, 0.6, "s a page", at_most=True)
        say("the same inventory at 4 at once as at 1", float(same(one) == same(four)), 1, "", at_most=False)
        say("memory per further page (PSS)", (memory_together - memory_alone) / 3 / 1e6, 80, "MB", at_most=True)
        peer = blacklight(url)
        theirs = float(str(peer["pages"])) / float(str(peer["seconds"]))
        print(f"{'Blacklight':<58} {1 / theirs:9.2f} s a page ({peer['pages']} pages; cookies {peer['cookies']})")
        say("pages per second, times Blacklight's", PAGES / together / theirs, 3, "x", at_most=False)
        many = ScanSettings.model_validate({"url": f"{url}many"}).url
        static, seconds, _ = asyncio.run(measured(many, 16, mode="static", max_pages=STATIC_PAGES))
        say("static mode", len(static.pages) / seconds, 200, "pages/s", at_most=False)
    say("two inventories of 10,000 things compared", diff_seconds(), 2, "s", at_most=True)


if __name__ == "__main__":
    main()

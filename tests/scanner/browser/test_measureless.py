"""Answers without measure, frames in frames, ways into an inner network: one page's trouble, bounded. Real Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from site_server import Site

from policies.catalogue import Catalogue
from scanner.browser import Browser, BrowserSettings
from scanner.crawl import scan
from scanner.settings import ScanSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def settings(settings: BrowserSettings) -> BrowserSettings:
    return settings.model_copy(update={"response_bytes": 8_000_000})


async def test_two_gigabytes_are_cut_off_whether_page_or_data(site: Site, browser: Browser) -> None:
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse(headers={"Content-Type": request.query["type"], "Set-Cookie": "flood=1"})
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(2_000):
                await answer.write(b"<p>" + b"x" * 1_000_000)
                sent += 1_000_000
        return answer

    url = site.handle("shop.localhost", "/flood", flood)
    page = await browser.visit(f"{url}?type=text/html")
    assert page.page.error == "the page is larger than 8 MB"
    assert [cookie.name for cookie in page.cookies] == ["flood"]
    around = site.page(
        "shop.localhost",
        "/",
        f"<script>document.cookie='a=1'</script>"
        f"<script>fetch('{url}?type=application/octet-stream').then((answer) => answer.arrayBuffer())</script>",
    )
    data = await browser.visit(around)
    assert data.page.error is None
    assert "an answer was larger than 8 MB; loading was stopped" in data.notes
    assert {cookie.name for cookie in data.cookies} == {"a", "flood"}
    assert sent < 400_000_000


async def test_a_gzip_bomb_is_measured_by_what_is_inside(site: Site, browser: Browser) -> None:
    bomb = gzip.compress(b"<p>hello</p>" + b" " * 100_000_000)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "text/html"})

    visit = await browser.visit(site.handle("shop.localhost", "/", answer))
    assert visit.page.error == "the page is larger than 8 MB"


async def test_a_slow_drip_ends_at_the_ceiling(site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "settings", browser.settings.model_copy(update={"ceiling_seconds": 10.0}))

    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/html", "Set-Cookie": "drip=1"})
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(600):
                await answer.write(b"<p>x</p>")
                await asyncio.sleep(0.1)
        return answer

    visit = await browser.visit(site.handle("shop.localhost", "/", drip))
    assert "the page had not finished loading after 10 s" in visit.notes
    assert [cookie.name for cookie in visit.cookies] == ["drip"]


async def test_frames_fifty_deep_are_seen_to_the_bottom(site: Site, settings: BrowserSettings) -> None:
    async def frame(request: web.Request) -> web.Response:
        depth = int(request.path.removeprefix("/f"))
        inner = f"<iframe src=/f{depth + 1}></iframe>" if depth < 50 else ""
        code = f"<script>document.cookie = 'd{depth}=1'</script>"
        return web.Response(text=f"<!doctype html>{code}{inner}", content_type="text/html")

    for depth in range(51):
        site.handle("shop.localhost", f"/f{depth}", frame)
    async with await Browser.launch(settings.model_copy(update={"ceiling_seconds": 120.0})) as patient:
        visit = await patient.visit(f"{site.base()}/f0")
    assert visit.page.error is None
    assert {cookie.name for cookie in visit.cookies} == {f"d{depth}" for depth in range(51)}


class Inward(AbstractResolver):
    """A public site, and a name that leads into the inner network."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = {"127.0.0.1": "127.0.0.1", "inner.test": "10.0.0.1"}.get(host)
        if address is None:
            raise OSError("no such name")
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None: ...


async def test_a_websocket_reaches_the_site_but_no_inner_address(site: Site, browser: Browser) -> None:
    reached: list[str] = []

    async def socket_of(request: web.Request) -> web.WebSocketResponse:
        reached.append(request.host.partition(":")[0])
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        await answer.send_str("hello")
        await answer.close()
        return answer

    for host in ("127.0.0.1", "inner.test", "shop.localhost"):
        site.handle(host, "/ws", socket_of)
    addresses = ("ws://127.0.0.1:%PORT%/ws", "ws://inner.test:%PORT%/ws", "ws://10.0.0.1:%PORT%/ws")
    opened = "".join(
        f"new WebSocket('{address}').onmessage = () => localStorage.setItem('heard', 1);" for address in addresses
    )
    page = site.page("127.0.0.1", "/", f"<script>{opened}</script>")

    async def unhurried(chosen: BrowserSettings) -> Browser:
        """A WebSocket may be open for good, so a page does not wait for it."""
        return await Browser.launch(chosen.model_copy(update={"settle_seconds": 3.0, "launch_seconds": 120.0}))

    found = await scan(
        ScanSettings(url=page, max_pages=1),
        Catalogue.of({}),
        now=lambda: datetime.now(UTC),
        resolver=Inward(),
        launch=unhurried,
    )
    assert found.pages[0].error is None
    assert reached == ["127.0.0.1"]
    assert [key.key for key in found.storage] == ["heard"]
    asked = {request.url for request in found.requests if request.type == "websocket"}
    assert asked == {address.replace("%PORT%", str(site.port)) for address in addresses}

"""A real Chromium against a page that tries one thing, and a tracker's server that counts what reaches it.

The page lives on shop.localhost, the tracker on tracker.localhost: different sites to a browser, both on loopback.
A path's second part names the technique: `/t/img_src/x.gif`; requests to the page's own `/collect/` count, too.
"""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web
from loopback import LoopbackServer

from scanner.browser.launch import Chromium
from scanner.browser.pipe import CommandFailed, Connection
from scanner.browser.settings import BrowserSettings

PATIENCE = 60.0
"""Seconds that a command to the browser may take on a busy machine."""
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
Respond = Callable[[web.Request], web.StreamResponse | None]
BODIES = {
    "js": ("text/javascript", b"globalThis.loaded=(globalThis.loaded||0)+1"),
    "mjs": ("text/javascript", b"globalThis.loaded=(globalThis.loaded||0)+1"),
    "css": ("text/css", b"body{--tracker:1}"),
    "gif": ("image/gif", GIF),
    "svg": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"><g id="a"/></svg>'),
    "html": ("text/html", b"<!DOCTYPE html><title>frame</title>"),
    "json": ("application/json", b"{}"),
}


class Site:
    """Both servers in one: `pages` maps a path of the shop to (headers, body); `hits` counts by technique."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[dict[str, str], bytes]] = {}
        self.hits: Counter[str] = Counter()
        self.urls: list[str] = []
        self.port = 0
        self._arrived = asyncio.Event()

    @property
    def shop(self) -> str:
        return f"http://shop.localhost:{self.port}"

    @property
    def tracker(self) -> str:
        return f"http://tracker.localhost:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        own = request.host.startswith("shop.localhost")
        if own and request.path in self.pages:
            headers, body = self.pages[request.path]
            return web.Response(body=body, headers={"Content-Type": "text/html; charset=utf-8"} | headers)
        if own and not request.path.startswith("/collect/"):
            return web.Response(status=404)
        parts = request.path.split("/")
        self.hits[parts[2] if len(parts) > 2 else request.path] += 1
        self.urls.append(str(request.url))
        self._arrived.set()
        media_type, body = BODIES.get(request.path.rpartition(".")[2], ("text/plain", b""))
        headers = {"Content-Type": media_type, "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
                   "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Headers": "*", "Cache-Control": "no-store"}  # fmt: skip
        return web.Response(body=body, headers=headers)

    async def hit(self, technique: str, *, seconds: float, times: int = 1) -> bool:
        """Whether a request of this technique, or so many of them, arrive within so many seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.hits[technique] < times:
            self._arrived.clear()
            left = deadline - loop.time()
            if left <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
        return True


@contextlib.asynccontextmanager
async def serve_site() -> AsyncIterator[Site]:
    """Serve on a free port of loopback."""
    site = Site()
    runner = web.ServerRunner(LoopbackServer(site.answer))
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


class Page:
    """One tab. `errors` are uncaught exceptions and console errors, `violations` what its CSP refused."""

    def __init__(self, browser: ChromiumPages, target: str, session: str) -> None:
        self.browser = browser
        self.target = target
        self.session = session
        self.errors: list[str] = []
        self.loaded = asyncio.Event()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self.browser.call(method, params, self.session)

    async def open(self, url: str) -> None:
        """Go there and wait for the load event."""
        self.loaded.clear()
        await self.call("Page.navigate", url=url)
        await asyncio.wait_for(self.loaded.wait(), 60)

    async def run(self, expression: str) -> Any:
        """The value of an expression, promises awaited. Raises AssertionError with the page's exception."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, json.dumps(answer["exceptionDetails"])[:600]
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true; it may fail meanwhile, or the page be left."""
        told = f"(()=>{{try{{return !!({expression})}}catch{{}}}})()"
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(CommandFailed):
                    if await self.run(told):
                        return
                await asyncio.sleep(0.03)

    async def close(self) -> None:
        await self.browser.call("Target.closeTarget", {"targetId": self.target})


class ChromiumPages:
    """A browser that opens tabs."""

    def __init__(self, chromium: Chromium) -> None:
        self.chromium = chromium
        self.connection: Connection
        self.pages: dict[str, Page] = {}
        self._trace: list[dict[str, Any]] = []
        self._traced = asyncio.Event()

    async def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """A command's result, however busy the machine is."""
        return await self.connection.call(method, params, session, seconds=PATIENCE)

    def heard(self, session: str | None, method: str, params: dict[str, Any]) -> None:
        if method == "Tracing.dataCollected":
            self._trace += params["value"]
        elif method == "Tracing.tracingComplete":
            self._traced.set()
        page = self.pages.get(session or "")
        if page is None:
            return
        if method == "Page.loadEventFired":
            page.loaded.set()
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            page.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] == "error":
            page.errors.append(" ".join(str(each.get("value", each.get("description"))) for each in params["args"]))

    @contextlib.asynccontextmanager
    async def tracing(self, *categories: str) -> AsyncIterator[list[dict[str, Any]]]:
        """What the browser notes of its own work meanwhile; the list is complete afterwards."""
        self._trace = events = []
        self._traced.clear()
        wanted = {"includedCategories": list(categories)}
        await self.call("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": wanted})
        yield events
        await self.call("Tracing.end", {})
        await asyncio.wait_for(self._traced.wait(), 60)

    async def page(self) -> Page:
        """A new tab with an empty page, in a context of its own: no cookies or storage of another."""
        context = (await self.call("Target.createBrowserContext", {"disposeOnDetach": True}))["browserContextId"]
        target = (await self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context}))[
            "targetId"
        ]
        attached = await self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = self.pages[attached["sessionId"]] = Page(self, target, attached["sessionId"])
        await page.call("Page.enable")
        await page.call("Runtime.enable")
        return page

    async def sibling(self, page: Page) -> Page:
        """A second tab that shares the first one's cookies and storage."""
        info = await self.call("Target.getTargetInfo", {"targetId": page.target})
        context = info["targetInfo"]["browserContextId"]
        target = (await self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context}))[
            "targetId"
        ]
        attached = await self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        other = self.pages[attached["sessionId"]] = Page(self, target, attached["sessionId"])
        await other.call("Page.enable")
        await other.call("Runtime.enable")
        return other


@contextlib.asynccontextmanager
async def launch_pages(rules: str = "", *arguments: str) -> AsyncIterator[ChromiumPages]:
    """Start Chromium, end it afterwards. `rules` are its --host-resolver-rules, `arguments` come last."""
    chromium = await Chromium.start(BrowserSettings(host_resolver_rules=rules, extra_arguments=arguments))
    browser = ChromiumPages(chromium)
    try:
        browser.connection = await Connection.open(chromium.read_fd, chromium.write_fd, browser.heard)
        yield browser
        with contextlib.suppress(Exception):
            await browser.connection.call("Browser.close")
    finally:
        browser.connection.close()
        await chromium.end()

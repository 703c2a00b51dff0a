"""The demo on a free port, a visitor over HTTP, and a real Chromium with third-party cookies allowed."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from runtime.resolve import LocalhostResolver
from samtykke.demo import Demo, start_demo

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Tab:
    """One page of a running Chromium, driven over its debugging socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._next = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._next += 1
        message = {"id": self._next, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        while True:
            answer = await asyncio.wait_for(self._socket.receive_json(), 120)
            if answer.get("id") == self._next:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._events.append(answer)

    async def open(self) -> None:
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self.send("Page.enable")

    async def close(self) -> None:
        await self.send("Page.close")

    async def visit(self, url: str, until: str = "true") -> None:
        """Load `url` and wait for its load event, then until the JavaScript expression `until` holds."""
        self._events.clear()
        await self.send("Page.navigate", url=url)
        await self._loaded()
        for _ in range(1200):
            if await self.run(until):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{url}: never saw {until}")

    async def press(self, selector: str) -> None:
        """Press something that leads to another page, and wait for that."""
        self._events.clear()
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")
        await self._loaded()

    async def _loaded(self) -> None:
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(await asyncio.wait_for(self._socket.receive_json(), 120))

    async def run(self, expression: str) -> Any:
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def cookies(self) -> list[dict[str, Any]]:
        return (await self.send("Network.getAllCookies"))["cookies"]

    async def size(self, width: int, height: int) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    async def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot", captureBeyondViewport=True))["data"])


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    running = await start_demo(0)
    yield running
    await running.stop()


@pytest.fixture
async def visitor() -> AsyncIterator[aiohttp.ClientSession]:
    """Resolves .localhost by itself and keeps cookies as a browser does."""
    connector = aiohttp.TCPConnector(resolver=LocalhostResolver())
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.CookieJar(quote_cookie=False)) as session:
        yield session


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running browser's debugging socket."""
    profile = tmp_path_factory.mktemp("chromium")
    (profile / "Default").mkdir(parents=True)
    # Only a preference written before the start lets cross-site cookies through.
    (profile / "Default" / "Preferences").write_text('{"profile":{"cookie_controls_mode":0}}')
    process = subprocess.Popen(
        ["chromium", *FLAGS, f"--user-data-dir={profile}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port_file = profile / "DevToolsActivePort"
        deadline = time.monotonic() + 120
        while not (port_file.exists() and port_file.read_text().count("\n")):
            assert process.poll() is None, f"Chromium ended with {process.returncode}"
            assert time.monotonic() < deadline, "Chromium does not say where it listens"
            time.sleep(0.05)
        port, path = port_file.read_text().split("\n")[:2]
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
async def tab(chromium: str) -> AsyncIterator[Tab]:
    """A new tab without a cookie. Each demo has a port of its own, hence nothing else of the one before."""
    async with aiohttp.ClientSession() as session, session.ws_connect(chromium, max_msg_size=0) as socket:
        page = Tab(socket)
        await page.open()
        await page.send("Network.clearBrowserCookies")
        yield page
        await page.close()

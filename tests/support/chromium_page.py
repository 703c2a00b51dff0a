"""One real Chromium over the debugging pipe: open pages, set sizes and schemes, measure, press, take screenshots."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
MOVING = frozenset({"Inspected target navigated or closed", "Cannot find default execution context"})
"""What Chromium says of a page that was leaving while it was asked."""


class ChromiumPage:
    """A tab. Every call waits for Chromium's answer; an error it reports is raised as RuntimeError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._session: str | None = None
        self._count = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.errors: list[str] = []
        self._pump = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if "id" in message:
                    waiting = self._answers.pop(message["id"])
                    if waiting.done():
                        continue
                    if "error" in message:
                        waiting.set_exception(RuntimeError(message["error"]["message"]))
                    else:
                        waiting.set_result(message.get("result", {}))
                elif message["method"] == "Page.loadEventFired":
                    self._loaded.set()
                elif message["method"] == "Runtime.exceptionThrown":
                    details = message["params"]["exceptionDetails"]
                    self.errors.append(details.get("exception", {}).get("description") or details["text"])
                elif message["method"] == "Log.entryAdded":
                    self.errors.append(message["params"]["entry"]["text"])

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(answer, 120)

    async def start(self) -> None:
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.send(f"{domain}.enable")

    async def stop(self) -> None:
        self._session = None
        with contextlib.suppress(RuntimeError, TimeoutError, ConnectionError):
            await self.send("Browser.close")
        self._writer.close()
        # A child of the browser's may hold the pipe's other end a while longer.
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump

    async def screen(
        self, width: int, height: int, *, dark: bool = False, mobile: bool = False, scale: float = 1
    ) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme, motion])

    async def scripts(self, on: bool) -> None:
        await self.send("Emulation.setScriptExecutionDisabled", value=not on)

    async def open(self, url: str) -> None:
        self._loaded.clear()
        await self.send("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), 120)

    async def settled(self) -> None:
        """Wait for a load that a press has begun."""
        await asyncio.wait_for(self._loaded.wait(), 120)

    def expect_load(self) -> None:
        self._loaded.clear()

    async def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        answer = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The expression's value once it is truthy, within two minutes: pages are quick, machines are busy. A page that
        moves on while it is asked is asked again."""
        async with asyncio.timeout(120):
            while True:
                try:
                    if value := await self.run(expression):
                        return value
                except RuntimeError as error:
                    if str(error) not in MOVING:
                        raise
                await asyncio.sleep(0.02)

    async def press(self, key: str, *, shift: bool = False) -> None:
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": codes[key]}
        await self.send("Input.dispatchKeyEvent", type="keyDown", text=text, modifiers=8 if shift else 0, **common)
        await self.send("Input.dispatchKeyEvent", type="keyUp", modifiers=8 if shift else 0, **common)

    async def click(self, selector: str) -> None:
        """Press where the element's middle is seen; fails where something else lies on top."""
        spot = await self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest'});"
            "const r = e.getBoundingClientRect(); const x = r.x + r.width / 2, y = r.y + r.height / 2;"
            "const hit = document.elementFromPoint(x, y); return {x, y, hit: e === hit || e.contains(hit)}; })()"
        )
        if not spot["hit"]:
            raise RuntimeError(f"{selector} is covered")
        for kind in ("mousePressed", "mouseReleased"):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, x=spot["x"], y=spot["y"], button="left", clickCount=1
            )

    async def shot(self, path: Path, *, whole: bool = False) -> None:
        answer = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))

    async def forget(self) -> None:
        """Empty the cookie jar."""
        await self.send("Network.clearBrowserCookies")

    async def cookies(self, url: str) -> dict[str, str]:
        answer = await self.send("Network.getCookies", urls=[url])
        return {cookie["name"]: cookie["value"] for cookie in answer["cookies"]}


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[ChromiumPage]:
    """A fresh browser with a fresh profile; both are gone afterwards."""
    loop = asyncio.get_running_loop()
    to_browser, from_browser = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Chromium reads commands from 3 and writes answers to 4: the shell puts our pipes there.
        command = f'exec /usr/bin/chromium "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, "chromium", *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe",
            pass_fds=(to_browser[0], from_browser[1]),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser[0])
        os.close(from_browser[1])
        reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_browser[0], "rb", buffering=0)
        )
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(to_browser[1], "wb", buffering=0)
        )
        page = ChromiumPage(reader, asyncio.StreamWriter(transport, protocol, None, loop))
        try:
            await page.start()
            yield page
        finally:
            await page.stop()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

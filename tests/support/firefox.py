"""Firefox without a window, spoken to by WebDriver BiDi. A missing Firefox is a failure that says how to get it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PREFERENCES = {
    "network.dns.localDomains": "shop.localhost,ads.localhost",
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "extensions.update.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "privacy.globalprivacycontrol.enabled": False,
    "remote.active-protocols": 1,
}


class Firefox:
    """One browser with one page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.context = ""

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One BiDi command. Raises RuntimeError with what Firefox said."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            answer = json.loads((await self._socket.receive(timeout=180)).data)
            if answer.get("id") == number:
                if answer.get("type") == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                found: dict[str, Any] = answer["result"]
                return found

    async def open(self, url: str) -> None:
        await self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def say(self, expression: str) -> Any:
        """What an expression of JavaScript comes to, as JSON."""
        answer = await self.call(
            "script.evaluate", expression=f"Promise.resolve({expression}).then((x) => JSON.stringify(x))",
            target={"context": self.context}, awaitPromise=True,
        )  # fmt: skip
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    async def until(self, expression: str, seconds: float = 120) -> None:
        """Wait for an expression to come true; a page may change meanwhile."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if await self.say(expression):
                        return
                except RuntimeError:
                    pass
                await asyncio.sleep(0.1)

    async def click(self, selector: str) -> None:
        """A real click in the middle of the element."""
        box = await self.say(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        x, y = map(int, box)
        actions = [
            {"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]  # fmt: skip
        pointer = {"type": "pointer", "id": "mouse", "actions": actions}
        await self.call("input.performActions", context=self.context, actions=[pointer])

    async def cookies(self) -> dict[str, str]:
        found = await self.call("storage.getCookies")
        return {cookie["name"]: cookie["value"].get("value", "") for cookie in found["cookies"]}


@asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Firefox]:
    """Start it with a fresh profile. Raises FileNotFoundError where there is none."""
    binary = shutil.which("firefox-esr") or shutil.which("firefox")
    if binary is None:
        raise FileNotFoundError("Firefox is not installed: run `sh tools/system-packages.sh test`")
    profile = folder / "profile"
    profile.mkdir(parents=True)
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines))
    process = await asyncio.create_subprocess_exec(
        binary, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    draining: asyncio.Future[bytes] | None = None
    try:
        said = ""
        async with asyncio.timeout(180):
            while (listens := re.search(r"WebDriver BiDi listening on (ws://\S+)", said)) is None:
                assert process.stderr
                line = await process.stderr.readline()
                if not line:
                    raise RuntimeError(f"Firefox ended: {said}")
                said += line.decode("utf-8", "replace")
        draining = asyncio.ensure_future(process.stderr.read())
        async with aiohttp.ClientSession() as session, session.ws_connect(listens[1] + "/session") as socket:
            browser = Firefox(socket)
            await browser.call("session.new", capabilities={})
            tree = await browser.call("browsingContext.getTree")
            browser.context = tree["contexts"][0]["context"]
            yield browser
            await browser.call("session.end")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if draining is not None:
            await draining

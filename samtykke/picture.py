"""A notice as pictures: what the banner and its settings looked like, on a desktop and a phone, in real Chromium.

The kept bytes are shown as they are, from no address and with no network, so nothing can change what is seen.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from samtykke.outcome import UnreachableError
from scanner.browser import BrowserGone, BrowserSettings, CommandFailed
from scanner.browser.launch import Chromium
from scanner.browser.pipe import Connection


@dataclass(frozen=True, slots=True)
class Screen:
    """Width and height in CSS pixels; `scale` device pixels to one of them."""

    name: str
    width: int
    height: int
    scale: float = 1
    mobile: bool = False


SCREENS = (Screen("desktop", 1280, 800), Screen("phone", 390, 844, 2, mobile=True))

# The second layer stood in a dialog; here it gets a page of its own, with everything that could be opened open.
_BANNER = "document.querySelector('#samtykke-root > section:not([id])').remove()"
_SETTINGS = """(() => {
  document.getElementById('samtykke-banner').remove();
  document.body.style.margin = '24px';
  document.querySelectorAll('details').forEach((each) => { each.open = true; });
})()"""
_SETTLED = 0.1
"""Seconds until fonts and layout have come to rest: nothing is fetched."""
_DIALOG = 784
"""CSS pixels: the settings' dialog is that wide at most, with its margins."""
_TALLEST = 12_000
"""CSS pixels of the settings that fit a picture."""
LAYERS = (("banner", _BANNER), ("settings", _SETTINGS))


async def pictures(notice: bytes, settings: BrowserSettings) -> dict[str, bytes]:
    """PNG by name: banner-desktop, banner-phone, settings-desktop, settings-phone. `notice` is its HTML in UTF-8.

    Raises UnreachableError where Chromium is not installed or ends.
    """
    alone = settings.model_copy(update={"host_resolver_rules": "MAP * ~NOTFOUND"})
    try:
        chromium = await Chromium.start(alone)
    except OSError as error:
        raise UnreachableError(str(error)) from error
    connection = await Connection.open(chromium.read_fd, chromium.write_fd, lambda *_: None)
    try:
        return dict([shot async for shot in _taken(connection, notice.decode("utf-8", "replace"))])
    except (BrowserGone, CommandFailed, TimeoutError) as error:
        raise UnreachableError(f"Chromium did not take the picture: {error or 'it did not answer'}") from error
    finally:
        with suppress(BrowserGone, CommandFailed, TimeoutError):
            await connection.call("Browser.close", seconds=5)
        connection.close()
        await chromium.end()


async def _taken(connection: Connection, html: str) -> AsyncIterator[tuple[str, bytes]]:
    target = await connection.call("Target.createTarget", {"url": "about:blank"}, seconds=30)
    attached = await connection.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
    session = attached["sessionId"]

    async def ask(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return await connection.call(method, params, session, seconds=20)

    await ask("Page.enable")
    frame = (await ask("Page.getFrameTree"))["frameTree"]["frame"]["id"]
    features = [
        {"name": "prefers-reduced-motion", "value": "reduce"},
        {"name": "prefers-color-scheme", "value": "light"},
    ]
    await ask("Emulation.setEmulatedMedia", {"features": features})
    for screen in SCREENS:
        size: dict[str, Any] = {"width": screen.width, "deviceScaleFactor": screen.scale, "mobile": screen.mobile}
        for layer, script in LAYERS:
            await ask("Emulation.setDeviceMetricsOverride", {**size, "height": screen.height})
            await ask("Page.setDocumentContent", {"frameId": frame, "html": html})
            await ask("Runtime.evaluate", {"expression": script})
            await asyncio.sleep(_SETTLED)
            if layer == "settings":
                box = (await ask("Page.getLayoutMetrics"))["cssContentSize"]
                tall = {**size, "width": min(screen.width, _DIALOG), "height": min(int(box["height"]), _TALLEST)}
                await ask("Emulation.setDeviceMetricsOverride", tall)
            taken = await ask("Page.captureScreenshot", {"format": "png"})
            yield f"{layer}-{screen.name}", base64.b64decode(taken["data"])


def names() -> Iterator[str]:
    """The names of the pictures, in the order they are taken."""
    return (f"{layer}-{screen.name}" for screen in SCREENS for layer, _ in LAYERS)

"""A banner's buttons: found in whichever frame and shadow root, pressed with the mouse or by script, watched until the
banner has gone. And what the visitor's browser holds, and what a known tool says of itself.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from scanner.browser.consent import Want, finding, tool_named
from scanner.browser.consent.closed import reach_closed_roots
from scanner.browser.pipe import CommandFailed, Json
from scanner.browser.plan import CookieToSet, KeyToSet, State
from scanner.browser.scene import ANSWERS, FrameSeen, Scene
from scanner.browser.settling import settle

APPEARS = 5.0
"""Seconds a banner or its next layer may take to show after the page has settled."""
VANISHES = 3.0
SETTLES = 8.0

_KEYS = """(() => {
  const all = (storage) => { try { return Object.entries(storage()).slice(0, 500); } catch { return []; } };
  return {origin: self.origin, local: all(() => localStorage), session: all(() => sessionStorage)};
})()"""


@dataclass(frozen=True, slots=True)
class Spot:
    """A button that was found: in which frame, and where."""

    frame: FrameSeen
    found: Json


async def state_of(scene: Scene) -> State:
    """What the browser of this visit holds: cookies, and the keys of every frame alive."""
    asked = {"browserContextId": scene.context}
    jar = (await scene.connection.call("Storage.getCookies", asked, seconds=5.0))["cookies"]
    keys: dict[KeyToSet, None] = {}
    for frame, found in await scene.evaluate_everywhere(_KEYS):
        origin = found["origin"] if found["origin"] != "null" else frame.url
        for area in ("local", "session"):
            keys |= {KeyToSet(origin, area, key, value): None for key, value in found[area]}
    return State(tuple(_cookie(cookie) for cookie in jar), tuple(keys))


def _cookie(cookie: dict[str, Any]) -> CookieToSet:
    domain = cookie["domain"]
    scheme = "https" if cookie["secure"] and cookie.get("sourceScheme") != "NonSecure" else "http"
    return CookieToSet(
        name=cookie["name"],
        value=cookie["value"],
        url=f"{scheme}://{domain.removeprefix('.')}{cookie['path']}",
        domain=domain if domain.startswith(".") else None,
        path=cookie["path"],
        secure=cookie["secure"],
        http_only=cookie["httpOnly"],
        same_site=cookie.get("sameSite"),
        expires=None if cookie.get("session") else cookie["expires"],
    )


async def banners(scene: Scene) -> list[Json]:
    """The banners that are in view."""
    await reach_closed_roots(scene)
    return [found for _, found in await scene.evaluate_everywhere(finding()) if found]


async def find(scene: Scene, want: Want) -> Spot | None:
    """The button in whichever frame has it; a known tool's before an unknown banner's, the top frame's first."""
    await reach_closed_roots(scene)
    spots = [Spot(frame, found) for frame, found in await scene.evaluate_everywhere(finding(want)) if found]
    usable = [spot for spot in spots if spot.found["chosen"] is not None]
    top = scene.top_frame
    return min(usable, key=lambda spot: (spot.found["tool"] is None, spot.frame is not top), default=None)


async def await_button(scene: Scene, want: Want) -> Spot | None:
    """The button, once it shows and can be reached; one that is there but covered after a while all the same."""
    deadline = time.monotonic() + APPEARS
    while True:
        spot = await find(scene, want)
        if (spot is not None and spot.found["hit"]) or time.monotonic() >= deadline or scene.ended.done():
            return spot
        if spot is None and want == "reject" and await find(scene, "settings") is not None:
            return None
        await asyncio.sleep(0.2)


async def push(scene: Scene, spot: Spot) -> str:
    """Press with the mouse where the button can be reached, else by script; then let the page come to rest."""
    assert scene.main is not None  # noqa: S101  # a page was found
    scene.touch()
    if spot.found["hit"] and spot.frame is scene.top_frame:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            event: Json = {"type": kind, "x": spot.found["x"], "y": spot.found["y"]}
            event |= {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
            await scene.connection.call("Input.dispatchMouseEvent", event, scene.main.id, seconds=5.0)
    else:
        await scene.evaluate(spot.frame, "globalThis.chosen.click()")
    await settle(scene, time.monotonic() + SETTLES)
    return str(spot.found["chosen"])


async def gone(scene: Scene) -> bool:
    """Does the banner go away?"""
    deadline = time.monotonic() + VANISHES
    while await banners(scene):
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.2)
    return True


async def says(scene: Scene, tool: str | None) -> str | None:
    """What a known tool itself says was chosen: accept, reject or partly; None for one that does not say."""
    said = await _ask(scene, tool, "says")
    return said if said in ("accept", "reject", "partly") else None


async def granted(scene: Scene, tool: str | None) -> list[str] | None:
    """The categories that a known tool itself says were allowed, by its own names; None for one that does not say."""
    said = await _ask(scene, tool, "granted")
    return [str(one) for one in said] if isinstance(said, list) else None


async def _ask(scene: Scene, tool: str | None, what: str) -> object:
    """Asked in the page's own world, where the tool's interface is."""
    question = tool_named(tool).get(what)
    if question is None or scene.main is None:
        return None
    asked = {"expression": f"(() => {{ try {{ return {question}; }} catch {{ return null; }} }})()"}
    try:
        answer = await scene.connection.call(
            "Runtime.evaluate", {**asked, "returnByValue": True}, scene.main.id, seconds=ANSWERS
        )
    except (CommandFailed, TimeoutError):
        return None
    return answer["result"].get("value")

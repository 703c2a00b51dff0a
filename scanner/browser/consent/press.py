"""Press a consent banner as a visitor would, and tell what became of it. Nothing is assumed: the banner must be gone,
and where the tool says itself what was chosen, it must say the same.

A refusal that the first layer does not offer is looked for behind its settings: a button there, or every switch off
and then save.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from scanner.browser.consent import Want, finding, tool_named
from scanner.browser.pipe import CommandFailed, Json
from scanner.browser.plan import CookieToSet, KeyToSet, Pressed, State
from scanner.browser.scene import FrameSeen, Scene
from scanner.browser.settling import settle

APPEARS = 3.0
"""Seconds a banner or its next layer may take to show after the page has settled."""
VANISHES = 1.5
AGAIN = 2
"""Further presses on a button that did nothing."""
SETTLES = 8.0

_KEYS = """(() => {
  const all = (storage) => { try { return Object.entries(storage()).slice(0, 500); } catch { return []; } };
  return {origin: self.origin, local: all(() => localStorage), session: all(() => sessionStorage)};
})()"""
_UNTICK = """(() => {
  const roots = [document];
  for (let at = 0; at < roots.length; at++) {
    for (const node of roots[at].querySelectorAll('*')) if (node.shadowRoot) roots.push(node.shadowRoot);
  }
  let off = 0;
  for (const root of roots) for (const box of root.querySelectorAll('input[type=checkbox], [role=switch]')) {
    const on = box.checked ?? box.getAttribute('aria-checked') === 'true';
    if (on && !box.disabled && box.getAttribute('aria-disabled') !== 'true') { box.click(); off++; }
  }
  return off;
})()"""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A button that was found: in which frame, and where."""

    frame: FrameSeen
    found: Json


async def press(scene: Scene, want: Want) -> Pressed:
    """Press accept or reject. The answer's `error` says why the state was not reached, None where it was."""
    before = await state_of(scene)
    spot = await _await_button(scene, want)
    path: list[str] = []
    if spot is None and want == "reject" and (settings := await _find(scene, "settings")) is not None:
        path.append(await _push(scene, settings))
        spot = await _await_button(scene, "reject")
        if spot is None and (save := await _await_button(scene, "save")) is not None:
            await scene.evaluate_everywhere(_UNTICK)
            spot = save
    if spot is None:
        seen = await _banners(scene)
        if not seen:
            return Pressed(want, error="the page shows no consent banner")
        texts = ", ".join(text for found in seen for text in found["buttons"][:6])
        return Pressed(want, seen[0]["tool"], error=f"the banner has no button to {want} ({texts or 'no buttons'})")
    tool = spot.found["tool"]
    path.append(await _push(scene, spot))
    gone = await _gone(scene)
    for _ in range(AGAIN):
        # A button may be there before what it does is: a visitor presses once more.
        again = None if gone else await _find(scene, want)
        if again is None or again.found["chosen"] != path[-1]:
            break
        await _push(scene, again)
        gone = await _gone(scene)
    error = None if gone else f"the banner stays after pressing {path[-1]!r}"
    said = await _says(scene, tool)
    if error is None and said not in (None, want):
        error = f"{tool} says {said!r} after pressing {path[-1]!r}"
    return Pressed(
        want, tool, tuple(path), tool if said == want else None, before=before, after=await state_of(scene), error=error
    )


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


async def _banners(scene: Scene) -> list[Json]:
    return [found for _, found in await scene.evaluate_everywhere(finding()) if found]


async def _find(scene: Scene, want: Want) -> _Spot | None:
    """The button in whichever frame has it; a known tool's before an unknown banner's, the top frame's first."""
    spots = [_Spot(frame, found) for frame, found in await scene.evaluate_everywhere(finding(want)) if found]
    usable = [spot for spot in spots if spot.found["chosen"] is not None]
    top = scene.top_frame
    return min(usable, key=lambda spot: (spot.found["tool"] is None, spot.frame is not top), default=None)


async def _await_button(scene: Scene, want: Want) -> _Spot | None:
    """The button, once it shows and can be reached; one that is there but covered after a while all the same."""
    deadline = time.monotonic() + APPEARS
    while True:
        spot = await _find(scene, want)
        if (spot is not None and spot.found["hit"]) or time.monotonic() >= deadline or scene.ended.done():
            return spot
        if spot is None and want == "reject" and await _find(scene, "settings") is not None:
            return None
        await asyncio.sleep(0.2)


async def _push(scene: Scene, spot: _Spot) -> str:
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


async def _gone(scene: Scene) -> bool:
    deadline = time.monotonic() + VANISHES
    while await _banners(scene):
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.2)
    return True


async def _says(scene: Scene, tool: str | None) -> str | None:
    """What a known tool itself says was chosen; asked in the page's own world, where its interface is."""
    question = tool_named(tool).get("says")
    if question is None or scene.main is None:
        return None
    asked = {"expression": f"(() => {{ try {{ return {question}; }} catch {{ return null; }} }})()"}
    try:
        answer = await scene.connection.call(
            "Runtime.evaluate", {**asked, "returnByValue": True}, scene.main.id, seconds=2.0
        )
    except (CommandFailed, TimeoutError):
        return None
    said = answer["result"].get("value")
    return said if said in ("accept", "reject", "partly") else None

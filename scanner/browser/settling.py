"""When a page has come to rest: no new cookie, key or request for a while after load, with a ceiling.

Not network idle: long polls never end. But a request younger than `_PATIENCE` that nobody has answered yet may still
bring a script or a cookie, so the page waits for it; without that a slow tracker is there on one run and not on the
next. Nor is silence rest where the page has no time to speak: on a busy machine it is asked first, and where the answer
is slow, another while of silence is waited for.
"""

from __future__ import annotations

import asyncio
import time

from scanner.browser.pipe import CommandFailed
from scanner.browser.scene import Scene

_PATIENCE = 4.0
_PROMPT = 0.25
"""Seconds within which a page that is at rest answers."""
_AGAIN = 2
"""Further whiles of silence that a page which answers slowly is given."""
_DRAWN = """new Promise((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 1000);
})"""
_SCROLL = """(async () => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let step = 0; step < 30 && scrollY + innerHeight < document.documentElement.scrollHeight - 1; step++) {
    scrollBy(0, innerHeight * 0.8);
    await pause(60);
  }
  scrollTo(0, 0);
})()"""


def seconds_to_wait(scene: Scene, now: float) -> float:
    """How long until the page may count as settled; 0 when it has. `now` is monotonic seconds."""
    if not scene.loaded.is_set() or any(now - open_one.sent < _PATIENCE for open_one in scene.pending.values()):
        return 0.05
    return max(0.0, scene.last_event + scene.settings.settle_seconds - now)


async def settle(scene: Scene, deadline: float) -> None:
    """Wait until the page has settled, has ended, or `deadline` (monotonic seconds) has come."""
    again = 0
    while not scene.ended.done():
        now = time.monotonic()
        wait = seconds_to_wait(scene, now)
        if wait <= 0:
            took = await _answer_takes(scene, deadline)
            slow = took is None or (took > _PROMPT and again < _AGAIN)
            if slow:
                again += took is not None
                scene.touch()
            elif seconds_to_wait(scene, now) <= 0:
                scene.settled = True
                return
            continue
        if now >= deadline:
            state = "had not settled" if scene.loaded.is_set() else "had not finished loading"
            scene.note(f"the page {state} after {scene.settings.ceiling_seconds:g} s")
            return
        await asyncio.wait({scene.ended}, timeout=min(wait, max(deadline - now, 0.01)))


async def _answer_takes(scene: Scene, deadline: float) -> float | None:
    """Seconds until every document has answered, the top one with a picture drawn; None where one does not."""
    began = time.monotonic()
    left = max(0.01, min(2.0, deadline - began))
    post = scene.connection.post
    frames = [session for session in scene.sessions.values() if session.is_document and session is not scene.main]
    asked = {post("Runtime.evaluate", {"expression": "0"}, session.id) for session in frames}
    top = scene.top_frame
    try:
        if top is not None:
            expression = _DRAWN if scene.plan.javascript else "0"  # without scripts no timer runs, ours included
            drawn = {"expression": expression, "awaitPromise": True, "contextId": await scene.world(top, seconds=left)}
            asked.add(post("Runtime.evaluate", drawn, top.session))
    except TimeoutError:
        return None
    except CommandFailed:
        pass  # the page is moving on just now
    if asked and (await asyncio.wait(asked, timeout=left))[1]:
        return None
    return time.monotonic() - began


async def scroll_and_idle(scene: Scene) -> None:
    """Scroll to the end and back, then idle, so that lazy and timer-set trackers show; then settle again."""
    assert scene.main is not None  # noqa: S101  # a visit without a page has nothing to scroll
    try:
        await scene.connection.call(
            "Runtime.evaluate", {"expression": _SCROLL, "awaitPromise": True}, scene.main.id, seconds=5.0
        )
    except (CommandFailed, TimeoutError):
        scene.note("the page could not be scrolled")
    await asyncio.wait({scene.ended}, timeout=scene.settings.idle_seconds)
    await settle(scene, time.monotonic() + scene.settings.ceiling_seconds)

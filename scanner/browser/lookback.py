"""Places that a visit has been to and that no frame shows any more: a page that moved on, a frame that was removed.

What they stored is read from blank pages of ours at the same addresses, in the same tab: the browser then answers for
the storage itself, session storage and partitioned third-party storage included. Nothing is asked of the network.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Iterable, Mapping

from scanner.browser.pipe import CommandFailed
from scanner.browser.scene import Place, Scene, origin_of

MOST = 24
"""Places read after a visit at most; a page that leads through more of them is a trap."""
SECONDS = 5.0
"""Longest wait for one blank page with its frames."""
_PATH = "/.blank-for-storage"


def lost(scene: Scene) -> dict[str, tuple[str, ...]]:
    """Origins without a frame left, by the origin of the top document they were under."""
    top = origin_of(scene.top_url)
    here = {(top, origin_of(frame.url)) for frame in scene.document_frames()}
    found: dict[str, tuple[str, ...]] = {}
    gone = [place for place in scene.places if place not in here]
    if len(gone) > MOST:
        scene.note(f"storage of {len(gone) - MOST} places that the page has left was not read")
    for above, origin in gone[:MOST]:
        found[above] = (*found.get(above, ()), origin)
    return found


def blanks(top: str, origins: Iterable[str]) -> dict[str, str]:
    """A blank page at `top` with a blank frame for every other origin: HTML by address."""
    others = [origin for origin in origins if origin != top]
    frames = "".join(f'<iframe src="{html.escape(origin + _PATH)}"></iframe>' for origin in others)
    return {top + _PATH: f"<!doctype html>{frames}", **{origin + _PATH: "<!doctype html>" for origin in others}}


def shows(past: Scene, places: frozenset[Place]) -> frozenset[str]:
    """The frames (ids) that show one of these places."""
    top = origin_of(past.top_url)
    return frozenset(frame.id for frame in past.document_frames() if (top, origin_of(frame.url)) in places)


async def open_blank(past: Scene, pages: Mapping[str, str]) -> frozenset[Place]:
    """Open the pages of `blanks`, the first of them on top; gives the places that can be asked now."""
    assert past.main is not None  # noqa: S101  # the tab of the visit that is over
    past.blanks = pages
    (top, *frames) = pages
    past.navigated = 0
    past.frames.clear()
    post = past.connection.post
    post("Network.setBypassServiceWorker", {"bypass": True}, past.main.id)
    post("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}, past.main.id)
    try:
        await past.connection.call("Page.navigate", {"url": top}, past.main.id, seconds=SECONDS)
    except (CommandFailed, TimeoutError):
        return frozenset()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        shown = {frame.url for frame in past.document_frames()}
        if past.loaded.is_set() and shown.issuperset(pages):
            break
        await asyncio.sleep(0.01)
    return frozenset((origin_of(top), origin_of(url)) for url in (top, *frames) if url in shown)

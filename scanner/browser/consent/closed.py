"""Closed shadow roots: no script can ask for one, the browser's own view of the document shows them all.

Each is handed to our world of its frame as `globalThis.closedRoots`, where the search for banners looks. That view
costs time on a large page, so it is asked for only where a closed root is known, or is in sight: a script says that it
made one; one that is written in the HTML (`shadowrootmode`) shows as an element that nothing of its own explains.
"""

from __future__ import annotations

from collections.abc import Iterator

from scanner.browser.pipe import CommandFailed, Json
from scanner.browser.scene import ANSWERS, Scene

_IN_SIGHT = """(() => {
  const hosts = /-|^(article|aside|blockquote|body|div|footer|h[1-6]|header|main|nav|p|section|span)$/;
  const empty = (node) => ![...node.childNodes].some((child) => child.nodeType === 3 ? child.data.trim()
    : child.getClientRects?.().length);
  const beside = (node, x, y) => ![...node.getClientRects()].some((box) =>
    box.left <= x && x <= box.right && box.top <= y && y <= box.bottom);
  for (const across of [0.02, 0.1, 0.5, 0.9, 0.98]) for (const down of [0.05, 0.5, 0.9, 0.98]) {
    const x = innerWidth * across, y = innerHeight * down, node = document.elementFromPoint(x, y);
    if (node && hosts.test(node.localName) && !node.shadowRoot && node !== document.body
      && (empty(node) || beside(node, x, y))) return true;
  }
  return false;
})()"""
_KEEP = "function () { (globalThis.closedRoots ??= new Set()).add(this); }"


async def reach_closed_roots(scene: Scene) -> None:
    """Make every closed root within reach; nothing to do where none is known or in sight."""
    if not scene.closed_roots:
        scene.closed_roots = any(found for _, found in await scene.evaluate_everywhere(_IN_SIGHT))
    if not scene.closed_roots:
        return
    for session in [one for one in scene.sessions.values() if one.is_document]:
        try:
            asked = {"depth": -1, "pierce": True}
            answer = await scene.connection.call("DOM.getDocument", asked, session.id, seconds=ANSWERS)
            for frame_id, node in closed_roots(answer["root"], session.target):
                if frame := scene.frames.get(frame_id):
                    where = {"backendNodeId": node, "executionContextId": await scene.world(frame)}
                    found = await scene.connection.call("DOM.resolveNode", where, session.id, seconds=ANSWERS)
                    call = {"functionDeclaration": _KEEP, "objectId": found["object"]["objectId"]}
                    await scene.connection.call("Runtime.callFunctionOn", call, session.id, seconds=ANSWERS)
        except (CommandFailed, TimeoutError):
            continue  # a frame that went away meanwhile


def closed_roots(root: Json, frame: str) -> Iterator[tuple[str, int]]:
    """(frame, backend node id) of every closed shadow root below a node of DOM.getDocument."""
    waiting = [(root, frame)]
    while waiting:
        node, within = waiting.pop()
        if node.get("shadowRootType") == "closed":
            yield within, node["backendNodeId"]
        waiting += [(child, within) for child in (*node.get("children", ()), *node.get("shadowRoots", ()))]
        if inner := node.get("contentDocument"):
            waiting.append((inner, node.get("frameId", within)))

"""Keep a scene up to date from DevTools events: frames, scripts, open requests, navigation, ends. No observing.

One table, method to function; the functions decide nothing about tracking. Runs before the observers hear an event.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from scanner.browser.pipe import Json
from scanner.browser.scene import FrameSeen, Pending, Scene, Session, origin_of

_NEVER_ENDING = frozenset({"EventSource", "WebSocket", "Media", "Prefetch", "SignedExchange"})
"""Kinds of requests that may stay open for good."""


def hear(scene: Scene, session: Session, method: str, params: Json) -> None:
    """Bring the scene up to date; an event without an entry in the table is of no interest here."""
    if (update := _UPDATES.get(method)) is not None:
        update(scene, session, params)


def _script_parsed(scene: Scene, session: Session, params: Json) -> None:
    scene.scripts.parsed(session.id, params)


def _context_created(scene: Scene, session: Session, params: Json) -> None:
    context = params["context"]
    data = context.get("auxData") or {}
    if data.get("isDefault", not session.is_document):
        session.contexts[data.get("frameId", "")] = context["id"]


def _contexts_cleared(scene: Scene, session: Session, params: Json) -> None:
    session.contexts.clear()


def _request_sent(scene: Scene, session: Session, params: Json) -> None:
    url, kind = params["request"]["url"], params.get("type", "Other")
    if url.startswith("data:"):
        return
    scene.touch()
    if kind not in _NEVER_ENDING:
        frame, loader = params.get("frameId", ""), params.get("loaderId", "")
        scene.pending[params["requestId"]] = Pending(time.monotonic(), frame, loader, kind == "Ping")
    if kind == "Document":
        scene.scripts.documents.add(url)
        if _is_top(scene, params.get("frameId")):
            scene.document = params["requestId"]
            _top_request(scene, params)
    if kind in ("Script", "Document", "Other"):
        scene.scripts.requested(session.id, url, params.get("initiator", {}))


def _top_request(scene: Scene, params: Json) -> None:
    if redirect := params.get("redirectResponse"):
        scene.redirects.append(redirect["url"])
    elif scene.answered:
        scene.redirects.append(scene.top_url)


def _response(scene: Scene, session: Session, params: Json) -> None:
    scene.touch()
    if params.get("type") == "Document" and _is_top(scene, params.get("frameId")):
        scene.answered = True
        scene.status = params["response"].get("status")
    if params.get("type") in _NEVER_ENDING or params["response"].get("mimeType") == "text/event-stream":
        scene.pending.pop(params["requestId"], None)


def _data(scene: Scene, session: Session, params: Json) -> None:
    """Stop at an answer without measure: Chromium would keep all of it, and a compressed one is larger inside."""
    request, limit = params["requestId"], scene.settings.response_bytes
    before = scene.received.get(request, 0)
    scene.received[request] = before + params.get("dataLength", 0)
    if before <= limit < scene.received[request]:
        scene.connection.post("Page.stopLoading", {}, session.id)
        words = f"larger than {limit / 1e6:g} MB"
        if request == scene.document:
            scene.end(f"the page is {words}")
        else:
            scene.note(f"an answer was {words}; loading was stopped")


def _request_over(scene: Scene, session: Session, params: Json) -> None:
    if scene.pending.pop(params["requestId"], None) is not None:
        scene.touch()


def _frame_navigated(scene: Scene, session: Session, params: Json) -> None:
    frame = params["frame"]
    scene.forget_world(frame["id"])
    url = frame["url"] + frame.get("urlFragment", "")
    scene.frames[frame["id"]] = FrameSeen(frame["id"], session.id, frame["url"], frame.get("parentId"))
    scene.scripts.documents.add(frame["url"])
    top = _is_top(scene, frame["id"])
    _drop_left_behind(scene, frame["id"], frame.get("loaderId", ""), top=top)
    if top and frame["url"] != "about:blank":
        _top_navigated(scene, frame, url)
    if (origin := origin_of(frame["url"])).startswith(("http:", "https:")):
        scene.places[origin if top else origin_of(scene.top_url), origin] = None


def _drop_left_behind(scene: Scene, frame: str, loader: str, *, top: bool) -> None:
    """Nobody tells how the requests of a document end that another one has replaced; its frames go with it."""
    for request, held in list(scene.pending.items()):
        if held.loader != loader and not held.outlives and (top or held.frame == frame):
            del scene.pending[request]


def _top_navigated(scene: Scene, frame: Json, url: str) -> None:
    scene.top_url = frame.get("unreachableUrl") or url
    scene.loaded.clear()
    scene.touch()
    scene.navigated += 1
    if scene.navigated > scene.settings.navigations:
        scene.end(f"the page navigates by itself without end (more than {scene.settings.navigations} times)")


def _navigated_within(scene: Scene, session: Session, params: Json) -> None:
    if _is_top(scene, params["frameId"]):
        scene.top_url = params["url"]


def _frame_attached(scene: Scene, session: Session, params: Json) -> None:
    scene.touch()
    scene.scripts.attached(session.id, params["frameId"], params.get("stack"))
    scene.frames.setdefault(
        params["frameId"], FrameSeen(params["frameId"], session.id, "about:blank", params["parentFrameId"])
    )


def _frame_detached(scene: Scene, session: Session, params: Json) -> None:
    held = scene.frames.get(params["frameId"])
    if params.get("reason") != "swap" and held is not None and held.session == session.id:
        del scene.frames[params["frameId"]]


def _load_fired(scene: Scene, session: Session, params: Json) -> None:
    if session is scene.main and scene.navigated:
        scene.loaded.set()


def _dialog(scene: Scene, session: Session, params: Json) -> None:
    scene.note(f"a {params.get('type', 'dialog')} dialog was answered with OK")
    scene.connection.post("Page.handleJavaScriptDialog", {"accept": True}, session.id)


def _crashed(scene: Scene, session: Session, params: Json) -> None:
    if session is scene.main:
        scene.crashed = True
        scene.end("the page's renderer process crashed")
    else:
        scene.note(f"a {session.kind} crashed: {session.url}")


def _is_top(scene: Scene, frame: str | None) -> bool:
    return scene.main is not None and frame == scene.main.target


_UPDATES: dict[str, Callable[[Scene, Session, Json], None]] = {
    "Debugger.scriptParsed": _script_parsed,
    "Runtime.executionContextCreated": _context_created,
    "Runtime.executionContextsCleared": _contexts_cleared,
    "Network.requestWillBeSent": _request_sent,
    "Network.responseReceived": _response,
    "Network.dataReceived": _data,
    "Network.loadingFinished": _request_over,
    "Network.loadingFailed": _request_over,
    "Page.frameNavigated": _frame_navigated,
    "Page.navigatedWithinDocument": _navigated_within,
    "Page.frameAttached": _frame_attached,
    "Page.frameDetached": _frame_detached,
    "Page.loadEventFired": _load_fired,
    "Page.javascriptDialogOpening": _dialog,
    "Inspector.targetCrashed": _crashed,
}

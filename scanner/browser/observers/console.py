"""Errors the page itself reports: uncaught exceptions, console.error, and the browser's own log."""

from __future__ import annotations

from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import Scene, Session

_MOST = 200


class Console(Observer):
    name = "console errors"
    hears = frozenset({"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._errors: dict[str, None] = {}

    def event(self, session: Session, method: str, params: Json) -> None:
        text = ""
        match method:
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                text = (details.get("exception") or {}).get("description") or details.get("text", "")
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                text = " ".join(str(arg.get("value", arg.get("description", ""))) for arg in params["args"])
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                entry = params["entry"]
                text = f"{entry['text']} {entry.get('url', '')}".strip()
        if text and len(self._errors) < _MOST:
            self._errors[text[:500]] = None

    def write(self, draft: Draft) -> None:
        draft.console_errors = list(self._errors)

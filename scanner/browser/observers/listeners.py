"""Keystroke and session-replay listeners: who hears keys, pointer, scrolling and changes of the whole page.

keystrokes: a script from another site listens for keys on the page or on its fields. session_replay: one script hears
keys, pointer and scrolling and watches the page's changes too, as only a recorder needs (Acar and others,
"No boundaries", 2020); the site's own recorder counts as well.
"""

from __future__ import annotations

from policies.observation import Technique
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.scene import Report, Scene

_RECORDER = frozenset({"pointer", "scroll", "changes"})


class Listeners(Observer):
    name = "listeners"
    hook = "listeners"
    says = frozenset({"listener"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._parts: dict[str, set[str]] = {}

    def report(self, report: Report) -> None:
        self._parts.setdefault(report.script, set()).add(report.data["part"])

    def write(self, draft: Draft) -> None:
        for script, parts in sorted(self._parts.items()):
            kinds = []
            if parts >= _RECORDER | {"keys"}:
                kinds.append("session_replay")
            if "keys" in parts and self.scene.third_party(script):
                kinds.append("keystrokes")
            detail = f"listens for {', '.join(sorted(parts))}"
            draft.techniques += [
                Technique(kind=kind, script=script, page=self.scene.url, detail=detail) for kind in kinds
            ]

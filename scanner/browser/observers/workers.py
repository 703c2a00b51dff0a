"""Service and shared workers: they outlive the page and may send while nobody looks."""

from __future__ import annotations

from policies.observation import Technique
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import Scene, Session

_KINDS = frozenset({"service_worker", "shared_worker"})


class Workers(Observer):
    name = "service workers"
    hears = frozenset({"Target.attachedToTarget"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._seen: dict[tuple[str, str], None] = {}

    def event(self, session: Session, method: str, params: Json) -> None:
        if session.kind in _KINDS:
            self._seen[session.kind, session.url] = None

    def write(self, draft: Draft) -> None:
        draft.techniques += [
            Technique(kind=kind, script=url, page=self.scene.url, detail=f"a {kind.replace('_', ' ')} was installed")
            for kind, url in self._seen
        ]

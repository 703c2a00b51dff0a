"""IndexedDB databases and Cache API caches of every frame's origin, and the script that opened them first."""

from __future__ import annotations

from typing import Literal

from policies.observation import ObservedKey, Setter
from scanner.browser.lookback import shows
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import FrameSeen, Place, Report, Scene, origin_of

_ASK = """(async () => {
  const names = async (list) => { try { return await list(); } catch { return []; } };
  return {origin: self.origin,
    indexeddb: (await names(() => indexedDB.databases())).map((database) => database.name),
    cache: await names(() => caches.keys())};
})()"""


class Databases(Observer):
    name = "databases and caches"
    says = frozenset({"key"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._setters: dict[tuple[str, str, str], dict[str, Setter]] = {}
        self._present: set[tuple[str, str, str]] = set()
        self._looked_at: set[str] = set()

    def report(self, report: Report) -> None:
        kind, origin, key = report.data["area"], report.data["origin"], report.data["key"]
        if kind in ("indexeddb", "cache"):
            self.scene.learns(kind, origin, key, report.script)
            setter = Setter(kind="js", url=report.script, stack=report.chain)
            self._setters.setdefault((kind, origin, key), {}).setdefault(setter.url, setter)

    async def look(self) -> None:
        for frame, found in await self.scene.evaluate_everywhere(_ASK):
            self._hold(frame, found)

    async def look_back(self, past: Scene, places: frozenset[Place]) -> None:
        wanted = shows(past, places)
        for frame, found in await past.evaluate_everywhere(_ASK):
            if frame.id in wanted:
                self._hold(frame, found)

    def _hold(self, frame: FrameSeen, found: Json) -> None:
        origin = found["origin"] or origin_of(frame.url)
        self._looked_at.add(origin)
        for kind in ("indexeddb", "cache"):
            self._present |= {(kind, origin, name) for name in found[kind]}

    def write(self, draft: Draft) -> None:
        # An origin that could not be asked (a worker's) keeps what was opened there.
        unasked = {place for place in self._setters if place[1] not in self._looked_at}
        for kind, origin, key in sorted(self._present | unasked):
            area: Literal["indexeddb", "cache"] = "indexeddb" if kind == "indexeddb" else "cache"
            setters = tuple(self._setters.get((kind, origin, key), {}).values())
            draft.storage.append(
                ObservedKey(kind=area, origin=origin, key=key, set_by=setters, pages=(self.scene.url,))
            )

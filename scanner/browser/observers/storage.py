"""Keys in localStorage and sessionStorage: what is there once the page has settled, in every frame, and who wrote it.

DevTools tells every addition and removal as it happens, so that what a page left behind before it navigated away is
known too. A key written as a property (`localStorage.x = 1`) passes no method: its setter is the script that last
touched the storage object.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from policies.observation import ObservedKey, Setter
from scanner.browser.lookback import shows
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import Place, Report, Scene, Session, origin_of

_ASK = """(() => {
  const keys = (storage) => { try {
    return Object.entries(storage()).map(([key, value]) => [key, value.slice(0, 4096)]);
  } catch { return null; } };
  return {origin: self.origin, local: keys(() => localStorage), session: keys(() => sessionStorage)};
})()"""

Area = tuple[str, str]
"""Kind (local or session) and origin."""


class Storage(Observer):
    name = "storage"
    hook = "storage"
    hears = frozenset(
        {
            "DOMStorage.domStorageItemAdded",
            "DOMStorage.domStorageItemUpdated",
            "DOMStorage.domStorageItemRemoved",
            "DOMStorage.domStorageItemsCleared",
        }
    )
    says = frozenset({"key", "key-gone", "keys", "touch", "last-moment"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._present: dict[Area, dict[str, None]] = {}
        self._held: dict[Area, dict[str, None]] = {}
        """What frames said they hold; it goes before what events told."""
        self._values: dict[tuple[str, str, str], str] = {}
        self._setters: dict[tuple[Area, str], dict[str, Setter]] = {}
        self._touched: dict[Area, Setter] = {}
        self._by_property: dict[tuple[Area, str], Setter] = {}
        self._waiting: dict[str, dict[str, Setter]] = {}
        """Who waits for the last moment of a document, by origin: of what is written then nothing is heard."""

    def report(self, report: Report) -> None:
        data = report.data
        if report.kind == "last-moment":
            waiting = Setter(kind="js", url=report.script, stack=report.chain)
            self._waiting.setdefault(data["origin"], {}).setdefault(report.script, waiting)
            return
        if data["area"] not in ("local", "session"):
            return
        area = (data["area"], data["origin"])
        setter = Setter(kind="js", url=report.script, stack=report.chain)
        keys = self._present.setdefault(area, {})
        match report.kind:
            case "touch":
                self._touched[area] = setter
            case "keys":
                keys.update(dict.fromkeys(data["keys"]))
                for key in data["keys"]:
                    self._blame_toucher(area, key)
            case "key-gone" if data["key"] is None:
                keys.clear()
            case "key-gone":
                keys.pop(data["key"], None)
            case _:
                self.scene.learns(*area, data["key"], setter.url)
                keys[data["key"]] = None
                self._setters.setdefault((area, data["key"]), {}).setdefault(setter.url, setter)

    def _blame_toucher(self, area: Area, key: str) -> None:
        if (area, key) not in self._setters and area in self._touched:
            self._by_property.setdefault((area, key), self._touched[area])

    def event(self, session: Session, method: str, params: Json) -> None:
        storage = params["storageId"]
        origin = _origin(storage)
        area = ("local" if storage["isLocalStorage"] else "session", origin)
        keys = self._present.setdefault(area, {})
        match method:
            case "DOMStorage.domStorageItemsCleared":
                keys.clear()
            case "DOMStorage.domStorageItemRemoved":
                keys.pop(params["key"], None)
            case _:
                self.scene.learns(*area, params["key"])
                keys[params["key"]] = None
                self._blame_toucher(area, params["key"])

    async def look(self) -> None:
        """Where a frame is left to ask, what it holds is the truth."""
        held: dict[Area, dict[str, None]] = {}
        for _, found in await self.scene.evaluate_everywhere(_ASK):
            for kind in ("local", "session"):
                if found[kind] is not None:
                    self._take(held, (kind, found["origin"]), found[kind])
        self._hold(held)

    async def look_back(self, past: Scene, places: frozenset[Place]) -> None:
        """What is stored at a place without a frame: the events of its last moments are lost with its process."""
        wanted = shows(past, places)
        held: dict[Area, dict[str, None]] = {}
        for frame, found in await past.evaluate_everywhere(_ASK):
            for kind in ("local", "session"):
                if frame.id in wanted and found[kind] is not None:
                    area = (kind, found["origin"])
                    self._take(held, area, found[kind])
                    held[area] |= dict.fromkeys(self._held.get(area, ()))
        self._hold(held)

    def _take(self, held: dict[Area, dict[str, None]], area: Area, entries: list[tuple[str, str]]) -> None:
        held.setdefault(area, {}).update((key, None) for key, _ in entries)
        for key, value in entries:
            self._values.setdefault((*area, key), value)

    def _hold(self, held: dict[Area, dict[str, None]]) -> None:
        for area, keys in held.items():
            for key in keys:
                self._blame_toucher(area, key)
        self._held |= held
        self._present |= held

    def write(self, draft: Draft) -> None:
        draft.values = self._values
        given = {((key.area, key.origin), key.key) for key in self.scene.plan.keys}
        for (kind, origin), keys in self._present.items():
            for key in keys:
                place = ((kind, origin), key)
                if place in given and place not in self._setters:
                    continue  # the visitor brought it along
                called = tuple(self._setters.get(place, {}).values())
                by_property = (self._by_property[place],) if place in self._by_property else ()
                waiting = tuple(self._waiting.get(origin, {}).values())
                suspected = waiting if len(waiting) == 1 else ()
                draft.storage.append(
                    ObservedKey(
                        kind="local" if kind == "local" else "session",
                        origin=origin,
                        key=key,
                        set_by=called or by_property or suspected,
                        pages=(self.scene.url,),
                    )
                )


def _origin(storage: Json) -> str:
    """The origin of a storage area; a partitioned key (`https://a/^0https://b`) names its own origin first."""
    key = storage.get("securityOrigin") or storage.get("storageKey", "").partition("^")[0]
    return origin_of(key) or urlsplit(key).path

"""Who wrote a cookie in the last moment of a document: its process ends before its hooks can be heard.

Found by elimination: a cookie in the jar that no answer and no script is known to have set, where exactly one script
waited for the end (`pagehide` and its like) of a document on a host that may set it.
"""

from __future__ import annotations

from policies.cookie import domain_matches
from policies.observation import Setter
from scanner.browser.cookies import Key
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.scene import Report, Scene, host_of


class LastMoments(Observer):
    name = "last moments"
    hook = "listeners"
    says = frozenset({"last-moment"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._waiting: dict[tuple[str, str], Setter] = {}

    def report(self, report: Report) -> None:
        setter = Setter(kind="js", url=report.script, stack=report.chain)
        self._waiting.setdefault((host_of(report.data["origin"]), report.script), setter)

    def write(self, draft: Draft) -> None:
        explained = {write.key[:4] for write in draft.writes}
        for cookie in draft.jar or ():
            if cookie.key[:4] not in explained and not cookie.http_only:
                fitting = {setter.url: setter for setter in self._may_have_set(cookie.key)}
                if len(fitting) == 1:
                    draft.suspects[cookie.key] = next(iter(fitting.values()))

    def _may_have_set(self, key: Key) -> list[Setter]:
        _, domain, host_only, *_ = key
        return [
            setter
            for (host, _), setter in self._waiting.items()
            if host == domain or (not host_only and domain_matches(host, domain))
        ]

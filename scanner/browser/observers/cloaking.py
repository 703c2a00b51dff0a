"""CNAME cloaking: a name of the site's own that DNS says is another site's, so that its cookies count as first-party.

Reported for every host under the site's domain that a page contacts and whose alias leads to another site (Dao and
others, "Characterizing CNAME Cloaking-Based Tracking", 2020). A content network's alias is one, too: what it serves
tells the two apart, and the detail names the target.
"""

from __future__ import annotations

import asyncio

from policies.observation import Technique
from policies.party import same_site
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import Scene, Session, host_of

_MOST = 50


class Cloaking(Observer):
    name = "aliases of host names"
    hears = frozenset({"Network.requestWillBeSent", "Network.webSocketCreated"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._first: dict[str, str] = {}
        """Host to the first address of it that was asked for; a script's, where there is one."""
        self._leads: dict[str, str] = {}

    def event(self, session: Session, method: str, params: Json) -> None:
        url = params["url"] if method == "Network.webSocketCreated" else params["request"]["url"]
        host = host_of(url)
        if host and len(self._first) < _MOST and (host not in self._first or params.get("type") == "Script"):
            self._first[host] = url

    async def look(self) -> None:
        aliases = self.scene.plan.aliases
        if aliases is None:
            return
        site = self.scene.site_host
        own = [host for host in self._first if host != site and same_site(host, site)]
        for host, chain in zip(own, await asyncio.gather(*(aliases(host) for host in own)), strict=True):
            other = next((target for target in chain if not same_site(target, site)), None)
            if other is not None:
                self._leads[host] = other

    def write(self, draft: Draft) -> None:
        for host, other in sorted(self._leads.items()):
            draft.techniques.append(
                Technique(
                    kind="cname", script=self._first[host], page=self.scene.url, detail=f"{host} is an alias of {other}"
                )
            )

"""Cookies of answers whose headers Chromium shows to nobody: another site's WebSocket handshake, a shared worker's.

They are found by elimination: every other answer's lines and every write by script are known, so a cookie in the jar
that none of them set, on a host that gave exactly one such answer in this visit, came with that answer.
"""

from __future__ import annotations

from policies.cookie import domain_matches
from policies.observation import Setter
from scanner.browser.cookies import CookieWrite, JarCookie, snapped
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.requests import Hop
from scanner.browser.scene import host_of

_TAKEN = 101
"""The status of a handshake that was agreed to (RFC 6455 4.2.2)."""

_SHARED = "shared_worker"


class HiddenCookies(Observer):
    name = "cookies of hidden answers"

    def write(self, draft: Draft) -> None:
        hidden = {hop.url: hop for hop in draft.hops if _is_hidden(hop)}
        explained = {write.key[:4] for write in draft.writes}
        given = {cookie.place for cookie in self.scene.plan.cookies}
        for cookie in draft.jar or () if hidden else ():
            name, domain, host_only, path, _ = cookie.key
            brought = (name, domain if host_only else f".{domain}", path) in given
            fitting = [hop for hop in hidden.values() if _may_set(hop, domain, host_only=host_only)]
            if cookie.key[:4] not in explained and not brought and len(fitting) == 1:
                draft.writes.append(self._write_of(cookie, fitting[0]))

    def _write_of(self, cookie: JarCookie, hop: Hop) -> CookieWrite:
        return CookieWrite(
            key=cookie.key,
            at=hop.at,
            value=cookie.value,
            lifetime=None if cookie.expires is None else snapped(round(cookie.expires - hop.at)),
            setter=Setter(kind="http", url=hop.url, stack=self.scene.scripts.chain(hop.initiator)),
            secure=cookie.secure,
            http_only=cookie.http_only,
            same_site=cookie.same_site,
            kept=True,
        )


def _is_hidden(hop: Hop) -> bool:
    if hop.kind == "websocket":
        return hop.status == _TAKEN
    return hop.asker == _SHARED and hop.headers is None and hop.status is not None


def _may_set(hop: Hop, domain: str, *, host_only: bool) -> bool:
    host = host_of(hop.url)
    return host == domain or (not host_only and domain_matches(host, domain))

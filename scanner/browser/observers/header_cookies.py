"""Cookies by header: every Set-Cookie line of every hop, stored or blocked with the browser's own reasons."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from policies.cookie import parse_cookie_date, parse_set_cookie
from policies.observation import Setter
from scanner.browser.cookies import CookieWrite, write_of
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.requests import Hop


class HeaderCookies(Observer):
    name = "cookies by header"

    def write(self, draft: Draft) -> None:
        for hop in draft.hops:
            for line in (hop.header("set-cookie") or "").split("\n"):
                if line and (write := self._write_of(hop, line)) is not None:
                    draft.writes.append(write)

    def _write_of(self, hop: Hop, line: str) -> CookieWrite | None:
        asked = parse_set_cookie(line.encode("utf-8", "surrogateescape"))
        if asked is None:
            return None
        refused = tuple(
            reason
            for entry in hop.blocked_set
            if entry.get("cookieLine") == line
            for reason in entry.get("blockedReasons", ())
        )
        # The server computed Expires from its own clock, which its Date header shows.
        date = parse_cookie_date((hop.header("date") or "").encode("latin-1", "replace"))
        parts = urlsplit(hop.url)
        host = parts.hostname or ""
        write = write_of(
            asked,
            host=host,
            path=parts.path or "/",
            secure=parts.scheme in ("https", "wss") or host == "localhost" or host.endswith(".localhost"),
            at=float(date) if date is not None else hop.at,
            setter=Setter(kind="http", url=hop.url, stack=self.scene.scripts.chain(hop.initiator)),
            blocked=refused,
            kept=not refused,
        )
        # On our own clock again, so that writes by header and by script keep their order.
        return replace(write, at=hop.at or write.at)

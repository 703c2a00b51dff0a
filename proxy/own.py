"""The proxy's own addresses: health, reports, gpc.json, hash-named assets; the rest under /.samtykke/ is the desk's.

They are answered for every site, whatever the mode, and never reach the site.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from proxy.csp import OWN_PATH
from proxy.headers import Fields
from proxy.ledger import Ledger
from proxy.pages import Page, phrase, problem
from proxy.parts import Parts
from proxy.reply import Reply
from proxy.reports import LONGEST, Allowance, ReportError, parse
from proxy.sites import Site

HEALTH_PATH = "/.samtykke/health"
GPC_PATH = "/.well-known/gpc.json"
_IMMUTABLE = (("Cache-Control", "public, max-age=31536000, immutable"), ("X-Content-Type-Options", "nosniff"))
_NO_STORE = (("Cache-Control", "no-store"),)


def is_own(path: str) -> bool:
    return path.startswith(OWN_PATH) or path in {GPC_PATH, OWN_PATH.rstrip("/")}


def page(status: int, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = _NO_STORE) -> Page:
    return Page(status, phrase(status).encode(), (("Content-Type", content_type), *headers), body)


class OwnAddresses:
    """`clock` gives UTC epoch seconds, `since` is when the signal GPC was first honoured here."""

    def __init__(self, parts: Parts, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._parts = parts
        self._ledger = ledger
        self._clock = clock
        self._allowance = Allowance()
        self._since = datetime.fromtimestamp(clock(), UTC).strftime("%Y-%m-%d")

    def asset(self, site: Site, path: str) -> Page | None:
        """A hash-named file of the guard: it never changes, so it may be kept for ever."""
        found = site.asset(path)
        return page(200, found.body, found.content_type, _IMMUTABLE) if found is not None else None

    def gpc(self) -> Page:
        """Global Privacy Control support resource."""
        body = json.dumps({"gpc": True, "lastUpdate": self._since}).encode()
        return page(200, body, "application/json", (("Cache-Control", "public, max-age=86400"),))

    def health(self, site: Site | None, *, ready: bool, upstream: bool) -> Page:
        """Contract: live, ready, log, policy, upstream."""
        log = self._parts.log_trouble() is None
        state = {
            "live": True,
            "ready": ready and log,
            "log": log,
            "policy": site.rules.policy_hash if site is not None else None,
            "upstream": upstream,
        }
        return page(200 if state["ready"] else 503, json.dumps(state).encode() + b"\n", "application/json")

    async def report(self, request: web.BaseRequest, site: Site, request_id: str, *, client: str) -> Page:
        """Take a browser's report: 204, 400, 405, 413, 429. `client` is the visitor's address, for the limit only."""
        if request.method != "POST":
            return problem(405, request_id)
        if not self._allowance.take(client, self._clock()):
            return problem(429, request_id)
        body = b""
        while piece := await request.content.readany():
            body += piece
            if len(body) > LONGEST:
                return problem(413, request_id)
        try:
            violations = parse(request.headers.get("Content-Type", ""), body)
        except ReportError as error:
            return problem(error.status, request_id)
        for violation in violations:
            self._ledger.see(site.name, "csp", violation.subject, f"{violation.directive} {violation.path}")
        return page(204, b"", "text/plain")


async def send(reply: Reply, answer: Page) -> None:
    """Write a page of our own."""
    fields = Fields((name.encode(), value.encode()) for name, value in answer.headers)
    await reply.whole(answer.status, answer.reason, fields, answer.body)

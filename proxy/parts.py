"""What the data plane asks of its neighbours: the consent desk, the guard, the rewriting of documents.

Interfaces only, so that each can be switched off, and a failing one costs only its own column. The real ones live in
`proxy.consent`, `proxy.guard` and `proxy.html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from policies.purpose import Consent
from policies.rules import Rules
from policies.verdict import Verdict
from proxy.exchange import Exchange
from proxy.sites import Site


class Visitor(Protocol):
    """Who a request is from, as far as consent goes."""

    @property
    def consent(self) -> Consent: ...
    @property
    def prompt(self) -> bool:
        """Is the banner to be shown?"""

    @property
    def set_cookies(self) -> Sequence[str]:
        """Set-Cookie lines to add to the answer."""


class Desk(Protocol):
    """Remembers, asks and answers visitors."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    def visitor(self, site: Site, cookie: bytes | None, *, gpc: bool, now: float) -> Visitor: ...
    def banner(self, site: Site, visitor: Visitor, exchange: Exchange, *, accept_language: str) -> bytes:
        """Markup for the end of the body."""

    async def handle(self, request: web.BaseRequest, site: Site, visitor: Visitor) -> web.StreamResponse:
        """Answer an address under /.samtykke/."""

    def ready(self) -> bool:
        """Can choices be logged?"""


class Guard(Protocol):
    """The script that holds what a page makes at run time."""

    @property
    def assets(self) -> Mapping[str, tuple[bytes, str]]:
        """Path under /.samtykke/ -> bytes and content type; names carry a hash, so they never change."""

    def tags(self, rules: Rules, exchange: Exchange) -> bytes:
        """Markup for the start of the head."""

    def script_hash(self, rules: Rules) -> str | None:
        """`sha256-...` of the guard for policies with 'strict-dynamic'."""


class Document(Protocol):
    """One document on its way: feed/close."""

    @property
    def content_type(self) -> bytes | None:
        """What to send as Content-Type instead, where the charset was changed; None: as it came."""

    def feed(self, data: bytes) -> bytes: ...
    def close(self) -> bytes: ...
    def rest(self, error: Exception) -> bytes:
        """After feed or close raised: what was taken in and not given out, as it came."""

    def notes(self) -> Iterable[Verdict]:
        """What was neutralised."""


class Documents(Protocol):
    """Opens documents."""

    def is_document(self, content_type: bytes | None, head: bytes) -> bool:
        """By type, or by the first bytes where there is no type."""

    def open(
        self, exchange: Exchange, content_type: bytes | None, head: bytes, *, first: bytes, last: bytes
    ) -> Document:
        """`head`: the first bytes; `first` and `last`: markup to inject at the start of head and the end of body."""


@dataclass(frozen=True, slots=True)
class Parts:
    """None where a part is switched off."""

    desk: Desk | None = None
    guard: Guard | None = None
    documents: Documents | None = None

"""Who has arrived and what for: address, scheme, visitor, and the record of the exchange that begins. No I/O.

What a visitor says about himself (X-Forwarded-*) counts only where a trusted proxy in front has said it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from policies.purpose import UNDECIDED, Consent
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Visitor
from proxy.exchange import Exchange, Role, role_of
from proxy.headers import Fields
from proxy.parts import Parts
from proxy.recent import Audience, Known, Room
from proxy.settings import ProxySettings
from proxy.sites import Site
from proxy.visitor import Received

_BY_SCRIPT = frozenset({b"hx-request", b"turbo-frame", b"x-requested-with", b"x-pjax"})
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


_KNOWN = 4096
"""Visitors recognised within one second that are kept."""
_AUDIENCES = 1024
_ROOM = 16_777_216
"""Bytes of outcomes that are kept within one second: the documents among them may be remembered no longer."""
_CONDITIONAL = frozenset(
    {b"range", b"if-range", b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since"}
)


class _Said(NamedTuple):
    """All that recognising somebody depends on, the time aside."""

    notice: SiteNotice
    cookies: bytes | None
    gpc: bool
    secure: bool
    address: str
    agent: bytes | None


class Arrivals:
    """`clock` gives UTC epoch seconds."""

    def __init__(self, settings: ProxySettings, parts: Parts, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._parts = parts
        self._clock = clock
        self._known: dict[tuple[object, ...], tuple[SiteNotice, Visitor]] = {}
        self._audiences: dict[tuple[object, ...], Audience] = {}
        self._room = Room(_ROOM)

    def known(self, received: Received) -> Known | None:
        """What was found out about such a request within this second, if the rules are still the same."""
        if received.alike is None:
            return None
        found = received.alike.known.get(received.remote)
        return found if found is not None and found.holds else None

    def found(self, received: Received, site: Site, host: str, scheme: str, visitor: Visitor | None) -> Known:
        """What is known of a request now. Kept for a second, unless recognising the visitor had a consequence."""
        fields = received.fields
        role = _role(fields, received.method)
        said_so = fields.get(b"sec-fetch-dest") is not None or b"html" in (fields.get(b"accept") or b"")
        known = Known(
            site=site,
            rules=site.rules,
            notice=site.notice,
            host=host.removesuffix(_DEFAULT_PORTS[scheme]),
            scheme=scheme,
            role=role,
            navigates=role in {"page", "frame"} and said_so,
            visitor=visitor,
        )
        if received.alike is not None and (visitor is None or not visitor.has_consequence):
            received.alike.known[received.remote] = known
            known.audience = self._audience(received, known)
        return known

    def _audience(self, received: Received, known: Known) -> Audience | None:
        """Whom this visitor has all in common with that decides what an answer becomes, the answer aside."""
        settings, visitor, fields = self._settings, known.visitor, received.fields
        if settings.mode != "enforce" or settings.request_id or received.method != "GET":
            return None
        if not _CONDITIONAL.isdisjoint(fields.names) or self._fresh(known):
            return None
        of = (known.site, known.rules, known.notice)
        key = (
            *map(id, of), known.host, known.scheme, known.role, known.navigates, self._consent(visitor),
            visitor is None, visitor is not None and visitor.prompt, visitor.confirmed if visitor is not None else None,
            fields.joined(b"accept-encoding"), fields.joined(b"accept-language"),
        )  # fmt: skip
        if (found := self._audiences.get(key)) is None:
            if len(self._audiences) >= _AUDIENCES:
                self._audiences.clear()
            found = self._audiences[key] = Audience(of, self._room)
        return found

    def _consent(self, visitor: Visitor | None) -> Consent:
        """By which this visitor's answers are judged."""
        return visitor.consent if visitor is not None and self._settings.render != "shared" else UNDECIDED

    def _fresh(self, known: Known) -> bool:
        """Does a document for this visitor hold something that expires?"""
        visitor = known.visitor
        return known.role == "page" and self._settings.render != "shared" and visitor is not None and visitor.prompt

    def exchange(self, known: Known, method: str, path: str, request_id: str) -> Exchange:
        """The record of the exchange that begins."""
        settings = self._settings
        return Exchange(
            site=known.site.name,
            rules=known.rules,
            consent=self._consent(known.visitor),
            method=method,
            scheme=known.scheme,
            host=known.host,
            path=path,
            role=known.role,
            now=self._clock(),
            request_id=request_id,
            navigates=known.navigates,
            own_csp=known.site.own_csp,
            render=settings.render,
            csp_undecided=settings.csp_undecided,
            csp_enforced=settings.csp == "enforce",
            consent_header=settings.consent_header,
            fresh=self._fresh(known),
        )

    def forget(self) -> None:
        """To be called every second."""
        self._known.clear()
        self._audiences.clear()
        self._room = Room(_ROOM)

    def visitor(self, received: Received, site: Site, scheme: str) -> Visitor | None:
        """Who asks. One page's files follow each other closely: whom we have just recognised we know for a second,
        unless recognising him had a consequence, such as a cookie to be set."""
        if self._parts.desk is None:
            return None
        fields = received.fields
        said = _Said(
            site.notice,
            b"; ".join(fields.all(b"cookie")) or None,
            fields.get(b"sec-gpc") == b"1",
            scheme == "https",
            self.client(received),
            fields.get(b"user-agent"),
        )
        if len(self._known) >= _KNOWN:
            self._known.clear()
        key = (id(said.notice), *said[1:])
        if (known := self._known.get(key)) is not None and known[0] is said.notice:
            return known[1]
        visitor = self._parts.desk.visitor(
            said.cookies,
            gpc=said.gpc,
            site=said.notice,
            secure=said.secure,
            address=said.address,
            agent=(said.agent or b"").decode("latin-1") or None,
        )
        if not visitor.has_consequence:
            self._known[key] = (said.notice, visitor)
        return visitor

    def client(self, received: Received) -> str:
        """The visitor's address: the last one in X-Forwarded-For that no trusted proxy of ours has."""
        peer = received.remote
        if not self._settings.trusts(peer):
            return peer
        told = (received.fields.joined(b"x-forwarded-for") or b"").decode("latin-1")
        for address in reversed([part.strip() for part in told.split(",") if part.strip()]):
            if not self._settings.trusts(address):
                return address
        return peer

    def scheme(self, received: Received) -> str:
        """How the visitor reached us; a trusted proxy in front may say so."""
        if self._settings.trusts(received.remote):
            told = (received.fields.get(b"x-forwarded-proto") or b"").partition(b",")[0].strip().lower()
            if told in {b"http", b"https"}:
                return told.decode()
        return "https" if self._settings.certificate else "http"


def _role(fields: Fields, method: str) -> Role:
    by_script = not _BY_SCRIPT.isdisjoint(fields.names)
    return role_of(fields.get(b"sec-fetch-dest"), method, fields.get(b"accept"), by_script)

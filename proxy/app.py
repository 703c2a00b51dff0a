"""The proxy as a running thing: listens, finds the site, decides what applies, answers every request with something.

Order for each request: refuse what is ambiguous -> find the site -> own addresses -> who is the visitor -> forward
-> log and count. Failures become pages of our own with a request id; a visitor never sees a traceback.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import getrandbits

import structlog
from aiohttp.abc import AbstractResolver

from policies.catalogue import Catalogue
from policies.imports import Imports
from policies.site_policy import Override, SitePolicy
from proxy.arrival import Arrivals
from proxy.bookkeeping import Bookkeeping
from proxy.certificate import tls_of
from proxy.consent.visitor import Visitor
from proxy.context import Context
from proxy.counts import Counts, Seat
from proxy.csp import REPORT_PATH
from proxy.documents import Documents
from proxy.exchange import Exchange
from proxy.fast_path import FastPath
from proxy.forward import Forwarder
from proxy.front import Front
from proxy.gates import GATES, Gate
from proxy.headers import Fields, origin_form, refusal
from proxy.ledger import Ledger
from proxy.own import GPC_PATH, HEALTH_PATH, OwnAddresses, is_own, send
from proxy.pages import Page, problem
from proxy.parts import Parts
from proxy.recent import Known
from proxy.relay import Relay
from proxy.remembered import Memory
from proxy.reply import Reply
from proxy.settings import ProxySettings, SiteSettings
from proxy.sites import Site, Sites
from proxy.switch import FILE_NAME, Bypass
from proxy.upload import VisitorError
from proxy.upstream import Failure, UpstreamError
from proxy.visitor import Received
from runtime.resolve import LocalhostResolver

_STATUS: dict[Failure, int] = {"unreachable": 502, "broken": 502, "stale": 502, "busy": 503, "timeout": 504}
_LOOK_EVERY = 1.0
_UNTIL_ACCEPTED = 3
"""Turns of the loop from an accepted socket to a connection that we know."""
BACKLOG = 1024
"""Connections that may wait to be accepted."""


class Proxy:
    """`start`, then `stop`. `policy_file` names the published policy of a site; `state` is the folder of ledger and
    kill switch, None to keep nothing. `without` switches gates off by name, for the proof that it can fail."""

    def __init__(
        self,
        settings: ProxySettings,
        sites: Sequence[SiteSettings],
        catalogue: Catalogue,
        parts: Parts | None = None,
        *,
        policy_file: Callable[[str], Path] | None = None,
        overrides: Iterable[Override] = (),
        imports: Imports | None = None,
        state: Path | None = None,
        without: frozenset[str] = frozenset(),
        sockets: Sequence[socket.socket] = (),
        counted: Seat | None = None,
        resolver: AbstractResolver | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.parts = parts or Parts()
        self._site_settings = tuple(sites)
        self._catalogue = catalogue
        self._policy_file = policy_file
        self._overrides = tuple(overrides)
        self._imports = imports
        self._without = without
        self._sockets = tuple(sockets)
        self.counted = counted or Counts(site.name for site in sites).seat(0)
        self._resolver = resolver
        self._clock = clock
        self.bypass = Bypass(state / FILE_NAME if state is not None else None)
        self.ledger = Ledger(f"sqlite:///{state / 'proxy.db'}" if state is not None else None, clock)
        self._own = OwnAddresses(self.parts, self.ledger, clock)
        self._arrivals = Arrivals(settings, self.parts, clock)
        self._log = structlog.get_logger("samtykke.proxy")
        self._access = structlog.get_logger("samtykke.access")
        self._books = Bookkeeping(self.counted, self.ledger, access_log=settings.access_log)
        self._servers: list[asyncio.Server] = []
        self._front: Front | None = None
        self._looking: asyncio.Task[None] | None = None
        self._sites = Sites(())
        self._stopping = False
        # Told apart over all workers and restarts; nobody is to guess anything from them, nor to be kept from guessing.
        self._ids = (f"{getrandbits(32):08x}{number:08x}" for number in count())
        gates: list[Gate] = [gate for gate in GATES if gate.name not in without]
        documents = Documents(settings, self.parts.desk, guarded="guard" not in without)
        self.memory = Memory(settings.remembered, lambda hit: self.counted.remembered(hit=hit))
        relay = Relay(settings.limits, documents if "html" not in without else None, gates, self.memory)
        self._forwarder = Forwarder(settings, gates, relay)
        self._fast = FastPath(self._books, self.bypass, self._ids)

    def __repr__(self) -> str:
        where = "{}:{}".format(*self.address) if self._servers else "stopped"
        return f"<Proxy {where}, {len(self._sites.all)} sites, {self.settings.mode}>"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port really listened on. Raises RuntimeError before `start`."""
        if not self._servers or not self._servers[0].sockets:
            raise RuntimeError("the proxy is not listening")
        host, port = self._servers[0].sockets[0].getsockname()[:2]
        return host, port

    async def start(self) -> None:
        """Open everything and listen. Raises OSError, ValueError (the certificate), DatabaseUnusableError."""
        resolver = self._resolver = self._resolver or LocalhostResolver()
        self._sites = Sites(
            Site(
                settings, self.settings, self._catalogue, resolver, overrides=self._overrides,
                imports=self._imports,
                policy_file=self._policy_file(settings.name) if self._policy_file is not None else None,
            )
            for settings in self._site_settings
        )  # fmt: skip
        self._look()
        await self.ledger.open()
        try:
            self._front = Front(
                self._handle, self.settings.limits, self._refused,
                announced=self.settings.proxy_protocol, trusts=self.settings.trusts, shortcut=self._fast.take,
            )  # fmt: skip
            await self._listen(self._front)
        except BaseException:
            await self._close_parts()
            raise
        self._looking = asyncio.get_running_loop().create_task(self._look_now_and_then())
        self._log.info("listening", address="{}:{}".format(*self.address), mode=self.settings.mode)

    async def stop(self, deadline: float = 10.0) -> None:
        """Stop listening, let visitors end for `deadline` seconds, then break them off; close everything."""
        self._stopping = True
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        await self._accept_no_more()
        if self._front is not None:
            await self._front.drain(deadline)
        for server in self._servers:
            await server.wait_closed()
        await self._close_parts()
        self._log.info("stopped")

    async def _accept_no_more(self) -> None:
        """Close what we listen on. Whoever was accepted just now gets his connection first: asyncio forgets him with
        the socket open where the server is closed before (CPython gh-109564)."""
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
        for _ in range(_UNTIL_ACCEPTED):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()

    async def _close_parts(self) -> None:
        for site in self._sites.all:
            await site.upstream.close()
        if self.parts.desk is not None:
            await self.parts.desk.close()
            self._count_rows()
        await self.ledger.close()
        if self._resolver is not None:
            await self._resolver.close()

    def reload(self, policy: SitePolicy) -> None:
        """Put a policy into force at once for the site it names. Raises KeyError for an unknown site."""
        self._sites.named(policy.site).put_in_force(policy)

    async def __aenter__(self) -> Proxy:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(1.0)

    async def _listen(self, front: Front) -> None:
        """On the sockets we were given, or at the address of the settings."""
        loop, tls = asyncio.get_running_loop(), tls_of(self.settings)
        if self._sockets:
            self._servers = [
                await loop.create_server(front, sock=one, ssl=tls, backlog=BACKLOG) for one in self._sockets
            ]
        else:
            host, port = self.settings.address
            self._servers = [await loop.create_server(front, host, port, ssl=tls, backlog=BACKLOG)]

    def _look(self) -> None:
        # Forgotten first: whatever fails below, nothing is known for longer than until the next look.
        desk, front = self.parts.desk, self._front
        self._arrivals.forget()
        if front is not None:
            front.recent.forget()
        self.bypass.look()
        for site in self._sites.all:
            site.refresh()
        self._count_rows()
        self.counted.gauge(
            visitor_connections=len(front.connections) if front is not None else 0,
            upstream_connections=sum(site.upstream.open for site in self._sites.all),
            consent_rows_dropped=desk.dropped if desk is not None else 0,
            ledger_waiting=len(self.ledger.evidence),
            bypass=int(self.bypass.on),
        )

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                self._look()
            except Exception:
                # Whatever is wrong with a file, what is in force stays in force and is looked at again.
                self._log.exception("look_failed")

    # One request.

    def _refused(self, reason: str, error: BaseException | None) -> str:
        """Log what the parser could not read, or a fault of our own with its traceback; gives the page's request id."""
        request_id = next(self._ids)
        self.counted.failure("refused" if error is None else "fault")
        if error is None:
            self._access.warning("refused", request_id=request_id, reason=reason)
        else:
            self._log.error("fault", request_id=request_id, reason=reason, exc_info=error)
        return request_id

    async def _handle(self, received: Received) -> Reply:
        begun = received.begun
        began, request_id = (begun.began, begun.request_id) if begun else (time.monotonic(), next(self._ids))
        reply = Reply(received)
        site: Site | None = None
        exchange: Exchange | None = None
        problem_status, because = 0, ""
        try:
            if (refused := self._refusal(received)) is not None:
                problem_status, because = refused
                reply.keep_alive = False
                self.counted.failure("refused")
            else:
                if received.whole is not None:
                    received.target = origin_form(received.target)
                path = received.target.partition(b"?")[0].decode("latin-1")
                known = self._arrivals.known(received)
                site = known.site if known is not None else self._sites.find(_host(received))
                if path == HEALTH_PATH:
                    await send(reply, await self._health(site))
                elif site is None:
                    problem_status, because = 421, f"no site has the host {_host(received)!r}"
                else:
                    if known is None:
                        scheme = self._arrivals.scheme(received)
                        visitor = self._arrivals.visitor(received, site, scheme)
                        if is_own(path):
                            await self._own_address(received, reply, site, path, visitor, request_id)
                            self._over(received, site, reply, began, request_id, None)
                            return reply
                        visitor = await self._brought_along(visitor, site, received.fields, received.method, path)
                        known = self._arrivals.found(received, site, _host(received), scheme, visitor)
                    exchange = self._arrivals.exchange(known, received.method, path, request_id)
                    await self._forward(received, known, exchange, reply)
        except UpstreamError as error:
            problem_status, because = _STATUS[error.failure], error.detail
            self.counted.failure("broken" if error.failure == "stale" else error.failure)
        except VisitorError as error:
            problem_status, because = error.status, error.reason
            reply.keep_alive = False
            self.counted.failure("visitor")
        except ConnectionError as error:
            because = f"visitor left: {error}"
        finally:
            if exchange is not None and site is not None:
                self._books.noted(
                    site, exchange.rules.policy_hash, exchange.path, exchange.notes, exchange.tally,
                    exchange.sightings,
                )  # fmt: skip
        if problem_status:
            await self._problem(reply, problem_status, because, request_id, site)
        self._over(received, site, reply, began, request_id, exchange)
        return reply

    def _over(
        self,
        received: Received,
        site: Site | None,
        reply: Reply,
        began: float,
        request_id: str,
        exchange: Exchange | None,
    ) -> None:
        self._books.over(
            site, received.method, received.target, reply.status, reply.sent,
            began=began, request_id=request_id, stripped=exchange.stripped if exchange is not None else {},
        )  # fmt: skip

    async def _brought_along(
        self, visitor: Visitor | None, site: Site, fields: Fields, method: str, path: str
    ) -> Visitor | None:
        """The visitor with what he decided in another tool, where a page is asked for and a cookie can go with it."""
        desk, settings = self.parts.desk, self.settings
        if desk is None or visitor is None or method != "GET" or self.bypass.on:
            return visitor
        if settings.mode != "enforce" or settings.render != "private":
            return visitor
        if (fields.get(b"sec-fetch-dest") or b"document") != b"document" or b"html" not in (
            fields.get(b"accept") or b""
        ):
            return visitor
        cookies = b"; ".join(fields.all(b"cookie")) or None
        wished = (fields.get(b"accept-language") or b"").decode("latin-1")
        return await desk.taken_over(visitor, site.notice, cookies, path=path, accept_language=wished)

    def _refusal(self, received: Received) -> tuple[int, str] | None:
        if received.whole is None:
            # A plain one: nothing can be wrong with it (see proxy.plain).
            return None
        if received.fields.size() > self.settings.limits.head:
            return 431, f"a header of {received.fields.size()} bytes"
        return refusal(received.method, received.target, received.version, received.fields)

    async def _problem(self, reply: Reply, status: int, because: str, request_id: str, site: Site | None) -> None:
        self._log.warning(
            "not_answered", status=status, reason=because, request_id=request_id, site=site.name if site else None
        )
        if reply.started:
            reply.break_off()
            return
        with suppress(ConnectionError):
            await send(reply, problem(status, request_id))

    async def _forward(self, received: Received, known: Known, exchange: Exchange, reply: Reply) -> None:
        bypassed = self.bypass.on
        site, visitor = known.site, known.visitor
        context = Context(
            received, received.fields, received.target, site, exchange, visitor, reply,
            mapping=site.mapping(exchange.host.encode("latin-1"), exchange.scheme.encode()),
            enforcing=not bypassed and self.settings.mode == "enforce",
            observing=not bypassed and self.settings.mode == "report",
            says_request_id=self.settings.request_id,
            known=known,
        )  # fmt: skip
        await self._forwarder.forward(context)
        desk = self.parts.desk
        if desk is not None and visitor is not None and visitor.gpc_first and context.enforcing:
            language = desk.language(None, (received.fields.get(b"accept-language") or b"").decode("latin-1"))
            await desk.seen_gpc(visitor, site.notice, path=exchange.path, language=language)

    async def _own_address(
        self, received: Received, reply: Reply, site: Site, path: str, visitor: Visitor | None, request_id: str
    ) -> None:
        request, desk, client = received.whole, self.parts.desk, self._arrivals.client(received)
        if (received.fields.get(b"expect") or b"").lower() == b"100-continue" and received.version >= (1, 1):
            await received.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if path == GPC_PATH:
            await send(reply, self._own.gpc())
        elif request is None:
            await send(reply, problem(404, request_id))
        elif path == REPORT_PATH:
            await send(reply, await self._own.report(request, site, request_id, client=client))
        elif (asset := self._own.asset(site, path)) is not None:
            await send(reply, asset)
        elif desk is not None and visitor is not None:
            await reply.response(await desk.handle(request, site.notice, visitor, client=client))
        else:
            await send(reply, problem(404, request_id))

    async def _health(self, site: Site | None) -> Page:
        chosen = [site] if site is not None else list(self._sites.all)
        reachable = all(await asyncio.gather(*(one.upstream.reachable() for one in chosen)))
        return self._own.health(site, ready=not self._stopping, upstream=reachable)

    def _count_rows(self) -> None:
        if self.parts.desk is not None:
            for (site, event), number in self.parts.desk.written().items():
                self.counted.row(site, event, number)


def _host(received: Received) -> str:
    return (received.fields.get(b"host") or b"").decode("latin-1")

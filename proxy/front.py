"""Where visitors arrive: connections are accepted, counted, and let end before a stop. What they say is `visitor`'s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from proxy import plain
from proxy.headers import Fields
from proxy.recent import Recent
from proxy.settings import Limits
from proxy.visitor import LINGER, Answered, Handler, Received, Refused, Shortcut, VisitorConnection


class Front(web.Server):
    """The low-level server: one handler, no routing.

    `announced`: a load balancer says with a PROXY header whom each connection is for; `trusts` tells which peers may.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        refused: Refused,
        *,
        announced: bool = False,
        trusts: Callable[[str], bool],
        shortcut: Shortcut = lambda _: None,
    ) -> None:
        super().__init__(self._parsed, handler_cancellation=True)  # type: ignore[arg-type]  # Answered has all it uses
        self._handler = handler
        self.shortcut = shortcut
        self._limits = limits
        self._refused = refused
        self._trusts = trusts
        self.announced = announced
        self.draining = False
        self.bounds = plain.Bounds.within(limits)
        self.recent = Recent(self.bounds)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > self._limits.visitor_connections:
            transport.abort()
        elif self.announced and not self._trusts(transport.get_extra_info("peername")[0]):
            self._refused("a connection past the trusted proxies, whose PROXY header is required", None)
            transport.abort()

    def refuse(self, connection: VisitorConnection) -> None:
        """End a connection that said nothing which could be answered."""
        if connection.transport is not None:
            connection.transport.abort()

    def __call__(self) -> web.RequestHandler:
        return VisitorConnection(self, self._loop, self._limits, self._refused)

    async def drain(self, deadline: float) -> None:
        """Let everybody end: each answer closes its connection, an idle one is closed after a moment, since a request
        may be on its way; what still runs after `deadline` seconds is broken off."""
        self.draining = True
        loop = asyncio.get_running_loop()
        until, linger = loop.time() + deadline, min(LINGER, deadline / 4)
        while self.connections and loop.time() < until:
            for connection in self.connections:
                if isinstance(connection, VisitorConnection) and connection.idle(loop.time() - linger):
                    connection.force_close()
            await asyncio.sleep(0.02)
        self.pre_shutdown()
        await self.shutdown(0.1)

    async def answer(self, received: Received) -> Answered:
        """Have a request answered."""
        connection = received.connection
        try:
            answered = await self._handler(received)
            connection.answering = False
            return answered
        finally:
            connection.answered()

    async def _parsed(self, request: web.BaseRequest) -> Answered:
        """What aiohttp has read."""
        connection = request.protocol
        if not isinstance(connection, VisitorConnection):
            raise TypeError("a connection that is none of ours")
        connection.busy, connection.answering = True, False
        version, target = request.version, request.raw_path.encode("utf-8", "surrogateescape")
        fields = Fields(request.raw_headers)
        return await self.answer(
            Received(
                request.method, target, (version.major, version.minor), fields, connection, request.keep_alive, request
            )
        )

"""A server for tests that is really over when it is shut down, for a busy machine and browsers that connect ahead."""

from __future__ import annotations

import asyncio

from aiohttp import web

TURNS = 10
"""Of the loop, until a connection that was accepted has been handed over."""


class LoopbackServer(web.Server):
    """Also ends a connection that the kernel had already taken when the others were ended."""

    over = False

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if self.over:
            transport.abort()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  as the class has it
        self.over = True
        await super().shutdown(timeout)
        for _ in range(TURNS):
            await asyncio.sleep(0)

"""A small web on loopback for browser tests: any number of `*.localhost` hosts on one free port, answers as data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from loopback import LoopbackServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = str | web.Response | Handler


@dataclass
class Site:
    """Answers by (host, path); unknown ones are 404. `base(host)` is an origin, `asked` what was requested."""

    port: int = 0
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[web.BaseRequest] = field(default_factory=list)

    def base(self, host: str = "shop.localhost") -> str:
        return f"http://{host}:{self.port}"

    def page(self, host: str, path: str, html: str, **headers: str) -> str:
        """Serve HTML; `%PORT%` in it becomes the port. The answer is its address."""
        return self.put(host, path, html, "text/html", **headers)

    def script(self, host: str, path: str, code: str, **headers: str) -> str:
        return self.put(host, path, code, "text/javascript", **headers)

    def put(self, host: str, path: str, body: str, kind: str, **headers: str) -> str:
        async def answer(request: web.Request) -> web.Response:
            text = body.replace("%PORT%", str(self.port))
            return web.Response(
                text=text,
                content_type=kind,
                headers={
                    name.replace("_", "-"): value.replace("%PORT%", str(self.port)) for name, value in headers.items()
                },
            )

        return self.handle(host, path, answer)

    def handle(self, host: str, path: str, handler: Handler) -> str:
        self.answers[host, path] = handler
        return f"{self.base(host)}{path}"

    def to(self, host: str, path: str) -> list[web.BaseRequest]:
        """The requests that reached this address, in order."""
        return [request for request in self.asked if request.host.partition(":")[0] == host and request.path == path]

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        host = request.host.partition(":")[0]
        answer = self.answers.get((host, request.path))
        if answer is None:
            return web.Response(status=404, text="nothing here")
        return await answer(request)  # type: ignore[operator,arg-type]


@asynccontextmanager
async def serve_site() -> AsyncIterator[Site]:
    """Serve an empty site on a free loopback port."""
    site = Site()
    runner = web.ServerRunner(LoopbackServer(site.respond, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await asyncio.wait_for(runner.cleanup(), 60)

"""One process and one port for the shop and everybody who watches it, told apart by the Host header.

The socket is bound before anything is built, so the pages can name the trackers' addresses with the port in them.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from aiohttp import web

from samtykke.demo.received import Hit
from samtykke.demo.shop import Shop
from samtykke.demo.trackers import trackers_app

SHOP_HOST = "shop.localhost"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo. `received` is what the trackers got, `visits` what the shop itself got; both may be cleared."""

    port: int
    received: list[Hit]
    visits: list[Hit]
    _runner: web.AppRunner

    @property
    def origin(self) -> str:
        return f"http://{SHOP_HOST}:{self.port}"

    async def stop(self) -> None:
        """Close the port. Stopping twice is harmless."""
        await self._runner.cleanup()

    def __repr__(self) -> str:
        return f"<Demo {self.origin} {len(self.visits)} visits, {len(self.received)} tracker hits>"


async def start_demo(port: int = 9080, host: str = "127.0.0.1") -> Demo:
    """Serve the demo on a port of `host`; 0 takes a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    bound: int = listener.getsockname()[1]
    received: list[Hit] = []
    visits: list[Hit] = []

    async def elsewhere(request: web.Request) -> web.Response:
        if request.host.startswith(("127.0.0.1", "[::1]", "localhost")):
            raise web.HTTPFound(f"http://{SHOP_HOST}:{bound}{request.rel_url}")
        return web.Response(status=421, text=f"The demo answers to {SHOP_HOST}:{bound}, not to {request.host}.\n")

    app = web.Application()
    # The trailing star lets any port through: behind the proxy the Host header carries the proxy's.
    app.add_domain(f"{SHOP_HOST}*", Shop(bound, visits).app())
    app.add_domain("*.localhost*", trackers_app(received))
    app.router.add_route("*", "/{path:.*}", elsewhere)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
    except BaseException:
        await runner.cleanup()
        listener.close()
        raise
    return Demo(bound, received, visits, runner)

"""For every test: a property is judged by what comes out, never by how long a busy machine took for one example
or to think of it; and what one test leaves behind is no other's fault."""

from __future__ import annotations

import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _no_connection_is_forgotten() -> Iterator[None]:
    """A connection that was accepted just before its server was closed, as of a browser that connects ahead, is dropped
    by CPython without being closed: the complaint meets whichever test runs when it is collected."""
    accept: Any = BaseSelectorEventLoop._accept_connection2  # type: ignore[attr-defined]

    async def accept_or_close(
        loop: BaseSelectorEventLoop,
        factory: object,
        accepted: socket.socket,
        extra: object,
        tls: object = None,
        server: Any = None,
        *more: object,
        **named: object,
    ) -> None:
        if server is not None and not server.sockets:
            accepted.close()
        else:
            await accept(loop, factory, accepted, extra, tls, server, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseSelectorEventLoop, "_accept_connection2", accept_or_close)
        yield

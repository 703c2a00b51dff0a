"""A site to stand in front of, and a proxy in front of it: both real, on loopback, on free ports."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shop_page
from aiohttp import web
from loopback import LoopbackServer
from short_way import Script, Visit, Wire

from policies.catalogue import Catalogue
from policies.site_policy import SitePolicy, in_force
from proxy.app import Proxy
from proxy.consent.desk import ConsentDesk
from proxy.consent.log import ConsentLog
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.fast_path import FastPath
from proxy.parts import Parts
from proxy.settings import Limits, ProxySettings, SiteSettings
from runtime.keys import new_keys

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.load()


@dataclass
class Seen:
    """What the site was asked."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Site:
    """`answer` is what the next requests get."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    answer: Handler | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """An aiohttp server that records requests and answers by `site.answer`."""
    state = Site()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect"):
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        streaming = getattr(state.answer, "streaming", False)
        body = b"" if streaming else await request.content.read()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
        state.seen.append(Seen(request.method, request.raw_path, headers, body))
        return await state.answer(request) if state.answer else web.Response(text="hello")

    server = LoopbackServer(handle, auto_decompress=False)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    state.port = listening.sockets[0].getsockname()[1]
    yield state
    listening.close()
    await server.shutdown(1)
    await listening.wait_closed()


@pytest.fixture
async def raw_site() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Start a site from a function over a bare connection, encrypted if `tls` is given; gives its address."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(handler: RawHandler, tls: ssl.SSLContext | None = None) -> str:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            tasks.add(task)
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        return f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for task in list(tasks):
        task.cancel()
    for server in servers:
        server.close()
        await server.wait_closed()
    await asyncio.sleep(0)


Started = Callable[..., Awaitable[Proxy]]


@pytest.fixture
async def start_proxy(catalogue: Catalogue, tmp_path: Path) -> AsyncIterator[Started]:
    """Start a proxy: `await start_proxy(upstream, mode="report", limits=..., site={...})`."""
    running: list[Proxy] = []

    async def start(
        upstream: str,
        *,
        parts: Parts | None = None,
        site: dict[str, object] | None = None,
        limits: dict[str, object] | None = None,
        without: frozenset[str] = frozenset(),
        policy_file: Callable[[str], Path] | None = None,
        state: Path | None = None,
        clock: Callable[[], float] = time.time,
        **settings: object,
    ) -> Proxy:
        proxy = Proxy(
            ProxySettings(listen="127.0.0.1:0", limits=Limits(**(limits or {})), **settings),
            [
                SiteSettings(
                    **{"name": "shop", "hosts": ["shop.localhost", "127.0.0.1"], "upstream": upstream} | (site or {})
                )
            ],
            catalogue,
            parts,
            without=without,
            policy_file=policy_file,
            state=state,
            clock=clock,
        )
        await proxy.start()
        running.append(proxy)
        return proxy

    yield start
    for proxy in running:
        await proxy.stop(0.5)


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Parts]:
    """A real consent desk with its log. Its clock stands still: what a page says for a moment after a choice, it says
    for as long as the test takes."""
    now = datetime.now(UTC)
    keys = new_keys(now)
    log = await ConsentLog.open(f"sqlite:///{tmp_path / 'consent.db'}", keys, checkpoints=tmp_path / "checkpoints")
    desk = ConsentDesk(ConsentSettings(languages=("en",)), ControllerSettings(), keys, log, lambda: now, os.urandom)
    yield Parts(desk, lambda: log.trouble)
    await desk.close()
    await log.close()


@dataclass
class Got:
    """An answer as it was on the wire."""

    status: int
    head: bytes
    body: bytes
    closed: bool

    def header(self, name: str) -> list[str]:
        found = []
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode("latin-1").lower() == name.lower():
                found.append(value.strip().decode("latin-1"))
        return found


async def speak(address: tuple[str, int], data: bytes, *, wait: float = 60.0) -> Got:
    """Send bytes, read one answer."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(wait):
            return await read_answer(reader, head_only=data.startswith(b"HEAD "))
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader, *, head_only: bool = False) -> Got:
    """One answer from a connection: framed by length or chunks, else up to its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return Got(0, error.partial, b"", True)
    got = Got(int(head.split(b" ", 2)[1]), head, b"", False)
    if 100 <= got.status < 200 and got.status != 101:
        return await read_answer(reader, head_only=head_only)
    if head_only or got.status in {101, 204, 304}:
        return got
    try:
        if length := got.header("content-length"):
            got.body = await reader.readexactly(int(length[0]))
        elif got.header("transfer-encoding"):
            while size := int(await reader.readuntil(b"\r\n"), 16):
                got.body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        else:
            got.body = await reader.read()
            got.closed = True
    except (asyncio.IncompleteReadError, ConnectionError):
        got.closed = True
    return got


@pytest.fixture
def say() -> Callable[..., Awaitable[Got]]:
    return speak


@pytest.fixture
def published(tmp_path):
    """`published(policy)`: the `policy_file` of a proxy for which this policy is in force; without one, a bare one."""

    def write(policy=None):
        file = tmp_path / "published.json"
        file.write_text((policy or in_force(SitePolicy(site="shop", hosts=("shop.localhost",)), None)).to_json())
        return lambda name: file

    return write


@pytest.fixture
async def shop(site, start_proxy, asking):
    """`shop(**settings)`: a proxy in front of the shop's page, with a banner."""
    site.answer = shop_page.page()

    async def start(**settings):
        return await start_proxy(site.url, parts=asking, **settings)

    return start


@pytest.fixture
def taken(monkeypatch) -> list[object]:
    """Every exchange that went the short way. What is known stays known: no second passes."""
    found: list[object] = []
    take = FastPath.take

    def noted(self, received):
        if (exchange := take(self, received)) is not None:
            found.append(exchange)
        return exchange

    monkeypatch.setattr(FastPath, "take", noted)
    monkeypatch.setattr("proxy.app._LOOK_EVERY", 3600.0)
    return found


@pytest.fixture
def in_no_hurry(monkeypatch) -> None:
    """Pieces of a body that the site says at once come without a pause, however often a busy machine halts us between
    them: what is here whole is not streamed instead."""
    for name in ("fast_path.PATIENCE", "whole.PATIENCE", "whole._PAUSE"):
        monkeypatch.setattr(f"proxy.{name}", 60.0)


@pytest.fixture
async def behind(raw_site, start_proxy):
    """`behind(script, **settings)`: a site that follows the script, and a proxy in front of it."""

    async def start(script: Script, **more: object):
        wire = Wire(script)
        return wire, await start_proxy(await raw_site(wire.serve), **more)

    return start


@pytest.fixture
async def visiting() -> AsyncIterator[Callable[..., Awaitable[Visit]]]:
    writers = []

    async def start(proxy) -> Visit:
        reader, writer = await asyncio.open_connection(*proxy.address)
        writers.append(writer)
        return Visit(reader, writer)

    yield start
    for writer in writers:
        writer.close()

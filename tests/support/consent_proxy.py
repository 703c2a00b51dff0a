"""`samtykke serve` in a process of its own before a small site: to be starved, cut off and killed from outside."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web

HOST = "shop.localhost"
PAGE = "<!doctype html><html lang=en><head><title>Fjordstua</title></head><body><h1>Wool</h1></body></html>"
JSON = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}


@dataclass
class Serving:
    """The running proxy. `said` is what it told its operator; a killed one may be started again."""

    folder: Path
    config: Path
    session: ClientSession
    process: asyncio.subprocess.Process | None = None
    address: str = ""
    said: list[str] = field(default_factory=list)
    _reading: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "samtykke", "serve", "--config", str(self.config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"COLUMNS": "300"},
        )  # fmt: skip
        self.address = ""
        told = asyncio.Event()
        self._reading.append(asyncio.create_task(self._read(self.process, told)))
        await asyncio.wait_for(told.wait(), 180)
        assert self.address, f"it ended before it listened: {''.join(self.said)}"

    async def _read(self, process: asyncio.subprocess.Process, told: asyncio.Event) -> None:
        """Sets `told` once it listens, or has said all it ever will."""
        assert process.stdout
        async for line in process.stdout:
            text = line.decode(errors="replace")
            self.said.append(text)
            if found := re.search(r"listening on (\S+)", text):
                self.address = f"http://{found[1]}"
                told.set()
        told.set()

    async def kill(self) -> None:
        """SIGKILL to the serving process and its supervisor."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        if number is signal.SIGKILL:
            for child in self.workers():
                os.kill(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), 90)
        await asyncio.wait_for(asyncio.gather(*self._reading), 90)
        self._reading.clear()
        self.process = None

    def workers(self) -> list[int]:
        """The processes that serve, where they are not the one that was started."""
        assert self.process
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except FileNotFoundError:
            return []
        return [int(child) for child in children.split()]

    def limit_files(self, size: int) -> None:
        """No process of it may make a file longer than `size` bytes: what a full disk looks like. -1 lifts it."""
        assert self.process
        for pid in [self.process.pid, *self.workers()]:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    async def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        async with self.session.get(self.address + path, headers={"Host": HOST, **headers}) as answer:
            return answer.status, await answer.text()

    async def token(self) -> str:
        found = re.search(r'name="notice" value="([^"]*)"', (await self.get("/", Accept="text/html"))[1])
        assert found, "the page asks"
        return found[1]

    async def choose(self, action: str, token: str = "", cookie: str = "") -> tuple[int, dict[str, object], list[str]]:
        """Status, answer and Set-Cookie lines of one choice."""
        headers = {"Host": HOST, **JSON} | ({"Cookie": cookie} if cookie else {})
        fields = {"action": action, "notice": token}
        async with self.session.post(f"{self.address}/.samtykke/choice", data=fields, headers=headers) as answer:
            return answer.status, await _json(answer), answer.headers.getall("Set-Cookie", [])

    async def health(self) -> tuple[int, dict[str, object]]:
        status, text = await self.get("/.samtykke/health")
        return status, json.loads(text)


async def _json(answer: ClientResponse) -> dict[str, object]:
    try:
        found = json.loads(await answer.text())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@asynccontextmanager
async def serving(folder: Path, store: str = "", consent: str = "") -> AsyncIterator[Serving]:
    """A site, the proxy before it and a client. `store` is a URL; a SQLite file in `folder` by default.

    `consent` are further lines for that table of the config.
    """

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    application = web.Application()
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = folder / "samtykke.toml"
    lines = [
        f'[[site]]\nname = "shop"\nhosts = ["{HOST}"]\nupstream = "http://127.0.0.1:{runner.addresses[0][1]}"',
        '[proxy]\nlisten = "127.0.0.1:0"\naccess_log = false',
        f'[consent]\nstore = "{store or "sqlite:///consent.db"}"\nlanguages = ["en"]\nchoices_per_minute = 0',
        consent,
    ]
    await asyncio.to_thread(config.write_text, "\n".join(lines))
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        proxy = Serving(folder, config, session)
        try:
            await proxy.start()
            yield proxy
        finally:
            await proxy.kill()
            await runner.cleanup()

"""`samtykke serve --workers 2` as real processes: killed, reloaded, stopped, while visitors keep asking."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from free_ports import free_port

CONFIG = """
[[site]]
name = "shop"
hosts = ["shop.localhost", "127.0.0.1"]
upstream = "{upstream}"
[proxy]
listen = "127.0.0.1:0"
metrics = "127.0.0.1:{metrics}"
access_log = false
[consent]
languages = ["en"]
"""


@pytest.fixture
def slow_asked() -> asyncio.Event:
    """Set once somebody waits for `/slow`."""
    return asyncio.Event()


@pytest.fixture
async def upstream(slow_asked: asyncio.Event) -> AsyncIterator[str]:
    """A site: `/` a page that sets a tracker's cookie, `/slow` one that takes a while."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/slow":
            slow_asked.set()
            await asyncio.sleep(1.0)
        page = web.Response(text="<!doctype html><title>t</title><p>hello", content_type="text/html")
        page.headers["Set-Cookie"] = "_fbp=fb.1.1.1; Path=/"
        return page

    server = web.Server(answer)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()
    await server.shutdown(1)
    await listening.wait_closed()


class Serving:
    """A running `samtykke serve`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, metrics: int) -> None:
        self.process, self.folder, self.metrics = process, folder, metrics
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "samtykke.toml"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(word) for word in children.split()}

    async def until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  other processes set no event of ours
                await asyncio.sleep(0.02)


@pytest.fixture
async def serving(tmp_path: Path, upstream: str) -> AsyncIterator[Callable[..., Awaitable[Serving]]]:
    running: list[Serving] = []

    async def start(workers: int = 2) -> Serving:
        metrics = free_port()
        (tmp_path / "samtykke.toml").write_text(CONFIG.format(upstream=upstream, metrics=metrics))
        with (tmp_path / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "samtykke", "serve", "--workers", str(workers),
                cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            )  # fmt: skip
        found = Serving(process, tmp_path, metrics)
        running.append(found)
        async with asyncio.timeout(120):
            said = (await process.stdout.readline()).decode()
        match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", said)
        assert match, said + found.log
        found.port = int(match[1])
        return found

    yield start
    for one in running:
        if one.process.returncode is None:
            one.process.terminate()
            try:
                async with asyncio.timeout(120):
                    await one.process.wait()
            except TimeoutError:
                one.process.kill()
                await one.process.wait()


class Load:
    """Visitors who keep asking, some on connections that stay open, some on new ones."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answered = 0
        self.failed: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._over = False

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.ensure_future(self._ask(keep=number % 2 == 0)) for number in range(8)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)

    async def _ask(self, *, keep: bool) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=not keep)) as client:
            while not self._over:
                try:
                    # A POST is never sent again by the client: what fails, fails.
                    async with client.post(self.url, data=b"x", timeout=aiohttp.ClientTimeout(60)) as answer:
                        await answer.read()
                        assert answer.status == 200
                    self.answered += 1
                except (aiohttp.ClientError, OSError, AssertionError, TimeoutError) as error:
                    self.failed.append(repr(error))
                await asyncio.sleep(0.002)


async def test_a_killed_worker_is_replaced_and_the_other_goes_on(serving):
    serve = await serving(2)
    before = serve.workers()
    assert len(before) == 2
    async with Load(serve.url) as load:
        await serve.until(lambda: load.answered > 50)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await serve.until(lambda: len(serve.workers()) == 2 and victim not in serve.workers())
        asked = load.answered
        await serve.until(lambda: load.answered > asked + 100)
    assert max(before) in serve.workers()
    # Only what the killed process itself had in hand is lost: at most one exchange for each visitor.
    assert len(load.failed) <= 8, load.failed
    assert '"worker_died"' in serve.log


async def test_a_reload_under_load_drops_nothing_and_takes_the_new_config(serving):
    serve = await serving(2)
    before = serve.workers()
    async with Load(serve.url) as load:
        await serve.until(lambda: load.answered > 50)
        for _ in range(2):
            text = serve.config.read_text().replace('mode = "report"\n', "")
            serve.config.write_text(text.replace("[consent]", 'mode = "report"\n[consent]'))
            old = serve.workers()
            serve.process.send_signal(signal.SIGHUP)
            await serve.until(lambda old=old: len(serve.workers()) == 2 and not serve.workers() & old)
        asked = load.answered
        await serve.until(lambda: load.answered > asked + 100)
    assert load.failed == []
    assert not serve.workers() & before
    async with aiohttp.ClientSession() as client, client.get(serve.url) as answer:
        assert "Set-Cookie" in answer.headers  # report mode changes nothing


async def test_a_config_that_cannot_be_used_leaves_everything_as_it_is(serving):
    serve = await serving(1)
    before = serve.workers()
    serve.config.write_text(serve.config.read_text().replace("access_log", "acess_log"))
    serve.process.send_signal(signal.SIGHUP)
    await serve.until(lambda: "reload_refused" in serve.log)
    assert "acess_log" in serve.log
    assert serve.workers() == before
    async with aiohttp.ClientSession() as client, client.get(serve.url) as answer:
        assert answer.status == 200


async def test_stopping_waits_for_running_requests(serving, slow_asked):
    serve = await serving(2)
    async with aiohttp.ClientSession() as client:
        running = asyncio.ensure_future(client.get(serve.url + "/slow"))
        await asyncio.wait_for(slow_asked.wait(), 120)
        serve.process.terminate()
        async with await running as answer:
            assert answer.status == 200
            assert "hello" in await answer.text()
    async with asyncio.timeout(120):
        assert await serve.process.wait() == 0


async def test_workers_do_not_outlive_a_killed_parent(serving):
    serve = await serving(2)
    workers = serve.workers()
    serve.process.kill()
    await serve.process.wait()
    await serve.until(lambda: not any(_alive(pid) for pid in workers))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_config_that_cannot_be_served_ends_with_its_code(tmp_path, upstream):
    (tmp_path / "samtykke.toml").write_text(
        CONFIG.format(upstream=upstream, metrics=0).replace('languages = ["en"]', 'languages = ["xx"]')
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samtykke", "serve", "--workers", "2", cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"xx" in err
    assert b"Traceback" not in err


async def test_choices_and_evidence_of_several_workers_meet_in_one_log(serving):
    serve = await serving(2)
    pages = 40
    for _ in range(pages):
        # A connection for each visitor, so that both workers get some.
        async with aiohttp.ClientSession() as client:
            async with client.get(
                serve.url, headers={"Sec-Fetch-Dest": "document", "Host": "shop.localhost"}
            ) as answer:
                token = re.search(r'name="notice" value="([^"]+)"', await answer.text())
            fields = {"action": "accept", "purpose": "marketing", "notice": token[1] if token else "", "return": "/"}
            headers = {"Accept": "application/json", "Host": "shop.localhost", "Sec-Fetch-Site": "same-origin"}
            async with client.post(serve.url + "/.samtykke/choice", data=fields, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
    requests = f'samtykke_requests_total{{site="shop",status="2xx"}} {2 * pages}.0'
    metrics = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(60), aiohttp.ClientSession() as client:
            while requests not in metrics:  # a request is counted when it is over, which its visitor may know before
                async with client.get(f"http://127.0.0.1:{serve.metrics}/metrics") as answer:
                    metrics = await answer.text()
    assert requests in metrics
    assert f'samtykke_stripped_total{{site="shop",what="cookie_set"}} {pages}.0' in metrics
    async with aiohttp.ClientSession() as client, client.get(serve.url + "/metrics") as answer:
        assert "samtykke_requests" not in await answer.text()
    serve.process.terminate()
    assert await serve.process.wait() == 0
    verified = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "samtykke",
        "log",
        "verify",
        "--json",
        "-",
        cwd=serve.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await verified.communicate()
    assert verified.returncode == 0, out
    assert json.loads(out)["rows"] >= 2 * pages
    ledger = sqlite3.connect(serve.folder / "policy" / "state" / "proxy.db")
    counted = ledger.execute(
        "SELECT sum(count) FROM evidence WHERE what = 'cookie_set' AND action <> 'allow'"
    ).fetchone()
    ledger.close()
    assert counted == (pages + 1,)  # /metrics on the public address was the site's


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    yield
    with suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG)[0] == 0

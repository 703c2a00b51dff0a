"""Choices answered durable over HTTP by one process, and many visitors at once. The machine's load is told, too.

    python -m bench.consent_http [--full 10] [--visitors 500] [--seconds 60]

One process is the proxy (desk and log in SQLite, `synchronous=FULL`). Each choice is answered only after its row is on
the disk. First as many choices as go through 64 connections in `full` seconds, by wrk, two accepts to a rejection; then
`visitors` of this program's own, each choosing again after every answer for `seconds`, with a pause of up to two
seconds as people make.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from bench.proxy_peers import program

HOST = "shop.localhost"
SITE = """[[site]]
name = "shop"
hosts = ["{host}"]
upstream = "http://127.0.0.1:{port}"
[proxy]
listen = "127.0.0.1:0"
access_log = false
[consent]
languages = ["en"]
choices_per_minute = 0
"""


WRK = """
wrk.method = "POST"
wrk.headers["Host"] = "{host}"
wrk.headers["Sec-Fetch-Site"] = "same-origin"
wrk.headers["Accept"] = "application/json"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
local number, threads = 0, {{}}
function setup(thread) table.insert(threads, thread) end
function init()
  local as = function(action)
    return wrk.format("POST", "/.samtykke/choice", nil, "action=" .. action .. "&notice={token}")
  end
  accepts, rejects = as("accept"), as("reject")
  bad = 0
end
function request() number = number + 1; return number % 3 == 0 and rejects or accepts end
function response(status, _, body)
  if status ~= 200 or not string.find(body, '"logged": true', 1, true) then bad = bad + 1 end
end
function done(summary, latency)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do errors = errors + thread:get("bad") end
  io.write(string.format('{{"choices": %d, "errors": %d, "per_second": %d, "p50_ms": %.1f, "p99_ms": %.1f}}',
    summary.requests, errors, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""
"""Choices as fast as they are answered; whatever is no 200 with `logged` is an error."""


def percentile(times: list[float], share: float) -> float:
    """Milliseconds below which this share of the answers lies."""
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000, 1)


class Visitors:
    """Posts choices; `took` are seconds, `failed` whatever was no 200 with `logged`."""

    def __init__(self, session: ClientSession, address: str, token: str) -> None:
        self._session, self._url, self._token = session, f"{address}/.samtykke/choice", token
        self._headers = {"Host": HOST, "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
        self.took: list[float] = []
        self.failed = 0

    async def choose(self, number: int) -> None:
        action = "reject" if number % 3 == 0 else "accept"
        began = time.perf_counter()
        try:
            body = {"action": action, "notice": self._token}
            async with self._session.post(self._url, data=body, headers=self._headers) as answer:
                fine = answer.status == 200 and b'"logged": true' in await answer.read()
        except OSError:
            fine = False
        self.took.append(time.perf_counter() - began)
        self.failed += not fine

    def result(self, seconds: float) -> dict[str, object]:
        return {
            "choices": len(self.took),
            "errors": self.failed,
            "per_second": round(len(self.took) / seconds),
            "p50_ms": percentile(self.took, 0.5),
            "p99_ms": percentile(self.took, 0.99),
        }


async def throughput(folder: Path, address: str, token: str, seconds: float) -> dict[str, object]:
    """As fast as 64 connections go."""
    script = folder / "choose.lua"
    await asyncio.to_thread(script.write_text, WRK.format(host=HOST, token=token))
    wrk = await asyncio.create_subprocess_exec(
        program("wrk"), "-t1", "-c64", f"-d{seconds:g}s", "-s", str(script), address, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await wrk.communicate()
    found: dict[str, object] = json.loads(said.splitlines()[-1])
    return found


async def crowd(visitors: Visitors, many: int, seconds: float) -> dict[str, object]:
    """So many visitors at once, each pausing between choices."""
    pause = random.Random(7)
    began = time.perf_counter()

    async def visitor(number: int) -> None:
        await asyncio.sleep(pause.uniform(0, 2))
        while time.perf_counter() - began < seconds:
            await visitors.choose(number)
            await asyncio.sleep(pause.uniform(0, 2))

    await asyncio.gather(*(visitor(number) for number in range(many)))
    return visitors.result(time.perf_counter() - began)


def processor_seconds(pid: int) -> float:
    """User and system time of a process and of those it started."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    fields = (Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in pids)
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


async def measured(folder: Path, full: float, many: int, seconds: float) -> dict[str, object]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><html><body>Wool</body></html>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = folder / "samtykke.toml"
    await asyncio.to_thread(config.write_text, SITE.format(host=HOST, port=runner.addresses[0][1]))
    proxy = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samtykke", "serve", "--config", str(config), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert proxy.stdout
    try:
        while not (found := re.search(rb"listening on (\S+)", await proxy.stdout.readline())):
            pass
        address = f"http://{found[1].decode()}"
        connector = TCPConnector(limit=0)
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
            async with session.get(address, headers={"Host": HOST, "Accept": "text/html"}) as answer:
                token = re.search(r'name="notice" value="([^"]*)"', await answer.text())
            assert token, "the page asks"
            result: dict[str, object] = {"load_before": os.getloadavg()[0]}
            worked = processor_seconds(proxy.pid)
            first = await throughput(folder, address, token[1], full)
            first["per_processor_second"] = round(int(str(first["choices"])) / (processor_seconds(proxy.pid) - worked))
            result["throughput"] = first
            result["crowd"] = {"visitors": many, **await crowd(Visitors(session, address, token[1]), many, seconds)}
            result["load_after"] = os.getloadavg()[0]
            return result
    finally:
        proxy.terminate()
        await proxy.communicate()
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure choices over HTTP.")
    parser.add_argument("--full", type=float, default=10)
    parser.add_argument("--visitors", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(measured(Path(folder), given.full, given.visitors, given.seconds))
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()

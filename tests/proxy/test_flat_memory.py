"""Memory of a real serving process: within 10 MB of idle, whatever passes through 50 connections."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

MEGABYTE = 1 << 20
CONFIG = """
[[site]]
name = "shop"
hosts = ["127.0.0.1"]
upstream = "{upstream}"
[proxy]
listen = "127.0.0.1:0"
access_log = false
[consent]
languages = ["en"]
"""
ROW = b'<tr><td class="a"><a href="/product?a=1&amp;b=2"><img src="/i.png" alt=""></a></td></tr>\n'


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """/down?MB sends zeros, /page?MB a long page, a POST is read and counted."""
    if request.method == "POST":
        length = 0
        async for piece in request.content.iter_any():
            length += len(piece)
        return web.Response(text=str(length))
    megabytes, page = int(request.query_string or 0), request.path == "/page"
    response = web.StreamResponse(headers={"Content-Type": "text/html" if page else "application/octet-stream"})
    await response.prepare(request)
    piece = ROW * (65_536 // len(ROW)) if page else bytes(65_536)
    for _ in range(megabytes * MEGABYTE // len(piece)):
        await response.write(piece)
    await response.write_eof()
    return response


def held(pid: int) -> int:
    """Bytes that a process and its workers hold. Their share of files (libraries) is left out: it grows as others who
    use the same ones end."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for one in (pid, *map(int, children)):
        rolled = Path(f"/proc/{one}/smaps_rollup").read_text()
        own = [line.split() for line in rolled.splitlines() if line.startswith(("Pss_Anon:", "Pss_Shmem:"))]
        assert len(own) == 2
        total += sum(int(line[1]) for line in own) * 1024
    return total


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[tuple[int, int]]:
    """Process id and port."""
    site = await asyncio.get_running_loop().create_server(web.Server(answer), "127.0.0.1", 0)
    (tmp_path / "samtykke.toml").write_text(
        CONFIG.format(upstream="http://127.0.0.1:{}".format(site.sockets[0].getsockname()[1]))  # noqa: UP032  braces
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samtykke", "serve", cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert process.stdout
    port = int((await process.stdout.readline()).decode().rpartition(":")[2])
    yield process.pid, port
    process.terminate()
    await process.wait()
    site.close()
    await site.wait_closed()


async def down(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    length = 0
    while piece := await reader.read(MEGABYTE):
        length += len(piece)
    writer.close()
    return length


async def up(port: int, megabytes: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /up HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {megabytes * MEGABYTE}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode())
    for _ in range(megabytes * 16):
        writer.write(bytes(65_536))
        await writer.drain()
    body = (await reader.read()).rpartition(b"\r\n\r\n")[2]
    writer.close()
    return int(body)


async def grown(serving: tuple[int, int], work) -> int:
    """Bytes that the proxy holds more while it works than it held before, with 50 visitors connected and silent."""
    pid, port = serving
    visitors = [await asyncio.open_connection("127.0.0.1", port, limit=2 * MEGABYTE) for _ in range(50)]
    for path in (b"/down?1", b"/page?1"):
        for _, writer in visitors:
            writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Dest: document\r\n\r\n")
        for reader, _ in visitors:
            await reader.readuntil(b"\r\n\r\n")
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
    await asyncio.sleep(0.3)
    idle, most = held(pid), 0
    for _, writer in visitors:
        writer.close()
    running = asyncio.ensure_future(work(port))
    while not running.done():
        most = max(most, held(pid) - idle)
        await asyncio.sleep(0.2)
    await running
    return most


@pytest.mark.soak
@pytest.mark.parametrize("megabytes", [1000])
async def test_a_gigabyte_down_and_up_through_fifty_connections(serving, megabytes):
    async def downloads(port: int) -> None:
        found = await asyncio.gather(*(down(port, f"/down?{megabytes // 50}") for _ in range(50)))
        assert min(found) >= megabytes // 50 * MEGABYTE

    async def uploads(port: int) -> None:
        found = await asyncio.gather(*(up(port, megabytes // 50) for _ in range(50)))
        assert set(found) == {megabytes // 50 * MEGABYTE}

    for work in (downloads, uploads):
        assert await grown(serving, work) < 10 * MEGABYTE, work.__name__


@pytest.mark.soak
async def test_a_page_of_200_megabytes(serving):
    async def pages(port: int) -> None:
        assert await down(port, "/page?200") >= 199 * MEGABYTE

    assert await grown(serving, pages) < 10 * MEGABYTE


async def test_a_long_page_and_a_long_file(serving):
    """The same in small, for every run."""

    async def both(port: int) -> None:
        await asyncio.gather(down(port, "/page?12"), *(down(port, "/down?2") for _ in range(50)))

    assert await grown(serving, both) < 10 * MEGABYTE

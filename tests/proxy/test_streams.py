"""Answers on their way: events at once, no faster than the visitor takes them, and cut where they were cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import pytest
from aiohttp import ClientSession, web
from standstill import stands_still

HOST = b"Host: shop.localhost\r\n"


async def test_events_are_not_held_back(site, start_proxy):
    release = asyncio.Event()

    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await release.wait()
        await response.write_eof(b"data: 2\n\n")
        return response

    site.answer = answer
    proxy = await start_proxy(site.url)
    async with (
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{proxy.address[1]}/", headers={"Host": "shop.localhost"}) as response,
    ):
        assert await response.content.readany() == b"data: 1\n\n"
        release.set()
        assert await response.content.read() == b"data: 2\n\n"


async def test_the_first_event_may_take_longer_than_an_answer(raw_site, start_proxy, say):
    async def answer(reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        framed = b"Content-Length: 9\r\n" if asked.startswith(b"GET /framed") else b""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + framed + b"\r\n")
        await asyncio.sleep(5)
        writer.write(b"data: x\n\n")
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer), limits={"answer": 4})
    said = (b"GET /%b HTTP/1.1\r\nHost: shop.localhost\r\n\r\n" % path for path in (b"", b"framed"))
    for got in await asyncio.gather(*(say(proxy.address, one) for one in said)):
        assert got.body == b"data: x\n\n"


async def test_a_slow_visitor_slows_the_site(raw_site, start_proxy):
    sent = 0

    async def answer(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n")
        for _ in range(5000):
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert await stands_still(lambda: sent) < 50_000_000
    writer.transport.abort()


@pytest.mark.parametrize("leave", ["abort", "write_eof"])
async def test_a_visitor_who_leaves_cancels_the_sites_request(raw_site, start_proxy, leave):
    asked, gone = asyncio.Event(), asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        assert await reader.read() == b""
        gone.set()

    proxy = await start_proxy(await raw_site(answer))
    _, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    async with asyncio.timeout(60):
        await asked.wait()
        getattr(writer.transport, leave)()
        await gone.wait()
    writer.close()


@pytest.mark.parametrize("head", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
async def test_a_site_that_breaks_off_breaks_the_answer(raw_site, start_proxy, say, head):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + (b"5\r\nhello\r\n" if b"chunked" in head else b"hello")
        )
        await writer.drain()
        await asyncio.sleep(0.1)

    proxy = await start_proxy(await raw_site(answer))
    got = await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert got.status == 200
    assert got.closed


async def test_a_reset_never_looks_like_the_end_of_an_unframed_answer(raw_site, start_proxy, say):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    everything = b""
    with contextlib.suppress(ConnectionError):
        everything = await reader.read()
    writer.close()
    assert not everything.endswith(b"0\r\n\r\n")


async def test_an_early_answer_reaches_a_visitor_still_sending(raw_site, start_proxy):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.2)

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000000\r\n\r\n" + bytes(1000))
    async with asyncio.timeout(60):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.transport.abort()

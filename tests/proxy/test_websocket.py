"""Switched connections: WebSocket both ways, ended and held back on both sides."""

from __future__ import annotations

import asyncio

from aiohttp import ClientSession, WSMsgType, web
from standstill import stands_still

HOST = b"Host: shop.localhost\r\n"


async def test_websockets_pass_both_ways_with_subprotocol_and_large_frames(site, start_proxy):
    async def answer(request):
        socket = web.WebSocketResponse(protocols=["chat"], max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data[::-1])
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
                await socket.close(code=4001, message=b"enough")
        return socket

    answer.streaming = True
    site.answer = answer
    proxy = await start_proxy(site.url)
    url = f"http://127.0.0.1:{proxy.address[1]}/chat"
    async with (
        ClientSession() as session,
        session.ws_connect(
            url, protocols=["chat"], headers={"Host": "shop.localhost"}, compress=15, max_msg_size=0
        ) as socket,
    ):
        assert socket.protocol == "chat"
        await socket.ping()
        await socket.send_str("hello")
        assert await socket.receive_str() == "olleh"
        large = bytes(range(256)) * 12_000
        await socket.send_bytes(large)
        assert await socket.receive_bytes() == large
        closing = await socket.receive()
        assert (closing.type, socket.close_code) == (WSMsgType.CLOSE, 4001)


async def test_a_refused_upgrade_is_an_ordinary_answer(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    got = await say(
        proxy.address,
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert (got.status, got.body) == (200, b"hello")


async def test_a_websocket_ends_on_both_sides_when_one_leaves(raw_site, start_proxy):
    gone = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
        await writer.drain()
        if (await reader.readexactly(4)) == b"stop":
            return
        await reader.read()
        gone.set()

    proxy = await start_proxy(await raw_site(answer))
    upgrade = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
    for word in (b"stop", b"stay"):
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(upgrade)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert await reader.readexactly(5) == b"first"
        writer.write(word)
        if word == b"stop":
            async with asyncio.timeout(60):
                assert await reader.read() == b""
        writer.transport.abort()
    async with asyncio.timeout(60):
        await gone.wait()


async def test_a_slow_websocket_visitor_slows_the_site(raw_site, start_proxy):
    sent = 0

    async def answer(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert await stands_still(lambda: sent) < 50_000_000
    writer.transport.abort()

"""A site that misbehaves: a clear status, a page with a request id, the proxy alive."""

from __future__ import annotations

import asyncio

import pytest

GET = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"

ANSWERS = {
    "nothing": b"",
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "half a head": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabcd",
    "a switch nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    "a header of 1 MB": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a status of no kind": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_unreadable_answers_become_a_page_of_our_own(raw_site, start_proxy, say, name):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS[name])
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    got = await say(proxy.address, GET)
    assert got.status == 502
    assert got.header("x-request-id")[0].encode() in got.body
    assert b"Traceback" not in got.body


async def test_a_site_that_refuses_connections_is_a_502(start_proxy, say):
    proxy = await start_proxy("http://127.0.0.1:1")
    assert (await say(proxy.address, GET)).status == 502


async def test_a_site_that_hangs_is_a_504(raw_site, start_proxy, say):
    async def answer(reader, writer):
        await reader.read()

    proxy = await start_proxy(await raw_site(answer), limits={"answer": 0.2})
    assert (await say(proxy.address, GET)).status == 504


async def test_a_site_that_speaks_no_tls_is_a_502(raw_site, start_proxy, say):
    async def answer(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    proxy = await start_proxy((await raw_site(answer)).replace("http:", "https:"))
    assert (await say(proxy.address, GET)).status == 502


async def test_a_full_pool_is_a_503(raw_site, start_proxy, say):
    asked = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    proxy = await start_proxy(await raw_site(answer), limits={"upstream_connections": 1, "connect": 1, "answer": 5})
    first = asyncio.ensure_future(say(proxy.address, GET))
    await asked.wait()
    assert (await say(proxy.address, GET)).status == 503
    assert (await first).status == 504


async def test_silence_within_a_body_breaks_the_answer(raw_site, start_proxy, say):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
        await reader.read()

    proxy = await start_proxy(await raw_site(answer), limits={"answer": 2})
    got = await say(proxy.address, GET)
    assert (got.status, got.closed) == (200, True)


async def test_interim_answers_stay_behind(raw_site, start_proxy, say):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: <https://www.google-analytics.com/a.js>; rel=preload\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(GET)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_interim_answer_is_no_excuse_for_silence(raw_site, start_proxy, say):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        await reader.read()

    proxy = await start_proxy(await raw_site(answer), limits={"answer": 0.3})
    assert (await say(proxy.address, GET)).status == 504
    posted = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 2\r\n\r\nab"
    assert (await say(proxy.address, posted)).status == 504


@pytest.mark.parametrize("fields", [b"X-A: " + b"a" * 600 + b"\r\n", b"X-A: 1\r\n" * 20], ids=["long", "many"])
async def test_a_limit_set_low_holds_for_the_plainest_answer(raw_site, start_proxy, say, fields):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + b"\r\n")
        await reader.read()

    proxy = await start_proxy(await raw_site(answer), limits={"field": 256, "fields": 8})
    assert (await say(proxy.address, GET)).status == 502


@pytest.mark.parametrize(
    "framed", [b"Content-Length: 2\r\n\r\nok", b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"]
)
async def test_what_a_site_says_uncalled_begins_nobodys_answer(raw_site, start_proxy, say, framed):
    connections = 0
    answered, said = asyncio.Event(), asyncio.Event()

    async def answer(reader, writer):
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + framed)
        await writer.drain()
        await answered.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nX-Half: ")
        said.set()
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")

    proxy = await start_proxy(await raw_site(answer))
    assert (await say(proxy.address, GET)).body == b"ok"
    answered.set()
    await said.wait()
    await asyncio.sleep(0.1)
    assert (await say(proxy.address, GET)).body == b"ok"
    assert connections == 2


async def test_stopping_lets_an_exchange_end(raw_site, start_proxy):
    begun = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(GET)
    await begun.wait()
    await proxy.stop(60)
    assert (await reader.read()).endswith(b"ok")
    writer.close()

"""Where one message ends, the next begins, and nothing of the one is read as the other: on both sides of the proxy."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress

import pytest

HOST = b"Host: shop.localhost\r\n"
CHUNKED = b"POST /first HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
NEXT = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
TRACKER = b'<!doctype html><script src="https://www.google-analytics.com/analytics.js"></script>'


async def answers(address, *pieces: bytes, bodies: int | None = None) -> bytes:
    """All that comes until the connection ends; where it stays open, until so many bodies of the site's have come, and
    for a while after that."""
    reader, writer = await asyncio.open_connection(*address)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.05)
    got = b""
    try:
        async with asyncio.timeout(60):
            while (bodies is None or got.count(b"hello") < bodies) and (piece := await reader.read(65_536)):
                got += piece
        if bodies is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while piece := await reader.read(65_536):
                        got += piece
    finally:
        writer.close()
    return got


@pytest.mark.parametrize(
    "pieces",
    [
        (CHUNKED + b"X-Late: 1\r\n\r\n" + NEXT,),
        (CHUNKED + b"X-Late: 1\r\n\r\n", NEXT),
        (CHUNKED + b"X-Late: 1\r\n\r\n" + CHUNKED + b"\r\n",),
    ],
)
async def test_a_trailer_is_no_field_of_the_next_request(site, start_proxy, pieces):
    proxy = await start_proxy(site.url)
    assert b"Connection: close" in await answers(proxy.address, *pieces)
    assert [seen.target for seen in site.seen] == ["/first"]


async def test_a_chunked_body_without_trailer_ends_no_connection(site, start_proxy):
    proxy = await start_proxy(site.url)
    reader, writer = await asyncio.open_connection(*proxy.address)
    async with asyncio.timeout(60):
        for asked in (CHUNKED + b"\r\n", NEXT):
            writer.write(asked)
            assert b" 200 " in await reader.readuntil(b"\r\n\r\nhello")
    writer.close()


async def test_what_comes_behind_an_upgrade_that_is_not_made_is_asked_again(site, start_proxy):
    proxy = await start_proxy(site.url)
    upgrade = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert b"Connection: close" in await answers(proxy.address, upgrade + NEXT)


async def test_an_address_with_a_host_is_one_of_ours_as_well(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET http://shop.localhost/.samtykke/health HTTP/1.1\r\n" + HOST + b"\r\n")
    assert b'"live": true' in got.body
    assert site.seen == []


@pytest.mark.parametrize("asked", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 204),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 304),
    ],
)
async def test_what_follows_an_answer_without_a_body_is_let_go(raw_site, start_proxy, say, asked, said, status):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await reader.read()

    proxy = await start_proxy(await raw_site(script))
    body = b"Content-Length: 2\r\n\r\nok" if asked == "POST" else b"\r\n"
    got = await say(proxy.address, asked.encode() + b" / HTTP/1.1\r\n" + HOST + body)
    assert (got.status, got.body) == (status, b"")
    assert status != 204 or b"content-length" not in got.head.lower()


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"chunked, chunked", b"xchunked"])
async def test_a_transfer_coding_that_was_not_asked_for_is_a_502(raw_site, start_proxy, say, coding):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + coding + b"\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        writer.close()

    proxy = await start_proxy(await raw_site(script))
    assert (await say(proxy.address, NEXT)).status == 502


@pytest.mark.parametrize("first", [1, 5, 12])
@pytest.mark.parametrize("coded", [b"", b"gzip"])
@pytest.mark.parametrize(
    ("kind", "document"),
    [(b"", TRACKER), (b"text/html", b"\xff\xfe" + TRACKER.decode().encode("utf-16-le"))],
    ids=["no type", "UTF-16"],
)
async def test_a_document_is_known_however_small_its_first_piece(
    raw_site, start_proxy, say, first, coded, kind, document
):
    body = gzip.compress(document) if coded else document
    fields = (b"Content-Type: " + kind + b"\r\n" if kind else b"") + (b"Content-Encoding: gzip\r\n" if coded else b"")

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body[:first])
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(body[first:])

    proxy = await start_proxy(await raw_site(script))
    # The guard is made when first asked for, and nothing is read meanwhile.
    await say(proxy.address, b"GET /.samtykke/assets/none HTTP/1.1\r\n" + HOST + b"\r\n")
    got = await say(proxy.address, NEXT)
    assert b'data-samtykke-src="https://www.google-analytics.com/analytics.js"' in got.body


@pytest.mark.parametrize("begins", [b"RTSP/1.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/2 200", b"<p>hello"])
@pytest.mark.parametrize("asked", ["GET", "POST"])
async def test_what_is_no_http_1_is_a_502(raw_site, start_proxy, say, begins, asked):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begins + b"\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()

    proxy = await start_proxy(await raw_site(script))
    body = b"Content-Length: 2\r\n\r\nok" if asked == "POST" else b"\r\n"
    got = await say(proxy.address, asked.encode() + b" / HTTP/1.1\r\n" + HOST + body)
    assert got.status == 502


async def test_a_reason_with_a_control_character_is_a_502(raw_site, start_proxy, say):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()

    proxy = await start_proxy(await raw_site(script))
    assert (await say(proxy.address, NEXT)).status == 502


@pytest.mark.parametrize("upgrade", [b"Upgrade: h2c\r\n", b""])
async def test_a_switch_to_another_protocol_is_a_502(raw_site, start_proxy, say, upgrade):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" + upgrade + b"\r\n")
        await reader.read()

    proxy = await start_proxy(await raw_site(script))
    asked = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert (await say(proxy.address, asked)).status == 502


async def test_good_requests_before_a_bad_one_are_answered(site, start_proxy):
    proxy = await start_proxy(site.url)
    bad = b"GET /bad HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"
    got = await answers(proxy.address, NEXT.replace(b"/next", b"/one") + NEXT.replace(b"/next", b"/two") + bad)
    assert [seen.target for seen in site.seen] == ["/one", "/two"]
    assert got.count(b" 200 OK\r\n") == 2
    assert got.count(b" 400 ") == 1


@pytest.mark.parametrize("cut", [1, 40, 90, 150])
async def test_requests_in_one_piece_or_two_are_the_same(site, start_proxy, cut):
    proxy = await start_proxy(site.url)
    post = b"POST /post HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\nok"
    said = NEXT + b"HEAD /head HTTP/1.1\r\n" + HOST + b"\r\n" + post + NEXT.replace(b"/next", b"/last")
    got = await answers(proxy.address, said[:cut], said[cut:], bodies=3)
    assert [seen.target for seen in site.seen] == ["/next", "/head", "/post", "/last"]
    assert got.count(b"HTTP/1.1 200 OK\r\n") == 4


async def test_a_cut_answer_without_a_length_does_not_look_whole(raw_site, start_proxy):
    """To a visitor of HTTP/1.0 the end of the connection is the end of the body: it must not come as one."""

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        await asyncio.sleep(0.2)

    proxy = await start_proxy(await raw_site(script))
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(60):
            await reader.read()
    writer.close()


async def test_our_own_addresses_say_that_a_body_may_come(site, start_proxy, asking):
    proxy = await start_proxy(site.url, parts=asking)
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(
        b"POST /.samtykke/choice HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 13\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    async with asyncio.timeout(60):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"action=nothing")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 4")
    writer.close()


@pytest.mark.parametrize(
    "said",
    [
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n",
        b"Content-Type: text/plain, text/html\r\n",
        b"Content-Type: text/html charset=utf-8\r\n",
        b"Content-Type: text/html(a comment)\r\n",
        b"Content-Type: text/html\r\nContent-Type: nonsense\r\n",
        b'Content-Type: text/plain; a="b, c", text/html\r\n',
    ],
)
async def test_the_type_that_browsers_take_is_the_type_that_is_judged(raw_site, start_proxy, say, said):
    async def script(reader, writer):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n" + said + b"Content-Length: %d\r\n\r\n" % len(TRACKER) + TRACKER)

    proxy = await start_proxy(await raw_site(script))
    got = await say(proxy.address, NEXT)
    assert b'data-samtykke-src="https://www.google-analytics.com/analytics.js"' in got.body
    assert len(got.header("content-type")) == 1

"""What is too ambiguous to hand on is refused, never forwarded: raw sockets against the front door."""

from __future__ import annotations

import asyncio

import pytest

HOST = b"Host: shop.localhost\r\n"

REFUSED = {
    "both lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a hexadecimal length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length beyond 64 bits with a sign": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 9223372036854775813\r\n\r\nabcde",
    "a coding besides chunked": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "an obscured coding": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\n" + HOST + b"X-A : 1\r\n\r\n",
    "obs-fold": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n 2\r\n\r\n",
    "a folded first header": b"GET / HTTP/1.1\r\n X-A: 1\r\n" + HOST + b"\r\n",
    "a bare LF": b"GET / HTTP/1.1\n" + HOST.replace(b"\r", b"") + b"\n",
    "a bare CR in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\rX-B: 2\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\x002\r\n\r\n",
    "an odd header name": b"GET / HTTP/1.1\r\n" + HOST + b"X(A): 1\r\n\r\n",
    "an empty header name": b"GET / HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n",
    "a disguised length": b"POST / HTTP/1.1\r\n" + HOST + b"Content_Length: 3\r\n\r\n",
    "a disguised forwarding": b"GET / HTTP/1.1\r\n" + HOST + b"X_Forwarded_For: 1.2.3.4\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "a list as Host": b"GET / HTTP/1.1\r\nHost: shop.localhost, other\r\n\r\n",
    "a path in Host": b"GET / HTTP/1.1\r\nHost: shop.localhost/x\r\n\r\n",
    "a user in Host": b"GET / HTTP/1.1\r\nHost: a@shop.localhost\r\n\r\n",
    "a target of another host": b"GET http://other.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target of no known kind": b"GET shop.localhost HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT shop.localhost:443 HTTP/1.1\r\nHost: shop.localhost:443\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown version": b"GET / HTTP/3.7\r\n" + HOST + b"\r\n",
    "HTTP/2 by knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a nominated Host": b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close, Host\r\n\r\n",
    "an unknown expectation": b"POST / HTTP/1.1\r\n" + HOST + b"Expect: magic\r\nContent-Length: 0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "garbage": b"\x00\x01\x02\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_ambiguous_requests_are_refused_and_never_forwarded(site, start_proxy, say, name):
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, REFUSED[name])
    assert 400 <= got.status < 600, got.head
    assert got.status != 500
    assert b"Traceback" not in got.body
    assert site.seen == []


BAD_CHUNKS = {
    "no number": b"x\r\nabc\r\n0\r\n\r\n",
    "a number with a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "more data than said": b"3\r\nabcdef\r\n0\r\n\r\n",
    "a bare LF": b"3\nabc\n0\n\n",
    "a negative number": b"-3\r\nabc\r\n0\r\n\r\n",
    "a number too large": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
async def test_bad_chunks_never_reach_the_site_as_a_whole_request(site, start_proxy, say, name):
    proxy = await start_proxy(site.url)
    got = await say(
        proxy.address, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + BAD_CHUNKS[name]
    )
    assert got.status in {0, 400}
    await asyncio.sleep(0.05)
    assert site.seen == []


async def test_absolute_targets_of_the_same_host_become_paths(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    assert (await say(proxy.address, b"GET http://shop.localhost/a?b HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200
    assert site.seen[0].target == "/a?b"


@pytest.mark.parametrize(
    "head",
    [
        b"X-Long: " + b"a" * 100_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(1000)),
        b"".join(b"X-%d: " % number + b"a" * 10_000 + b"\r\n" for number in range(20)),
    ],
    ids=["one long field", "many fields", "much in all"],
)
async def test_large_heads_are_refused(site, start_proxy, say, head):
    proxy = await start_proxy(site.url)
    assert (await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + head + b"\r\n")).status == 431
    assert site.seen == []


async def test_a_long_request_line_is_refused(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert got.status in {400, 414, 431}


async def test_a_head_that_does_not_arrive_is_given_up(site, start_proxy):
    proxy = await start_proxy(site.url, limits={"visitor_idle": 1})
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"GET / HTTP/1.1\r\nHost: sh")
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_a_body_that_does_not_arrive_is_given_up(site, start_proxy, say):
    proxy = await start_proxy(site.url, limits={"body": 0.2})
    got = await say(proxy.address, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nab")
    assert got.status == 408
    assert site.seen == []


async def test_a_second_request_behind_a_refused_one_is_not_read(site, start_proxy):
    proxy = await start_proxy(site.url)
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(
        b"POST / HTTP/1.1\r\n" + HOST + b"Content_Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    )
    assert (await reader.read()).count(b"HTTP/1.1 ") == 1
    writer.close()
    assert site.seen == []

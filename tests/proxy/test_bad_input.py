"""Hostile visitors and broken sites: a clear end, a reason in the log, the proxy alive, its memory flat."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import struct
from pathlib import Path

import brotli
import pytest
from aiohttp import web
from structlog.testing import capture_logs

GET = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Dest: document\r\n\r\n"
TRACKER = b'<script src="https://www.google-analytics.com/analytics.js"></script>'
MEGABYTE = 1 << 20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def alive(proxy, site, say) -> bool:
    """A page is still served, and judged."""
    site.answer = bodies(b"<!doctype html>" + TRACKER)
    got = await say(proxy.address, GET)
    return got.status == 200 and b' src="https://www.google' not in got.body


def bodies(body: bytes, content_type: str = "text/html", **headers: str):
    async def answer(_request):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, headers={"Content-Type": content_type} | named)

    return answer


def pieces(make, content_type: str = "text/html"):
    """A body that is made while it is sent."""

    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for piece in make():
            await response.write(piece)
        await response.write_eof()
        return response

    return answer


async def drained(address, request: bytes = GET) -> tuple[int, int, bytes]:
    """Read an answer without keeping it: status, bytes, and the last of them."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
    status = int((await reader.readline()).split(b" ")[1])
    length, last = 0, b""
    async with asyncio.timeout(60):
        while piece := await reader.read(MEGABYTE):
            length += len(piece)
            last = (last + piece)[-100:]
    writer.close()
    return status, length, last


async def test_a_head_of_a_megabyte_is_refused_with_a_reason(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    with capture_logs() as logs:
        lines = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 8000) for number in range(130))
        got = await say(proxy.address, b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n" + lines + b"\r\n")
    assert got.status == 431
    assert any(entry.get("reason") for entry in logs)
    assert site.seen == []
    assert await alive(proxy, site, say)


@pytest.mark.parametrize(
    ("limit", "request_head"),
    [
        ({"line": 256}, b"GET /" + b"a" * 600 + b" HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"),
        ({"field": 256}, GET.replace(b"\r\n\r\n", b"\r\nX-A: " + b"a" * 600 + b"\r\n\r\n")),
        ({"head": 1024}, GET.replace(b"\r\n\r\n", b"\r\nX-A: " + b"a" * 2000 + b"\r\n\r\n")),
        ({"fields": 8}, GET.replace(b"\r\n\r\n", b"\r\nX-A: 1" * 20 + b"\r\n\r\n")),
    ],
    ids=["line", "field", "head", "fields"],
)
async def test_a_limit_set_low_holds_for_the_plainest_request(site, start_proxy, say, limit, request_head):
    proxy = await start_proxy(site.url, limits=limit)
    assert (await say(proxy.address, request_head)).status == 431
    assert site.seen == []


async def test_an_unreadable_request_after_an_answered_one_is_told_so(site, start_proxy):
    proxy = await start_proxy(site.url)
    reader, writer = await asyncio.open_connection(*proxy.address)
    with capture_logs() as logs:
        async with asyncio.timeout(60):
            writer.write(GET)
            await reader.readuntil(b"hello")
            writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nBad Name: x\r\n\r\n")
            got = await reader.read()
    writer.close()
    assert b" 400 " in got.splitlines()[0]
    assert [entry["event"] for entry in logs if entry["event"] in {"refused", "fault"}] == ["refused"]


async def test_slow_heads_and_bodies_hold_nobody_else_up(site, start_proxy, say):
    proxy = await start_proxy(site.url, limits={"visitor_idle": 2, "body": 2})
    slow = [await asyncio.open_connection(*proxy.address) for _ in range(50)]
    for number, (_, writer) in enumerate(slow):
        head = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 100\r\n\r\nab"
        writer.write(head if number % 2 else head[:20])
    assert await alive(proxy, site, say)
    for reader, writer in slow:
        async with asyncio.timeout(60):
            answer = await reader.read()
        assert answer == b"" or b" 408 " in answer.splitlines()[0]
        writer.close()


@pytest.mark.parametrize("head", [GET, b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0\r\n\r\n"])
async def test_who_takes_nothing_of_his_answer_does_not_hold_the_site_for_ever(raw_site, start_proxy, head):
    ended = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n")
        try:
            while True:
                writer.write(bytes(100_000))
                await writer.drain()
        finally:
            ended.set()

    proxy = await start_proxy(await raw_site(answer), limits={"visitor_idle": 1})
    _, writer = await asyncio.open_connection(*proxy.address, limit=1024)
    writer.write(head)
    async with asyncio.timeout(60):
        await ended.wait()
    writer.transport.abort()


async def test_who_takes_his_answer_slowly_gets_it_whole(site, start_proxy):
    site.answer = bodies(bytes(20 * MEGABYTE), "application/zip")
    proxy = await start_proxy(site.url, limits={"visitor_idle": 4})
    reader, writer = await asyncio.open_connection(*proxy.address, limit=65_536)
    writer.write(GET)
    await reader.readuntil(b"\r\n\r\n")
    length = 0
    async with asyncio.timeout(60):
        while length < 20 * MEGABYTE:
            length += len(await reader.readexactly(MEGABYTE))
            await asyncio.sleep(0.25)
    writer.close()


@pytest.mark.parametrize("said", [5, 500])
async def test_a_lying_length_of_the_site_never_looks_whole(raw_site, start_proxy, say, said):
    body = b"<p>hello" * 10

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % said + body)
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    got = await say(proxy.address, GET)
    if said < len(body):
        # What follows is no answer that anybody asked for: the exchange is refused, or ends where it said.
        assert got.status == 502 or (got.status, body in got.body) == (200, False)
    else:
        assert got.closed or got.status == 502


BROKEN = {
    "truncated gzip": (gzip.compress(b"<p>hello" * 1000)[:-20], "gzip"),
    "truncated br": (brotli.compress(b"<p>hello" * 1000)[:-4], "br"),
    "no gzip at all": (b"<p>hello" * 1000, "gzip"),
    "a broken checksum": (gzip.compress(b"<p>hello")[:-8] + bytes(8), "gzip"),
    "a bomb": (gzip.compress(bytes(40_000_000)), "gzip"),
    "a bomb in a bomb": (gzip.compress(gzip.compress(bytes(400_000_000))), "gzip, gzip"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_codings_have_a_clear_end_and_a_reason(site, start_proxy, say, name):
    body, coding = BROKEN[name]
    site.answer = bodies(body, Content_Encoding=coding)
    proxy = await start_proxy(site.url, limits={"decoded_free": MEGABYTE})
    before = resident()
    with capture_logs() as logs:
        got = await say(proxy.address, GET)
    assert got.status == 502 or got.closed
    assert any(entry["event"] in {"not_answered", "broken_off"} and entry["reason"] for entry in logs)
    assert resident() - before < 30 * MEGABYTE
    assert await alive(proxy, site, say)


@pytest.mark.parametrize("label", ["utf-16", "utf-7", "x-unknown", "iso-2022-jp", "\x00", "utf-8; charset=utf-16", "é"])
async def test_wrong_charset_labels_hide_no_tracker(raw_site, start_proxy, say, label):
    body = b"<!doctype html><p>caf\xe9</p>" + TRACKER

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={label}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    got = await say(proxy.address, GET)
    # Where the label is believed, the bytes are no such element; where it is not, the element is held.
    assert got.status in {200, 502}
    assert b' src="https://www.google-analytics.com' not in got.body


async def test_nul_bytes_stay_and_hide_no_tracker(site, start_proxy, say):
    site.answer = bodies(b"<!doctype html>\x00<p a\x00b=c>\x00</p>" + TRACKER + b"\x00")
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, GET)
    assert b"\x00<p a\x00b=c>\x00</p>" in got.body
    assert b' src="https://www.google' not in got.body


@pytest.mark.parametrize(
    ("make", "length"),
    [
        (lambda: [b'<p title="', *[b"a" * MEGABYTE] * 50, b'">'], 50 * MEGABYTE),
        (lambda: [b"<b>" * 10_000] * 100, 3_000_000),
        (lambda: [b"<!--", *[b"-" * MEGABYTE] * 20, b"-->"], 20 * MEGABYTE),
        (lambda: [b"<script>", *[b"x;" * (MEGABYTE // 2)] * 20, b"</script>"], 20 * MEGABYTE),
        (lambda: [b"<" * 100_000] * 20, 2_000_000),
    ],
    ids=["50 MB in one attribute", "a million nested elements", "a long comment", "a long script", "only brackets"],
)
async def test_monstrous_documents_pass_in_flat_memory(site, start_proxy, say, make, length):
    site.answer = pieces(make)
    proxy = await start_proxy(site.url)
    await say(proxy.address, GET.replace(b"GET", b"HEAD"))
    before = resident()
    status, got, _ = await drained(proxy.address)
    assert status == 200
    assert got >= length
    assert resident() - before < 40 * MEGABYTE
    assert await alive(proxy, site, say)


async def test_a_reset_by_the_site_is_a_502_or_breaks_the_answer(raw_site, start_proxy, say):
    for begun in (b"", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>hello"):

        async def answer(reader, writer, begun=begun):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(begun)
            await writer.drain()
            await asyncio.sleep(0.05)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER: close means reset
            writer.transport.abort()

        proxy = await start_proxy(await raw_site(answer))
        got = await say(proxy.address, GET)
        assert got.status == 502 or got.closed


async def test_a_site_whose_certificate_is_wrong_is_a_502_with_the_reason_in_the_log(start_proxy, say, tmp_path):
    certificate, key = tmp_path / "a.pem", tmp_path / "a.key"
    making = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=other.example",
        "-keyout", str(key), "-out", str(certificate), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await making.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    proxy = await start_proxy(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with capture_logs() as logs:
        assert (await say(proxy.address, GET)).status == 502
    assert any("certificate" in str(entry.get("reason")).lower() for entry in logs)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("target", [b"/\xc3\xa6", b"/a?\xe6", b"/\xff\xfe"])
async def test_bytes_that_must_be_encoded_in_an_address_are_refused_with_the_reason(site, start_proxy, say, target):
    proxy = await start_proxy(site.url)
    with capture_logs() as logs:
        got = await say(proxy.address, GET.replace(b"/ ", target + b" ", 1))
    assert got.status == 400
    assert any("percent-encoded" in str(entry.get("reason")) for entry in logs)
    assert got.header("server") in ([], ["samtykke"])
    assert site.seen == []


async def test_garbage_of_all_kinds_leaves_the_proxy_alive(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    for seed in range(60):
        noise = (b"GET / HTTP/1.1\r\n" if seed % 3 == 0 else b"") + os.urandom(seed * 50)
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(noise)
        writer.write_eof()
        async with asyncio.timeout(60):
            answer = await reader.read()
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 5", b"HTTP/1.0 5"))
        assert b"Traceback" not in answer
        writer.close()
    assert await alive(proxy, site, say)


async def test_trailers_stay_behind_and_the_body_is_whole(raw_site, start_proxy, say):
    """Decided: trailers pass in neither direction; what they announced is dropped with them."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        writer.write(b"5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n")
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    got = await say(proxy.address, GET)
    assert (got.body, got.header("trailer"), got.header("x-a")) == (b"hello", [], [])


async def test_no_transform_is_rewritten_but_not_compressed(site, start_proxy, say):
    """Decided: we speak for the site, so trackers go all the same; what the site sent plain stays plain."""
    page = b"<!doctype html><p>" + b"a" * 2000 + TRACKER
    proxy = await start_proxy(site.url)
    asked = GET.replace(b"\r\n\r\n", b"\r\nAccept-Encoding: gzip\r\n\r\n")
    for caching, coding in (("no-transform", []), ("max-age=1", ["gzip"])):
        site.answer = bodies(page, Cache_Control=caching)
        got = await say(proxy.address, asked)
        assert got.header("content-encoding") == coding
        assert b' src="https://www.google' not in got.body
    site.answer = bodies(page, Cache_Control="no-transform")
    assert "no-transform" in (await say(proxy.address, asked)).header("cache-control")[0]


async def test_request_ids_are_told_where_wanted(site, start_proxy, say):
    site.answer = bodies(b"hello", "text/plain")
    quiet, telling = await start_proxy(site.url), await start_proxy(site.url, request_id=True)
    assert (await say(quiet.address, GET)).header("x-request-id") == []
    told = (await say(telling.address, GET)).header("x-request-id")
    assert told == site.seen[-1].header("x-request-id")
    site.answer = bodies(b"hello", "text/plain", X_Request_Id="its-own")
    assert (await say(telling.address, GET)).header("x-request-id") == ["its-own"]


async def test_search_bots_get_the_page_and_leave_no_row(site, start_proxy, say, asking):
    site.answer = bodies(b"<!doctype html><title>a</title><h1>Shop</h1>" + TRACKER)
    proxy = await start_proxy(site.url, parts=asking)
    agent = b"\r\nUser-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)\r\n\r\n"
    got = await say(proxy.address, GET.replace(b"\r\n\r\n", agent))
    assert got.status == 200
    assert b"<h1>Shop</h1>" in got.body
    assert b' src="https://www.google' not in got.body
    await asking.desk.close()
    assert asking.desk.dropped == 0


async def test_a_sites_own_service_worker_passes_with_a_policy_of_its_own(site, start_proxy, say, asking, published):
    script = b"self.addEventListener('fetch', () => {});"
    site.answer = bodies(script, "text/javascript", Service_Worker_Allowed="/")
    proxy = await start_proxy(site.url, parts=asking, policy_file=published())
    worker = b"Sec-Fetch-Dest: serviceworker\r\nService-Worker: script\r\n\r\n"
    got = await say(proxy.address, b"GET /sw.js HTTP/1.1\r\nHost: shop.localhost\r\n" + worker)
    assert got.body == script
    assert got.header("service-worker-allowed") == ["/"]
    assert got.header("content-security-policy")
    assert site.seen[-1].header("service-worker") == ["script"]

"""The proxy as a good citizen of HTTP, seen through its front door."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import ssl
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = b"Host: shop.localhost\r\n"


async def test_path_and_query_reach_the_site_byte_for_byte(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    for target in (b"/a%2Fb/../c//d?", b"/?q=%C3%A6+%20&&=", b"/%7Euser;v=1?a=b?c", b"/a|b{c}\\d"):
        assert (await say(proxy.address, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200
        assert site.seen[-1].target.encode("utf-8", "surrogateescape") == target


async def test_repeated_headers_keep_order_and_spelling(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"X-a: 1\r\nx-B: \xe6\r\nX-a: 2\r\n\r\n")
    assert [pair for pair in site.seen[0].headers if pair[0] in {"X-a", "x-B"}] == [
        ("X-a", "1"), ("x-B", "\xe6"), ("X-a", "2"),
    ]  # fmt: skip


async def test_answers_keep_repeated_headers_in_order_and_bytes_beyond_ascii(raw_site, start_proxy, say):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 203 Fine \xe6\r\nX-A: 1\r\nSet-Cookie: a=1\r\nX-A: \xe6\r\nSet-Cookie: b=2\r\n"
            b"Content-Length: 2\r\n\r\nok"
        )
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    got = await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert got.head.startswith(b"HTTP/1.1 203 Fine \xe6\r\n")
    assert got.header("x-a") == ["1", "\xe6"]
    assert got.header("set-cookie") == ["a=1", "b=2"]
    assert got.body == b"ok"


async def test_hop_by_hop_headers_stay_on_their_hop(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    await say(
        proxy.address,
        b"GET / HTTP/1.1\r\n"
        + HOST
        + b"Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        b"Upgrade: h2c\r\nProxy-Connection: x\r\nX-Yours: 2\r\n\r\n",
    )
    names = {name.lower() for name, _ in site.seen[0].headers}
    assert not names & {"connection", "x-mine", "keep-alive", "te", "upgrade", "proxy-connection"}
    assert "x-yours" in names


async def test_bodies_go_up_as_they_are_framed(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    await say(proxy.address, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello")
    await say(
        proxy.address,
        b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    await say(proxy.address, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")
    first, second, third = site.seen
    assert (first.body, first.header("content-length"), first.header("transfer-encoding")) == (b"hello", ["5"], [])
    assert (second.body, second.header("content-length"), second.header("transfer-encoding")) == (
        b"abcde",
        [],
        ["chunked"],
    )
    assert (third.body, third.header("content-length")) == (b"", ["0"])


async def test_large_bodies_stream_both_ways_unchanged(site, start_proxy):
    async def echo(request):
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response

    echo.streaming = True
    site.answer = echo
    proxy = await start_proxy(site.url)
    block = bytes(range(256)) * 256

    async def blocks():
        for _ in range(200):
            yield block

    digest = hashlib.sha256()
    async with (
        ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{proxy.address[1]}/", data=blocks(), headers={"Host": "shop.localhost"}
        ) as response,
    ):
        async for piece in response.content.iter_any():
            digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(block * 200).hexdigest()


async def test_a_body_waits_for_100_continue(site, start_proxy):
    proxy = await start_proxy(site.url)
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"ok")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert site.seen[0].body == b"ok"


async def test_100_is_never_said_to_http_1_0(site, start_proxy):
    proxy = await start_proxy(site.url)
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"POST / HTTP/1.0\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    await asyncio.sleep(0.1)
    writer.write(b"ok")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert site.seen[0].body == b"ok"


async def test_100_is_not_said_for_a_site_that_cannot_be_reached(start_proxy, say):
    proxy = await start_proxy("http://127.0.0.1:1")
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 502")
    writer.close()


async def test_head_and_empty_statuses_have_no_body(site, start_proxy):
    async def answer(request):
        status = int(request.path.strip("/") or 200)
        return web.Response(text="seven77") if status == 200 else web.Response(status=status)

    site.answer = answer
    proxy = await start_proxy(site.url)
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(
        b"HEAD / HTTP/1.1\r\n"
        + HOST
        + b"\r\nGET /204 HTTP/1.1\r\n"
        + HOST
        + b"\r\nGET /304 HTTP/1.1\r\n"
        + HOST
        + b"\r\n"
    )
    heads = [await reader.readuntil(b"\r\n\r\n") for _ in range(3)]
    assert [head.split(b" ")[1] for head in heads] == [b"200", b"204", b"304"]
    assert b"Content-Length: 7" in heads[0]
    assert b"Transfer-Encoding" not in b"".join(heads)
    writer.close()


async def test_http_1_0_visitors_get_an_end_they_understand(site, start_proxy, say):
    async def answer(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        await response.write_eof(b"two")
        return response

    site.answer = answer
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
    assert (got.body, got.closed, got.header("transfer-encoding")) == (b"onetwo", True, [])


async def test_ranges_and_conditions_of_files_pass(site, start_proxy, say):
    async def answer(request):
        return web.Response(
            status=206, body=b"ell", headers={"Content-Range": "bytes 1-3/5", "ETag": '"v1"'}, content_type="image/png"
        )

    site.answer = answer
    proxy = await start_proxy(site.url)
    got = await say(
        proxy.address,
        b"GET /a.png HTTP/1.1\r\n" + HOST + b"Sec-Fetch-Dest: image\r\nRange: bytes=1-3\r\n"
        b'If-Range: "v1"\r\nIf-None-Match: "v0"\r\n\r\n',
    )
    assert (got.status, got.body, got.header("etag")) == (206, b"ell", ['"v1"'])
    assert site.seen[0].header("range") == ["bytes=1-3"]
    assert site.seen[0].header("if-none-match") == ['"v0"']


async def test_files_pass_with_their_coding(site, start_proxy, say):
    packed = gzip.compress(b"x" * 1000)

    async def answer(request):
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "text/css"})

    site.answer = answer
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"Accept-Encoding: gzip, sdch;q=0.5, br\r\n\r\n")
    assert (got.body, got.header("content-encoding")) == (packed, ["gzip"])
    assert site.seen[0].header("accept-encoding") == ["gzip, br"]


async def test_connections_to_the_site_are_reused(site, start_proxy, say):
    peers = set()

    async def answer(request):
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text="x")

    site.answer = answer
    proxy = await start_proxy(site.url, limits={"upstream_idle": 60})
    for _ in range(5):
        await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert len(peers) == 1


async def test_a_connection_gone_stale_is_not_the_visitors_problem(raw_site, start_proxy, say):
    async def once(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")

    proxy = await start_proxy(await raw_site(once))
    for _ in range(4):
        assert (await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200


async def test_the_visitor_is_named_to_the_site_and_cannot_name_himself(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    await say(
        proxy.address,
        b"GET / HTTP/1.1\r\n"
        + HOST
        + b"X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\r\n",
    )
    seen = site.seen[0]
    assert seen.header("x-forwarded-for") == ["127.0.0.1"]
    assert seen.header("x-forwarded-proto") == ["http"]
    assert seen.header("x-forwarded-host") == ["shop.localhost"]
    assert seen.header("forwarded") == ['for=127.0.0.1;host="shop.localhost";proto=http']
    assert seen.header("x-real-ip") == []
    assert seen.header("host") == ["shop.localhost"]


async def test_a_trusted_proxys_word_is_extended(site, start_proxy, say):
    proxy = await start_proxy(site.url, trusted_proxies=["127.0.0.0/8"])
    await say(
        proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n"
    )
    assert site.seen[0].header("x-forwarded-for") == ["1.2.3.4, 127.0.0.1"]
    assert site.seen[0].header("x-forwarded-proto") == ["https"]


async def test_unknown_hosts_are_not_served(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    assert (await say(proxy.address, b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")).status == 421
    assert site.seen == []


async def test_tls_certificates_of_our_own_are_served(site, start_proxy, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "k.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    proxy = await start_proxy(site.url, certificate=str(tmp_path / "c.pem"), certificate_key=str(tmp_path / "k.pem"))
    context = ssl.create_default_context(cafile=tmp_path / "c.pem")
    reader, writer = await asyncio.open_connection(*proxy.address, ssl=context, server_hostname="shop.localhost")
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"hello")
    writer.close()
    await writer.wait_closed()
    assert site.seen[0].header("x-forwarded-proto") == ["https"]


async def test_a_fault_of_our_own_is_a_page_without_traceback(site, start_proxy, say, monkeypatch):
    proxy = await start_proxy(site.url)

    def broken(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(proxy._arrivals, "exchange", broken)
    got = await say(proxy.address, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert got.status == 500
    assert b"secret" not in got.body
    assert b"Request id" in got.body


async def test_a_media_player_without_fetch_metadata_gets_its_ranges(site, start_proxy, say):
    async def answer(request):
        return web.Response(status=206, body=b"ell", content_type="video/mp4", headers={"Content-Range": "bytes 1-3/5"})

    site.answer = answer
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET /v.mp4 HTTP/1.1\r\n" + HOST + b"Accept: */*\r\nRange: bytes=1-3\r\n\r\n")
    assert (got.status, got.body) == (206, b"ell")
    assert site.seen[0].header("range") == ["bytes=1-3"]

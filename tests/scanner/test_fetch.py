"""Every hop is seen, every answer is bounded, and what goes wrong is a sentence."""

import asyncio
import gzip
import socket
import ssl
import time

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from site_server import serve_site

from runtime.resolve import LocalhostResolver
from scanner.addresses import Addresses
from scanner.fetch import Fetcher, Terms, retry_after
from scanner.settings import ScanSettings

TERMS = Terms(seconds=60, size=100_000, redirects=4)


@pytest.fixture
async def site():
    async with serve_site() as served:
        yield served


@pytest.fixture
async def fetcher():
    settings = ScanSettings(url="http://shop.localhost/")
    async with Fetcher(settings, Addresses(loopback=True), LocalhostResolver()) as opened:
        yield opened


def moved(to, *cookies):
    async def answer(request):
        response = web.Response(status=302, headers={"Location": to})
        for cookie in cookies:
            response.headers.add("Set-Cookie", cookie)
        return response

    return answer


async def test_the_cookies_of_every_hop_are_seen_in_order(site, fetcher):
    site.handle("shop.localhost", "/", moved("/b", "a=1", "b=2; Partitioned"))
    site.handle("shop.localhost", "/b", moved(f"{site.base('www.localhost')}/c#x", "c=3"))
    site.page("www.localhost", "/c", "there", Set_Cookie="d=4")
    seen = []
    found = await fetcher.get(f"{site.base()}/", TERMS, on_hop=lambda hop: seen.append(hop.set_cookie))
    assert seen == [(b"a=1", b"b=2; Partitioned"), (b"c=3",), (b"d=4",)]
    assert [hop.status for hop in found.hops] == [302, 302, 200]
    assert (found.last.url, found.body, found.error) == (f"{site.base('www.localhost')}/c", b"there", None)


async def test_cookies_are_asked_for_before_each_request(site, fetcher):
    site.handle("shop.localhost", "/", moved("/b", "a=1"))
    site.page("shop.localhost", "/b", "there")
    await fetcher.get(f"{site.base()}/", TERMS, cookies=lambda url: b"x=1" if url.endswith("/b") else None)
    assert [request.headers.get("Cookie") for request in site.asked] == [None, "x=1"]


async def test_endless_redirects_end(site, fetcher):
    site.handle("shop.localhost", "/", moved("/"))
    found = await fetcher.get(f"{site.base()}/", TERMS)
    assert (found.error, len(found.hops)) == ("more than 4 redirects", 5)


async def test_a_redirect_into_the_inner_network_is_refused(site):
    settings = ScanSettings(url="http://shop.localhost/")
    site.handle("shop.localhost", "/literal", moved("http://10.0.0.1/secret"))
    site.handle("shop.localhost", "/meta", moved("http://169.254.169.254/latest/"))
    async with Fetcher(settings, Addresses(loopback=True), LocalhostResolver()) as fetcher:
        for path in ("/literal", "/meta"):
            found = await fetcher.get(site.base() + path, TERMS)
            assert found.error.startswith("refused: ")
    async with Fetcher(settings, Addresses(), LocalhostResolver()) as fetcher:
        found = await fetcher.get(f"{site.base()}/", TERMS)
        assert found.error.startswith("refused: ")
    assert len(site.asked) == 2


async def test_a_redirect_to_what_is_no_web_address_is_the_end(site, fetcher):
    site.handle("shop.localhost", "/", moved("javascript:alert(1)"))
    found = await fetcher.get(f"{site.base()}/", TERMS)
    assert (found.error, found.last.status) == (None, 302)


async def test_a_long_answer_is_cut(site, fetcher):
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response

    site.handle("shop.localhost", "/", endless)
    found = await fetcher.get(f"{site.base()}/", TERMS)
    assert (len(found.body), found.cut, found.error) == (100_000, True, None)


async def test_a_gzip_bomb_is_cut(site, fetcher):
    bomb = gzip.compress(b"\0" * 50_000_000)

    async def answer(request):
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"}, content_type="text/html")

    site.handle("shop.localhost", "/", answer)
    found = await fetcher.get(f"{site.base()}/", TERMS)
    assert (len(found.body), found.cut) == (100_000, True)


async def test_a_slow_drip_times_out(site, fetcher):
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(1_200):
                await response.write(b"x")
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        return response

    site.handle("shop.localhost", "/", drip)
    began = time.perf_counter()
    found = await fetcher.get(f"{site.base()}/", Terms(seconds=0.4))
    assert "timed out" in found.error
    assert time.perf_counter() - began < 40  # the whole drip takes a minute


async def test_a_body_nobody_wants_is_not_read(site, fetcher):
    site.put("shop.localhost", "/", "x" * 1000, "image/png")
    found = await fetcher.get(f"{site.base()}/", Terms(wanted=lambda kind: kind.startswith("text/html")))
    assert (found.body, found.last.status) == (b"", 200)


async def test_a_closed_port_is_a_sentence(fetcher):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = await fetcher.get(f"http://shop.localhost:{port}/", TERMS)
    assert found.error.startswith("connection failed: ")


@pytest.mark.parametrize(
    ("said", "error"),
    [(b"", "disconnected before an answer"), (b"hello\r\n\r\n", "no valid HTTP answer"),
     (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "connection ended in the middle")],
)  # fmt: skip
async def test_an_answer_that_is_none_is_a_sentence(fetcher, said, error):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await fetcher.get(f"http://shop.localhost:{port}/", TERMS)
    assert error in found.error


async def test_a_certificate_nobody_trusts_is_a_sentence(fetcher, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    async def talk(reader, writer):
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        found = await fetcher.get(f"https://shop.localhost:{port}/", TERMS)
    assert found.error.startswith("TLS: certificate not accepted")


def self_signed(folder):
    from datetime import UTC, datetime, timedelta

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.localhost")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=9)).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "pair.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_a_wait_asked_for_is_told_and_kept_within_reason(site, fetcher):
    async def busy(request):
        return web.Response(status=429, headers={"Retry-After": request.query["s"]})

    site.handle("shop.localhost", "/", busy)
    waits = [retry_after((await fetcher.get(f"{site.base()}/?s={s}", TERMS)).last) for s in ("2", "99999", "soon")]
    assert waits == [2.0, 30.0, None]

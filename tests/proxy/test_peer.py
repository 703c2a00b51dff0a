"""PROXY protocol: however the bytes arrive, the same address or the same error."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from arrivals import arrivals
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proxy.peer import PeerError, PeerHeader
from proxy.settings import ProxySettings

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
GET = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"


def binary(source: str, port: int, *, command: int = 1, more: bytes = b"") -> bytes:
    address = ipaddress.ip_address(source)
    family = 0x11 if address.version == 4 else 0x21
    body = address.packed * 2 + port.to_bytes(2, "big") + b"\x00\x50" + more
    return SIGNATURE + bytes([0x20 | command, family]) + len(body).to_bytes(2, "big") + body


GOOD = {
    b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n": ("192.0.2.7", 5000),
    b"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n": ("2001:db8::7", 1),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n": None,
    binary("192.0.2.7", 5000): ("192.0.2.7", 5000),
    binary("2001:db8::7", 5000, more=b"\x04\x00\x01x"): ("2001:db8::7", 5000),
    binary("192.0.2.7", 5000, command=0): None,
    SIGNATURE + b"\x21\x00\x00\x00": None,
}
BAD = [
    b"GET / HTTP/1.1\r\n", b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", b"PROXY TCP4 ::1 ::1 1 2\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", b"PROXY TCP4  1.2.3.4 1 2 3\r\n",
    b"PROXY " + b"x" * 200 + b"\r\n", SIGNATURE + b"\x11\x11\x00\x0c" + bytes(12), SIGNATURE + b"\x22\x11\x00\x00",
    SIGNATURE + b"\x21\x11\x00\x04" + bytes(4), SIGNATURE + b"\x21\x11\xff\xff", b"PROXY \r\n", b"\x16\x03\x01",
]  # fmt: skip


def read(pieces) -> tuple[tuple[str, int] | None, bytes] | None:
    header = PeerHeader()
    for number, piece in enumerate(pieces):
        if header.feed(piece):
            return header.peer, header.rest + b"".join(pieces[number + 1 :])
    return None


@pytest.mark.parametrize("header", GOOD)
def test_headers_are_read_however_they_arrive(header):
    for pieces in arrivals(header + GET):
        assert read(list(pieces)) == (GOOD[header], GET)


@pytest.mark.parametrize("header", BAD)
def test_broken_headers_are_errors(header):
    for pieces in arrivals(header):
        with pytest.raises(PeerError):
            assert read(list(pieces)) is not None


@given(st.binary(max_size=200), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"]))
def test_any_bytes_are_a_header_an_error_or_too_few(data, start):
    try:
        found = read([start + data])
    except PeerError:
        return
    assert found is None or found[0] is None or ipaddress.ip_address(found[0][0])


async def test_the_site_and_the_log_hear_of_the_announced_visitor(site, start_proxy, say):
    proxy = await start_proxy(site.url, proxy_protocol=True, trusted_proxies=("127.0.0.1",))
    for header in (b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n", binary("192.0.2.7", 5000)):
        assert (await say(proxy.address, header + GET)).status == 200
        assert site.seen[-1].header("x-forwarded-for") == ["192.0.2.7"]
    assert (await say(proxy.address, b"PROXY UNKNOWN\r\n" + GET)).status == 200
    assert site.seen[-1].header("x-forwarded-for") == ["127.0.0.1"]


async def test_connections_without_a_header_or_past_the_proxy_are_closed(site, start_proxy):
    for trusted in ("127.0.0.1", "10.0.0.0/8"):
        proxy = await start_proxy(site.url, proxy_protocol=True, trusted_proxies=(trusted,))
        reader, writer = await asyncio.open_connection(*proxy.address)
        start = b"PROXY UNKNOWN\r\n" if trusted.startswith("10.") else b""
        with pytest.raises(ConnectionError):  # noqa: PT012  which of the two the kernel chooses is its own affair
            writer.write(start + GET)
            await writer.drain()
            if await reader.read() == b"":
                raise ConnectionResetError
        writer.close()
    assert site.seen == []


async def test_a_header_that_never_comes_is_given_up(site, start_proxy):
    proxy = await start_proxy(site.url, proxy_protocol=True, trusted_proxies=("127.0.0.1",), limits={"visitor_idle": 1})
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(b"PROXY TCP4 192")
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"proxy_protocol": True},
        {"proxy_protocol": True, "trusted_proxies": ("10.0.0.1",), "certificate": "a", "certificate_key": "b"},
        {"metrics": "9099"},
        {"metrics": "127.0.0.1:8080", "listen": "127.0.0.1:8080"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(ValidationError):
        ProxySettings(**settings)

"""The proxy's own addresses: health, reports, gpc.json, assets, and what the desk answers."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

HOST = b"Host: shop.localhost\r\n"
OLD = {
    "csp-report": {
        "document-uri": "https://shop.localhost/a?secret=1",
        "violated-directive": "img-src",
        "effective-directive": "img-src",
        "blocked-uri": "https://pixel.example/p?id=7",
    }
}
NEW = [
    {
        "type": "csp-violation",
        "url": "https://shop.localhost/b?x",
        "body": {
            "documentURL": "https://shop.localhost/b?x",
            "effectiveDirective": "script-src-elem",
            "blockedURL": "inline",
        },
    }
]


def post(body: bytes, content_type: bytes = b"application/csp-report") -> bytes:
    return (
        b"POST /.samtykke/report HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: "
        + content_type
        + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
    )


async def test_both_kinds_of_reports_become_sightings_without_queries(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    assert (await say(proxy.address, post(json.dumps(OLD).encode()))).status == 204
    assert (await say(proxy.address, post(json.dumps(NEW).encode(), b"application/reports+json"))).status == 204
    assert dict(proxy.ledger.sightings) == {
        ("shop", "csp", "pixel.example", "img-src /a"): 1,
        ("shop", "csp", "inline", "script-src-elem /b"): 1,
    }
    assert site.seen == []


async def test_what_extensions_do_is_no_finding(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    report = {"csp-report": OLD["csp-report"] | {"blocked-uri": "chrome-extension://abc/x.js"}}
    assert (await say(proxy.address, post(json.dumps(report).encode()))).status == 204
    report = {"csp-report": OLD["csp-report"] | {"source-file": "moz-extension://abc"}}
    assert (await say(proxy.address, post(json.dumps(report).encode()))).status == 204
    assert not proxy.ledger.sightings


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", b"application/csp-report", 400),
        (b"[]", b"application/reports+json", 400),
        (b"{}", b"application/json", 400),
        (b"[1]", b"application/json", 400),
        (b"{}", b"text/plain", 400),
        (b"[" * 5000, b"application/json", 400),
        (b'{"csp-report": {}}', b"application/csp-report", 400),
        (b"x" * 70_000, b"application/csp-report", 413),
    ],
    ids=["broken", "empty list", "empty", "no object", "other type", "deep", "without page", "long"],
)
async def test_what_is_no_report_is_refused(site, start_proxy, say, body, content_type, status):
    proxy = await start_proxy(site.url)
    assert (await say(proxy.address, post(body, content_type))).status == status
    assert not proxy.ledger.sightings


async def test_reports_are_limited_by_sender(site, start_proxy, say):
    proxy = await start_proxy(site.url, clock=lambda: 0.0)
    statuses = [(await say(proxy.address, post(json.dumps(OLD).encode()))).status for _ in range(65)]
    assert statuses == [204] * 60 + [429] * 5


async def test_visitors_behind_a_trusted_proxy_each_have_an_allowance_of_their_own(site, start_proxy, say):
    proxy = await start_proxy(site.url, clock=lambda: 0.0, trusted_proxies=["127.0.0.1"])
    report = post(json.dumps(OLD).encode())

    async def from_(visitor: bytes) -> int:
        told = report.replace(HOST, HOST + b"X-Forwarded-For: " + visitor + b"\r\n")
        return (await say(proxy.address, told)).status

    assert [await from_(b"192.0.2.1") for _ in range(61)] == [204] * 60 + [429]
    assert await from_(b"192.0.2.2") == 204


async def test_health_says_what_works(site, start_proxy, say, asking):
    proxy = await start_proxy(site.url, parts=asking)
    got = await say(proxy.address, b"GET /.samtykke/health HTTP/1.1\r\nHost: anything\r\n\r\n")
    assert got.status == 200
    assert json.loads(got.body) == {"live": True, "ready": True, "log": True, "policy": None, "upstream": True}


async def test_health_notices_a_dead_site(start_proxy, say):
    proxy = await start_proxy("http://127.0.0.1:1")
    got = await say(proxy.address, b"GET /.samtykke/health HTTP/1.1\r\n" + HOST + b"\r\n")
    assert json.loads(got.body)["upstream"] is False


async def test_gpc_support_is_declared(site, start_proxy, say):
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET /.well-known/gpc.json HTTP/1.1\r\n" + HOST + b"\r\n")
    assert json.loads(got.body)["gpc"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", json.loads(got.body)["lastUpdate"])
    assert site.seen == []


async def test_own_assets_never_change_and_unknown_addresses_are_404(site, start_proxy, say, asking):
    proxy = await start_proxy(site.url, parts=asking)
    page = await say(proxy.address, b"GET /.samtykke/preferences HTTP/1.1\r\n" + HOST + b"\r\n")
    assert page.status == 200
    path = re.search(rb'href="(/.samtykke/assets/[^"]+\.css)"', page.body)[1]
    asset = await say(proxy.address, b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (asset.status, "immutable" in asset.header("cache-control")[0]) == (200, True)
    assert (await say(proxy.address, b"GET /.samtykke/nothing HTTP/1.1\r\n" + HOST + b"\r\n")).status == 404
    assert site.seen == []


async def test_a_body_behind_a_request_to_an_own_address_is_never_read_as_a_request(site, start_proxy):
    """A server in front takes it for a body: to answer it would give somebody the answer to another's request."""
    proxy = await start_proxy(site.url)
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
    reader, writer = await asyncio.open_connection(*proxy.address)
    head = b"GET /.well-known/gpc.json HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: %d\r\n\r\n" % len(smuggled)
    async with asyncio.timeout(60):
        writer.write(head)
        answered = await reader.readuntil(b"}")
        writer.write(smuggled)
        writer.write_eof()
        rest = await reader.read()
    writer.close()
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert rest == b""
    assert site.seen == []

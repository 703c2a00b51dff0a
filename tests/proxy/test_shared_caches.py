"""A real shared cache between visitors and us: in both render modes nobody ever gets what was made for another."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import pytest
from aiohttp import web
from shared_cache import shared_cache

from policies.site_policy import SitePolicy, in_force

PAGE = (
    b"<!doctype html><html lang=en><head><title>Shop</title>"
    b'<script src="https://www.google-analytics.com/analytics.js"></script></head><body><p>hello</p></body></html>'
)
TOKEN = re.compile(rb'name="notice" value="([^"]+)"')
STATE = re.compile(rb"data-state='([^']*)'")


def request(path: bytes = b"/", *lines: bytes) -> bytes:
    fixed = (b"Host: shop.localhost", b"Sec-Fetch-Dest: document", b"Accept: text/html")
    return b"GET " + path + b" HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in (*fixed, *lines)) + b"\r\n"


async def answer(request: web.BaseRequest, *, seconds: int = 600) -> web.Response:
    """A site that lets every cache keep everything, for so long."""
    headers = {"Cache-Control": f"public, max-age={seconds}", "ETag": '"v1"', "Set-Cookie": "_ga=GA1.1; Path=/"}
    if '"v1"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if request.path.endswith(".css"):
        headers = {"Cache-Control": "public, max-age=600", "Content-Type": "text/css"}
        return web.Response(body=b"p{}", headers=headers)
    return web.Response(body=PAGE, headers=headers | {"Content-Type": "text/html"})


async def cookie_of(address, say, action: bytes) -> bytes:
    page = await say(address, request())
    body = b"action=" + action + b"&return=/&notice=" + TOKEN.search(page.body)[1]
    head = b"POST /.samtykke/choice HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Site: same-origin\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    done = await say(address, head + body)
    assert done.status == 303
    return b"Cookie: " + b"; ".join(line.encode().partition(b";")[0] for line in done.header("set-cookie"))


@pytest.mark.parametrize("kind", ["nginx", "varnish"])
async def test_private_documents_are_never_anybody_elses(site, start_proxy, say, asking, tmp_path, kind):
    site.answer = answer
    proxy = await start_proxy(site.url, parts=asking)
    yes, no = await cookie_of(proxy.address, say, b"accept"), await cookie_of(proxy.address, say, b"reject")
    visitors = {"undecided": (), "accept": (yes,), "reject": (no,), "gpc": (b"Sec-GPC: 1",)}
    async with shared_cache(kind, proxy.address[1], tmp_path / kind) as address:
        tokens = []
        for _ in range(3):
            for name, lines in visitors.items():
                got = await say(address, request(b"/", *lines))
                assert got.status == 200
                assert got.header("x-cache")[0] != "HIT", name
                granted = b"marketing" in STATE.search(got.body)[1]
                assert granted is (name == "accept"), name
                assert (b'src="https://www.google-analytics.com' in got.body.replace(b"samtykke-src", b"")) is granted
                tokens += TOKEN.findall(got.body)
                cookies = [line for line in got.header("set-cookie") if line.startswith("samtykke")]
                assert bool(cookies) is (name == "gpc"), name
        assert len(tokens) == len(set(tokens)) == 3
        # The cache works: what is no document is kept.
        for status in ("MISS", "HIT"):
            assert (await say(address, request(b"/a.css"))).header("x-cache") == [status]


@pytest.mark.parametrize("kind", ["nginx", "varnish"])
async def test_shared_documents_are_kept_and_hold_nothing_of_a_visitor(site, start_proxy, say, asking, tmp_path, kind):
    site.answer = answer
    private = await start_proxy(site.url, parts=asking)
    yes, no = await cookie_of(private.address, say, b"accept"), await cookie_of(private.address, say, b"reject")
    proxy = await start_proxy(site.url, parts=asking, render="shared")
    async with shared_cache(kind, proxy.address[1], tmp_path / kind) as address:
        first = await say(address, request())
        for lines in ((yes,), (no,), (b"Sec-GPC: 1",), ()):
            got = await say(address, request(b"/", *lines))
            assert got.body == first.body
            assert got.header("set-cookie") == []
        assert got.header("x-cache") == ["HIT"]
        assert b"https://www.google-analytics.com/analytics.js" in got.body
        assert b'data-samtykke-src="https://www.google-analytics.com' in got.body
        assert TOKEN.search(first.body) is None
        assert STATE.search(first.body) is None
        # A fragment or a frame is another document, never a page's.
        frame = await say(address, request().replace(b"Dest: document", b"Dest: iframe"))
        assert frame.body != first.body
        assert b"samtykke-root" not in frame.body


async def test_a_kept_document_is_confirmed_while_its_policy_is_in_force_and_made_anew_after(
    site, start_proxy, say, asking, tmp_path
):
    site.answer = partial(answer, seconds=1)
    proxy = await start_proxy(site.url, parts=asking, render="shared")
    async with shared_cache("nginx", proxy.address[1], tmp_path / "nginx") as address:
        first = await say(address, request())
        await asyncio.sleep(2.1)
        again = await say(address, request())
        assert (again.header("x-cache"), again.body) == (["REVALIDATED"], first.body)
        proxy.reload(in_force(SitePolicy(site="shop", hosts=("shop.localhost",)), None))
        await asyncio.sleep(2.1)
        other = await say(address, request())
        assert other.header("x-cache") == ["EXPIRED"]
        assert other.body != first.body


async def test_a_304_never_revives_a_page_with_a_token(site, start_proxy, say, asking):
    site.answer = answer
    proxy = await start_proxy(site.url, parts=asking)
    for lines in ((b'If-None-Match: "v1"',), (b'If-None-Match: W/"v1"',), (b"If-None-Match: *",)):
        got = await say(proxy.address, request(b"/", *lines))
        assert (got.status, got.header("etag")) == (200, []), lines
        assert TOKEN.search(got.body)
    # A decided visitor's document has none and may be confirmed.
    no = await cookie_of(proxy.address, say, b"reject")
    tag = (await say(proxy.address, request(b"/", no))).header("etag")[0]
    assert (await say(proxy.address, request(b"/", no, b"If-None-Match: " + tag.encode()))).status == 304
    # The same tag from somebody who has since become undecided confirms nothing.
    assert (await say(proxy.address, request(b"/", b"If-None-Match: " + tag.encode()))).status == 200

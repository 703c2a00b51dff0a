"""Who has just been recognised is known for a second, and never taken for somebody else."""

from __future__ import annotations

import re

from aiohttp import web

PAGE = b"<!doctype html><title>a</title><script src='https://www.google-analytics.com/a.js'></script>"
TOKEN = re.compile(rb'name="notice" value="([^"]+)"')


def get(*lines: bytes) -> bytes:
    fixed = (b"GET / HTTP/1.1", b"Host: shop.localhost", b"Sec-Fetch-Dest: document", *lines)
    return b"\r\n".join(fixed) + b"\r\n\r\n"


async def test_a_choice_counts_from_the_next_request_on_and_for_its_visitor_alone(site, start_proxy, say, asking):
    async def answer(request):
        return web.Response(body=PAGE, content_type="text/html")

    site.answer = answer
    proxy = await start_proxy(site.url, parts=asking)
    for action, loads in ((b"accept", True), (b"reject", False)):
        page = await say(proxy.address, get())
        assert b'id="samtykke-accept"' in page.body
        body = b"action=" + action + b"&return=/&notice=" + TOKEN.search(page.body)[1]
        done = await say(
            proxy.address,
            b"POST /.samtykke/choice HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Site: same-origin\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        )
        cookie = b"Cookie: " + b"; ".join(line.encode().partition(b";")[0] for line in done.header("set-cookie"))
        for _ in range(3):
            mine, other = await say(proxy.address, get(cookie)), await say(proxy.address, get())
            assert (b" src='https://www.google-analytics.com" in mine.body) is loads
            assert b'id="samtykke-accept"' not in mine.body
            assert b'id="samtykke-accept"' in other.body
            signalled = await say(proxy.address, get(cookie, b"Sec-GPC: 1"))
            assert b" src='https://www.google-analytics.com" not in signalled.body

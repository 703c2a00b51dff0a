"""A shop's page with one tracker, requests for it, and a visitor who chooses on it."""

from __future__ import annotations

import re

from aiohttp import web

from policies.site_policy import PolicyCookie, PolicyHost, SitePolicy, in_force

HOST = b"Host: shop.localhost\r\n"
PAGE = (
    b"<!doctype html><html lang=en><head><title>Shop</title>"
    b'<script src="https://www.google-analytics.com/analytics.js"></script>'
    b'</head><body><h1>Caf\xc3\xa9</h1><img src="/a.png"></body></html>'
)
TRACKER = b'src="https://www.google-analytics.com/analytics.js"'


def request(*lines: bytes, path: bytes = b"/", method: bytes = b"GET") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def page(body: bytes = PAGE, **headers: str):
    async def answer(_request):
        given = {"Content-Type": "text/html; charset=utf-8"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return web.Response(body=body, headers=given)

    return answer


def own_csp(got) -> str:
    return next(value for value in got.header("content-security-policy") if "report-uri /.samtykke/report" in value)


async def accepted(address, say, action: str = "accept") -> bytes:
    """The Cookie header of a visitor who has made a choice on a page."""
    got = await say(address, request(b"Sec-Fetch-Dest: document"))
    token = re.search(rb'name="?notice"? value="([^"]+)"', got.body)[1]
    body = b"action=" + action.encode() + b"&return=/&notice=" + token
    head = b"POST /.samtykke/choice HTTP/1.1\r\n" + HOST + b"Sec-Fetch-Site: same-origin\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    answered = await say(address, head + body)
    assert answered.status == 303
    return b"Cookie: " + "; ".join(line.partition(";")[0] for line in answered.header("set-cookie")).encode()


POLICY = in_force(
    SitePolicy(
        site="shop",
        hosts=("shop.localhost",),
        cookies=(PolicyCookie(name="_ga", vendor="google-analytics", purpose="statistics", lifetime=63_072_000),),
        contacts=(
            PolicyHost(
                host="www.google-analytics.com",
                vendor="google-analytics",
                purpose="statistics",
                tracker=True,
                kinds=("script",),
            ),
            PolicyHost(host="cdn.example", kinds=("image",)),
        ),
    ),
    None,
)

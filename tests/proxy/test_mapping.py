"""The site's own name turned into the visitors', in headers, cookies and documents."""

from __future__ import annotations

import itertools

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.mapping import Mapping

MAPPING = Mapping(b"www.example.com", b"https", b"shop.localhost:8080", b"http")
FRONT = b"http://shop.localhost:8080"


@pytest.mark.parametrize(
    ("value", "mapped"),
    [
        (b"https://www.example.com/login", FRONT + b"/login"),
        (b"http://WWW.example.com", FRONT),
        (b"//www.example.com/a", b"//shop.localhost:8080/a"),
        (b"/login", b"/login"),
        (b"https://www.example.com.evil.test/", b"https://www.example.com.evil.test/"),
        (b"https://www.example.com:444/", b"https://www.example.com:444/"),
        (b"https://notwww.example.com/", b"https://notwww.example.com/"),
    ],
)
def test_addresses_are_mapped_where_the_host_is_exactly_ours(value, mapped):
    assert MAPPING.outward(value) == mapped


@pytest.mark.parametrize(
    ("line", "mapped"),
    [
        (b"sid=1; Domain=example.com; Path=/; Secure; HttpOnly", b"sid=1; Path=/; HttpOnly"),
        (b"sid=1; SameSite=None; Secure; Partitioned", b"sid=1"),
        (b"sid=1; samesite=lax; secure", b"sid=1; samesite=lax"),
        (b"__Host-sid=1; Secure; Path=/", b"__Host-sid=1; Secure; Path=/"),
        (b"sid=secure; Domain=other.test", b"sid=secure; Domain=other.test"),
    ],
)
def test_cookies_fit_the_visitors_browser(line, mapped):
    assert MAPPING.cookie(line) == mapped


def test_origin_and_referer_are_the_sites_own_again():
    assert MAPPING.inward(FRONT) == b"https://www.example.com"
    assert MAPPING.inward(FRONT + b"/a?b") == b"https://www.example.com/a?b"
    assert MAPPING.inward(b"https://other.test/") == b"https://other.test/"
    assert MAPPING.inward(FRONT + b"1/") == FRONT + b"1/"


TEXT = st.lists(
    st.sampled_from(
        [
            b"https://www.example.com",
            b"//www.example.com",
            b"https:\\/\\/www.example.com",
            b"/",
            b"a",
            b".",
            b":8",
            b'"',
            b"https:",
            b"www.exam",
            b" ",
        ]
    ),
    max_size=30,
).map(b"".join)


@settings(deadline=None, max_examples=200)
@given(TEXT, st.lists(st.integers(0, 1000), max_size=10))
def test_a_document_is_mapped_the_same_however_it_arrives(text, places):
    whole = MAPPING.body()
    expected = whole.feed(text) + whole.close()
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    pieces = MAPPING.body()
    out = b"".join(pieces.feed(text[a:b]) for a, b in itertools.pairwise(edges)) + pieces.close()
    assert out == expected == MAPPING.outward(text)


async def test_a_login_works_through_another_name(site, start_proxy, say):
    async def answer(request):
        if request.path == "/login":
            headers = {
                "Location": "https://www.example.com/home",
                "Content-Security-Policy": "upgrade-insecure-requests",
            }
            response = web.Response(status=302, headers=headers)
            response.headers.add("Set-Cookie", "sid=1; Domain=.example.com; Secure; HttpOnly")
            return response
        body = b'<a href="https://www.example.com/cart">cart</a><a href="//www.example.com/x">x</a>'
        return web.Response(body=body, headers={"Content-Type": "text/html", "Strict-Transport-Security": "max-age=9"})

    site.answer = answer
    proxy = await start_proxy(site.url, site={"upstream_host": "www.example.com"})
    front = f"http://127.0.0.1:{proxy.address[1]}"
    host = b"Host: 127.0.0.1:%d\r\n" % proxy.address[1]
    got = await say(
        proxy.address,
        b"POST /login HTTP/1.1\r\n"
        + host
        + b"Content-Length: 0\r\nOrigin: "
        + front.encode()
        + b"\r\nReferer: "
        + front.encode()
        + b"/login\r\n\r\n",
    )
    assert got.header("location") == [f"{front}/home"]
    assert got.header("set-cookie") == ["sid=1; HttpOnly"]
    asked = site.seen[0]
    assert asked.header("host") == ["www.example.com"]
    assert asked.header("referer") == ["http://www.example.com/login"]
    home = await say(proxy.address, b"GET /home HTTP/1.1\r\n" + host + b"Sec-Fetch-Dest: document\r\n\r\n")
    assert f'<a href="{front}/cart">cart</a><a href="//127.0.0.1:{proxy.address[1]}/x">x</a>'.encode() in home.body
    assert home.header("strict-transport-security") == []

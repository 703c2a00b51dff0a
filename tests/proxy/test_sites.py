"""Several sites in one process: found by Host, each with its own rules."""

from __future__ import annotations

import pytest
from aiohttp import web

from policies.site_policy import PolicyCookie, SitePolicy, in_force
from proxy.app import Proxy
from proxy.settings import ProxySettings, SiteSettings


async def test_each_host_is_answered_by_its_own_site_and_rules(catalogue, site, say):
    async def answer(request):
        response = web.Response(text=request.headers["Host"])
        response.headers.add("Set-Cookie", "visits=1; Max-Age=99")
        return response

    site.answer = answer
    sites = [SiteSettings(hosts=[host], upstream=site.url) for host in ("one.localhost", "two.localhost:8443")]
    async with Proxy(ProxySettings(listen="127.0.0.1:0"), sites, catalogue) as proxy:
        cookie = PolicyCookie(name="visits", vendor="tracker", purpose="statistics")
        proxy.reload(in_force(SitePolicy(site="one.localhost", cookies=(cookie,)), None))
        found = {}
        for host in ("One.localhost", "one.localhost:99", "two.localhost:8443", "two.localhost"):
            got = await say(proxy.address, b"GET / HTTP/1.1\r\nHost: " + host.encode() + b"\r\n\r\n")
            found[host] = (got.status, got.body if got.status == 200 else b"", bool(got.header("set-cookie")))
        with pytest.raises(KeyError):
            proxy.reload(SitePolicy(site="three"))
    assert found == {
        "One.localhost": (200, b"One.localhost", False),
        "one.localhost:99": (200, b"one.localhost:99", False),
        "two.localhost:8443": (200, b"two.localhost:8443", True),
        "two.localhost": (421, b"", False),
    }


async def test_a_host_cannot_belong_to_two_sites(catalogue):
    sites = [SiteSettings(hosts=["a"], upstream="http://b", name=name) for name in ("one", "two")]
    with pytest.raises(ValueError, match='host "a" belongs to both'):
        await Proxy(ProxySettings(listen="127.0.0.1:0"), sites, catalogue).start()

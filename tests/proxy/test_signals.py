"""With `consent_mode = "signals"` tags that read Consent Mode load for who refused, and store nothing."""

from __future__ import annotations

import pytest
from aiohttp import web

from policies.site_policy import PolicyHost, PolicyVendor, SitePolicy, in_force

TAG = "https://www.googletagmanager.com/gtag/js?id=G-1"
PIXEL = "https://connect.facebook.net/en_US/fbevents.js"
PAGE = (
    f'<!doctype html><html><head><script src="{TAG}"></script><script src="{PIXEL}"></script>'
    "<script>gtag('config','G-1')</script><script>fbq('init','1')</script></head><body>x</body></html>"
)
VENDORS = ("google-analytics", "google-tag-manager", "meta")
CONTACTS = (
    PolicyHost(host="www.googletagmanager.com", vendor="google-tag-manager", purpose="statistics", tracker=True,
               kinds=("script",)),
    PolicyHost(host="connect.facebook.net", vendor="meta", purpose="marketing", tracker=True, kinds=("script",)),
)  # fmt: skip


@pytest.mark.parametrize("mode", ["strip", "signals"])
async def test_a_refusers_page_loads_what_reads_consent_mode_only_in_that_mode(
    mode, site, start_proxy, say, asking, published
):
    async def answer(request: web.BaseRequest) -> web.Response:
        response = web.Response(text=PAGE, content_type="text/html")
        response.headers.add("Set-Cookie", "_ga=GA1.1.1; Path=/")
        response.headers.add("Link", f"<{TAG}>; rel=preload; as=script, <{PIXEL}>; rel=preload; as=script")
        return response

    site.answer = answer
    policy = SitePolicy(
        site="shop", hosts=("shop.localhost",), vendors=tuple(PolicyVendor(id=v, name=v) for v in VENDORS),
        contacts=CONTACTS,
    )  # fmt: skip
    proxy = await start_proxy(site.url, parts=asking, consent_mode=mode, policy_file=published(in_force(policy, None)))
    refusing = b"Host: shop.localhost\r\nSec-GPC: 1\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n"
    got = await say(proxy.address, b"GET / HTTP/1.1\r\n" + refusing)
    body = got.body.decode()
    [ours] = got.header("content-security-policy")
    assert (f'<script src="{TAG}">' in body) is (mode == "signals")
    assert got.header("link") == ([f"<{TAG}>; rel=preload; as=script"] if mode == "signals" else [])
    assert ("<script>gtag(" in body) is (mode == "signals")
    assert ("googletagmanager.com" in ours) is (mode == "signals")
    assert f'data-samtykke-src="{PIXEL}"' in body
    assert "<script>fbq(" not in body
    assert "facebook.net" not in ours
    assert not any(line.startswith("_ga=GA1") for line in got.header("set-cookie"))

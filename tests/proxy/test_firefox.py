"""Firefox through the proxy: the page is itself, the banner asks, a reject holds, an accept brings things back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from firefox import Firefox, firefox

PAGE = """<!doctype html><html lang=en><head><title>Shop</title>
<script src="https://www.google-analytics.com/analytics.js"></script>
<script>fbq('init', '1'); window.tracked = true;</script><script>window.own = 1;</script></head>
<body><h1>Shop</h1><a href="/next">on</a>
<script>fetch('https://www.google-analytics.com/collect').then(() => window.sent = 'yes', () => window.sent = 'no');
document.cookie = '_ga=GA1.1.2'; document.cookie = 'cart=3';</script></body></html>"""
TRACKER = """document.querySelector('script[data-samtykke-src*="google-analytics.com"]')"""


@pytest.fixture
async def browser(tmp_path) -> AsyncIterator[Firefox]:
    async with firefox(tmp_path / "firefox") as found:
        yield found


async def test_page_banner_reject_and_another_mind(browser, site, start_proxy, asking):
    async def answer(request):
        return web.Response(text=PAGE, content_type="text/html")

    site.answer = answer
    proxy = await start_proxy(site.url, parts=asking)
    url = f"http://127.0.0.1:{proxy.address[1]}/"
    await browser.open(url)
    assert await browser.say("document.querySelector('h1').textContent") == "Shop"
    assert await browser.say("window.own") == 1
    assert await browser.say("window.tracked ?? null") is None
    assert await browser.say(TRACKER + " !== null")
    await browser.until("window.sent === 'no'")
    assert await browser.say("document.cookie") == "cart=3"
    accept, reject = [
        await browser.say(f"(({{width, height}}) => [width, height])(document.querySelector('#samtykke-{name}')"
                          ".getBoundingClientRect())")
        for name in ("accept", "reject")
    ]  # fmt: skip
    assert accept == reject
    await browser.click("#samtykke-reject")
    await browser.until("document.readyState === 'complete' && !document.querySelector('#samtykke-reject')")
    assert "samtykke" in await browser.cookies()
    await browser.open(url + "next")
    assert await browser.say("document.querySelector('#samtykke-reject')") is None
    assert await browser.say(TRACKER + " !== null")
    assert [seen.header("cookie") for seen in site.seen if seen.target == "/next"] == [["cart=3"]]

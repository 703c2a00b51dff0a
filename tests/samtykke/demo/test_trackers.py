"""In a real browser, unproxied, every tracker does exactly what `truth` says: nothing less, nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Set
from typing import Any

from samtykke.demo import Demo, truth
from samtykke.demo.shop import PATHS

BROWSER_CAP = 400 * 86_400
STORY = PATHS["story"]["nb"]


def addresses(demo: Demo) -> set[str]:
    return {hit.host + hit.path.partition("?")[0] for hit in demo.received}


async def reached(demo: Demo, wanted: set[str]) -> None:
    """Wait until the trackers have got at least these addresses."""
    for _ in range(1200):
        if wanted <= addresses(demo):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never asked for: {sorted(wanted - addresses(demo))}")


async def kept(tab: Any, wanted: Set[str]) -> dict[str, dict[str, Any]]:
    """The browser's cookies by name, once these are among them: a tracker hears a request before its answer arrives."""
    for _ in range(1200):
        found = {cookie["name"]: cookie for cookie in await tab.cookies()}
        if wanted <= found.keys():
            break
        await asyncio.sleep(0.05)
    return found


def requests(*where: truth.Where) -> set[str]:
    return {request.url for request in truth.REQUESTS if request.on in where}


def cookies(*where: truth.Where) -> dict[str, truth.TrueCookie]:
    return {cookie.name: cookie for cookie in truth.COOKIES if cookie.on in where}


def as_told(cookie: dict[str, Any], expected: truth.TrueCookie) -> None:
    assert cookie["domain"] == (expected.domain if expected.host_only else "." + expected.domain)
    assert cookie["httpOnly"] is expected.http_only
    if expected.lifetime is None:
        assert cookie["session"]
    else:
        kept = min(expected.lifetime, BROWSER_CAP)
        assert abs(cookie["expires"] - time.time() - kept) < 180, expected.name


async def test_the_front_page_sets_and_sends_what_the_truth_says(demo: Demo, tab: Any) -> None:
    await tab.visit(f"{demo.origin}/")
    await reached(demo, requests("every"))
    expected = cookies("every")
    stored = await kept(tab, expected.keys())
    assert stored.keys() == expected.keys()
    for name, cookie in expected.items():
        as_told(stored[name], cookie)
    assert addresses(demo) == requests("every")
    assert await tab.run("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0


async def test_a_second_page_keeps_the_identifiers_and_sends_them(demo: Demo, tab: Any) -> None:
    await tab.visit(f"{demo.origin}/")
    await reached(demo, requests("every"))
    before = {name: cookie["value"] for name, cookie in (await kept(tab, cookies("every").keys())).items()}
    demo.received.clear()
    await tab.visit(f"{demo.origin}/produkt/telt")
    await reached(demo, requests("every"))
    after = {name: cookie["value"] for name, cookie in (await kept(tab, cookies("every").keys())).items()}
    for name in cookies("every").keys() - {"__utma", "__utmb"}:
        assert after[name] == before[name], name
    assert after["__utma"].split(".")[1] == before["__utma"].split(".")[1]
    remarketing = next(hit for hit in demo.received if "viewthrough" in hit.path)
    assert remarketing.cookies["IDE"] == before["IDE"]
    pixel = next(hit for hit in demo.received if hit.path.startswith("/tr?"))
    assert f"fbp={before['_fbp']}" in pixel.path
    beacon = next(hit for hit in demo.received if hit.path.startswith("/matomo.php"))
    assert f"_id={before['_pk_id.' + truth.MATOMO_SUFFIX].split('.')[0]}" in beacon.body
    assert demo.visits[-1].cookies.keys() >= {"fjellheim_cart", "__utma", "_fbp"}


async def test_the_article_brings_the_video_s_key_and_the_widget_s_cookie(demo: Demo, tab: Any) -> None:
    await tab.visit(demo.origin + STORY)
    asked = requests("every", "story") | {"video.localhost/poster.svg"}
    await reached(demo, asked)
    stored = await kept(tab, cookies("every", "story").keys())
    assert stored.keys() == cookies("every", "story").keys()
    as_told(stored["datr"], cookies("story")["datr"])
    assert addresses(demo) == asked
    device = next(hit.path for hit in demo.received if hit.path.startswith("/api/stats/playback"))
    await tab.visit(f"http://video.localhost:{demo.port}/embed/jotunheimen")
    # A frame's storage is partitioned by its top page: opened by itself the player starts afresh, with the same key.
    assert await tab.run("Object.keys(localStorage).join()") == "yt-remote-device-id"
    assert "device=unknown" not in device


async def test_the_fingerprinter_recognises_a_browser_without_storing_anything(demo: Demo, tab: Any) -> None:
    prints = []
    for _ in range(2):
        await tab.visit(f"{demo.origin}/")
        await reached(demo, {"prints.localhost/collect"})
        prints.append(next(hit for hit in demo.received if hit.path == "/collect"))
        demo.received.clear()
        await tab.send("Network.clearBrowserCookies")
    assert prints[0].body == prints[1].body
    assert prints[0].body.startswith("fp=")
    assert prints[0].cookies == {}


async def test_the_pixel_sends_even_where_its_cookie_is_refused(demo: Demo, tab: Any) -> None:
    await tab.send(
        "Page.addScriptToEvaluateOnNewDocument",
        source="Object.defineProperty(Document.prototype, 'cookie', {get() { return ''; }, set() {}})",
    )
    await tab.visit(f"{demo.origin}/")
    await reached(demo, {"social.localhost/tr", "matomo.localhost/matomo.php", "stats.localhost/__utm.gif"})
    by_answer = {"fjellheim_cart", "_clck", "IDE"}
    assert (await kept(tab, by_answer)).keys() == by_answer


async def test_without_javascript_the_noscript_pixels_load(demo: Demo, tab: Any) -> None:
    await tab.send("Emulation.setScriptExecutionDisabled", value=True)
    await tab.visit(f"{demo.origin}/")
    wanted = {request.url for request in truth.NOSCRIPT if request.type != "script"}
    await reached(demo, wanted)
    assert addresses(demo) <= {request.url for request in truth.NOSCRIPT}
    assert any("noscript=1" in hit.path for hit in demo.received)


async def test_a_visitor_shops_with_the_mouse(demo: Demo, tab: Any) -> None:
    await tab.visit(f"{demo.origin}/produkt/sekk")
    assert await tab.run("localStorage.getItem('fjellheim_seen')") == '["sekk"]'
    await tab.press("#add")
    assert await tab.run("location.pathname + document.querySelector('#cart-count').textContent") == "/handlekurv1"
    await tab.press(".right .button")
    await tab.run(
        "for (const field of document.querySelectorAll('.checkout input[required]'))"
        "  field.value = field.type === 'email' ? 'kari@example.com' : 'Kari'"
    )
    await tab.press("#pay")
    assert await tab.run("location.pathname") == "/checkout/thanks"
    assert "pay.localhost/card" in addresses(demo)
    await tab.visit(f"{demo.origin}/")
    assert await tab.run(
        "[...document.querySelectorAll('[data-seen] li:not([hidden])')].map(c => c.dataset.slug).join()"
    )


async def test_no_page_is_wider_than_a_phone(demo: Demo, tab: Any) -> None:
    await tab.size(390, 844)
    await tab.visit(f"{demo.origin}/produkt/telt")
    await tab.press("#add")
    for path in ("/", "/produkt/telt", "/handlekurv", "/checkout", STORY, "/personvern", "/en/", "/privacy"):
        await tab.visit(demo.origin + path)
        assert await tab.run("document.documentElement.scrollWidth") <= 390, path

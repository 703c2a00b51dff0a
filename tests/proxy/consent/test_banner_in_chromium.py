"""The banner in a real Chromium: equal weight under a hostile stylesheet, keyboard, dialog, no script, languages."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import RawTestServer
from chromium_page import ChromiumPage, chromium
from consent_site import SHOP, Shop, close_shop, open_shop

from policies.purpose import Purpose
from policies.verdict import Verdict
from proxy.consent import bundle

HOSTILE = """
html { font-size: 40% !important }
* { all: unset !important; font-size: 5px !important; letter-spacing: 9px !important; direction: rtl !important }
div, section, form, ul, p, h2 { display: none !important }
button { background: #ff0 !important; color: #ffe !important; padding: 0 !important; width: 3px !important }
#samtykke-reject { opacity: .05 !important; transform: scale(.1) !important; visibility: hidden !important }
#samtykke-accept { font-size: 40px !important; background: #0a0 !important }
section#samtykke-banner.s-banner form button#samtykke-reject[name] { color: #eee !important; order: 9 !important }
body *::before, body *::after { content: "X" !important; position: fixed !important; inset: 0 !important }
[hidden] { display: block !important }
"""
BUTTONS = ("reject", "accept", "settings")
MEASURE = """(() => ['reject', 'accept', 'settings'].map((name) => {
  const e = document.getElementById('samtykke-' + name), s = getComputedStyle(e), r = e.getBoundingClientRect();
  const hit = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return { tag: e.localName, width: r.width, height: r.height, bottom: r.bottom, color: s.color,
    ground: s.backgroundColor, size: s.fontSize, weight: s.fontWeight, opacity: s.opacity,
    seen: s.visibility, order: s.order, hit: hit === e };
}))()"""


@dataclass
class Scene:
    shop: Shop
    page: ChromiumPage
    url: str


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    shop = await open_shop(tmp_path, clock=lambda: datetime.now(UTC))
    async with RawTestServer(shop.answer) as server, chromium() as page:
        await page.screen(1280, 800)
        yield Scene(shop, page, f"http://shop.localhost:{server.port}/")
        assert page.errors == []
    await close_shop(shop)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast of two computed rgb() colours."""

    def luminance(colour: str) -> float:
        parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("style", ["", HOSTILE], ids=["plain site", "hostile site"])
async def test_accept_reject_and_settings_weigh_the_same_everywhere(scene: Scene, style: str) -> None:
    scene.shop.style = style
    for width, height, mobile in ((1280, 800, False), (390, 844, True), (640, 400, False), (320, 568, True)):
        for dark in (False, True):
            await scene.page.screen(width, height, dark=dark, mobile=mobile)
            await scene.page.open(scene.url)
            measured = await scene.page.run(MEASURE)
            where = f"{width}x{height} dark={dark}"
            for key in measured[0]:
                if key not in ("bottom", "width", "height"):
                    assert len({one[key] for one in measured}) == 1, f"{key} differs at {where}: {measured}"
            for key in ("width", "height"):
                assert max(one[key] for one in measured) - min(one[key] for one in measured) < 1, f"{key} at {where}"
            one = measured[0]
            assert (one["tag"], one["hit"], one["opacity"], one["seen"]) == ("button", True, "1", "visible"), where
            assert one["height"] >= 44
            assert float(one["size"].removesuffix("px")) >= 16
            assert contrast(one["color"], one["ground"]) >= 4.5, where
            assert all(0 < each["bottom"] <= height for each in measured), f"a button is off screen at {where}"
            ground, ink = await scene.page.run(
                "[getComputedStyle(document.getElementById('samtykke-banner')).backgroundColor,"
                "getComputedStyle(document.querySelector('#samtykke-banner .s-intro')).color]"
            )
            assert contrast(ground, ink) >= 4.5
            assert contrast(ground, one["ground"]) >= 3


async def test_a_sites_own_important_layers_cannot_bend_the_banner(scene: Scene) -> None:
    scene.shop.style = (
        "@layer base, site; @layer site { #samtykke-reject { font-size: 5px !important; opacity: 0 !important } }"
    )
    await scene.page.open(scene.url)
    reject, accept, _ = await scene.page.run(MEASURE)
    assert reject["hit"]
    assert (reject["size"], reject["opacity"]) == (accept["size"], "1")


async def test_reject_takes_no_more_tab_stops_than_accept(scene: Scene) -> None:
    await scene.page.open(scene.url)
    stops, outlines = [], {}
    for _ in range(4):
        await scene.page.press("Tab")
        stops.append(await scene.page.run("document.activeElement.id"))
        outlines[stops[-1]] = await scene.page.run("getComputedStyle(document.activeElement).outline")
    assert stops == ["first", "samtykke-reject", "samtykke-accept", "samtykke-settings"]
    assert outlines["samtykke-reject"] == outlines["samtykke-accept"]
    assert "solid 3px" in outlines["samtykke-reject"]


async def test_purposes_stand_before_the_buttons_and_nothing_is_ticked(scene: Scene) -> None:
    await scene.page.open(scene.url)
    assert await scene.page.run(
        "(() => { const list = document.querySelector('#samtykke-banner .s-list');"
        "const after = list.compareDocumentPosition(document.getElementById('samtykke-reject'));"
        "return !!(after & Node.DOCUMENT_POSITION_FOLLOWING) && list.children.length === 3; })()"
    )
    assert await scene.page.run("document.getElementById('samtykke-banner').getAttribute('role')") == "region"
    await scene.page.click("#samtykke-settings")
    await scene.page.until("document.querySelector('#samtykke-dialog[open]') !== null")
    assert await scene.page.run("document.querySelectorAll('#samtykke-dialog input:checked').length") == 0
    assert await scene.page.run("document.querySelectorAll('#samtykke-dialog input[name=purpose]').length") == 3


async def test_the_page_scrolls_and_works_behind_the_banner(scene: Scene) -> None:
    scene.shop.content = "<p>wool</p>" * 300
    await scene.page.open(scene.url)
    await scene.page.run("scrollTo(0, 1500)")
    assert await scene.page.run("scrollY") == 1500
    assert await scene.page.run("getComputedStyle(document.body).overflow") == "visible"


async def test_a_reject_by_keyboard_is_smooth_confirmed_and_keeps_the_focus_near(scene: Scene) -> None:
    await scene.page.open(scene.url)
    await scene.page.press("Tab")
    await scene.page.press("Tab")
    await scene.page.press("Enter")
    await scene.page.until("document.getElementById('samtykke-banner') === null")
    said = await scene.page.until("document.getElementById('samtykke-status').textContent")
    assert said.startswith("You have rejected everything")
    assert await scene.page.run("document.activeElement.id") == "samtykke-reopen"
    assert (await scene.page.cookies(scene.url))["samtykke_purposes"] == ""
    await scene.shop.desk.close()
    row = [each async for each in scene.shop.log.export()][-1]
    assert (row.event, row.surface, row.method) == ("reject", "banner", "script")


async def test_an_accept_tells_the_page_and_the_guard(scene: Scene) -> None:
    await scene.page.open(scene.url)
    await scene.page.run(
        "window.told = []; window.samtykke = { activate: (choice) => told.push(choice) };"
        "document.addEventListener('samtykke:change', (event) => told.push(event.detail.action))"
    )
    await scene.page.click("#samtykke-accept")
    assert await scene.page.until("told.length === 2 && told") == [
        "accept",
        {"purposes": ["preferences", "statistics", "marketing"], "vendors": {}},
    ]


async def test_the_settings_trap_the_focus_and_give_it_back(scene: Scene) -> None:
    await scene.page.open(scene.url)
    await scene.page.run("document.getElementById('samtykke-settings').focus()")
    await scene.page.press("Enter")
    await scene.page.until("document.activeElement.id === 'samtykke-settings-title'")
    seen = set()
    for _ in range(25):
        await scene.page.press("Tab")
        seen.add(
            await scene.page.run(
                "document.activeElement.closest('#samtykke-dialog') ? 'dialog' : document.activeElement.localName"
            )
        )
    assert seen <= {"dialog", "body"}
    await scene.page.press("Escape")
    await scene.page.until("document.querySelector('#samtykke-dialog[open]') === null")
    assert await scene.page.run("document.activeElement.id") == "samtykke-settings"
    assert "samtykke" not in await scene.page.cookies(scene.url)


async def test_one_purpose_is_saved_in_the_settings_and_found_again_there(scene: Scene) -> None:
    await scene.page.open(scene.url)
    await scene.page.click("#samtykke-settings")
    await scene.page.until("document.querySelector('#samtykke-dialog[open]') !== null")
    await scene.page.click("#samtykke-dialog input[value=statistics]")
    scene.page.expect_load()
    await scene.page.click("#samtykke-dialog button[value=save]")
    await scene.page.settled()
    assert (await scene.page.cookies(scene.url))["samtykke_purposes"] == "statistics"
    await scene.page.click("#samtykke-reopen")
    await scene.page.until("document.querySelector('#samtykke-dialog[open]') !== null")
    ticked = "[...document.querySelectorAll('#samtykke-dialog input:checked')].map((box) => box.value)"
    assert await scene.page.run(ticked) == ["statistics"]


async def test_everything_works_without_script(scene: Scene) -> None:
    await scene.page.open(scene.url)
    spots = {}
    await scene.page.screen(1280, 1600)
    for name in BUTTONS:
        spots[name] = await scene.page.run(
            f"(() => {{ const r = document.getElementById('samtykke-{name}').getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
    await scene.page.scripts(False)
    await scene.page.open(scene.url)

    async def press(name: str) -> None:
        scene.page.expect_load()
        for kind in ("mousePressed", "mouseReleased"):
            x, y = spots[name]
            await scene.page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        await scene.page.settled()

    await press("settings")
    history = await scene.page.send("Page.getNavigationHistory")
    assert "/.samtykke/preferences?return=" in history["entries"][-1]["url"]
    await scene.page.open(scene.url)
    await press("accept")
    cookies = await scene.page.cookies(scene.url)
    assert cookies["samtykke_purposes"] == "preferences.statistics.marketing"
    await scene.page.scripts(True)
    await scene.page.open(scene.url)
    assert await scene.page.run("document.getElementById('samtykke-banner')") is None
    assert await scene.page.run("document.getElementById('samtykke-status').textContent") == (
        "Thank you. You have accepted all purposes."
    )
    await scene.shop.desk.close()
    assert "noscript" in {row.surface async for row in scene.shop.log.export()}


async def test_another_tabs_choice_takes_the_question_away(scene: Scene) -> None:
    await scene.page.open(scene.url)
    await scene.page.run("document.cookie = 'samtykke_purposes=; path=/'")
    await scene.page.run("document.dispatchEvent(new Event('visibilitychange'))")
    await scene.page.until("document.getElementById('samtykke-banner') === null")


async def test_where_requests_of_the_page_are_forbidden_the_form_is_sent_plainly(scene: Scene) -> None:
    scene.shop.csp = "default-src 'self'; connect-src 'none'; style-src 'self' 'unsafe-inline'"
    await scene.page.open(scene.url)
    scene.page.expect_load()
    await scene.page.click("#samtykke-reject")
    await scene.page.settled()
    assert (await scene.page.cookies(scene.url))["samtykke_purposes"] == ""
    assert any("connect-src" in error for error in scene.page.errors)
    scene.page.errors.clear()


async def test_under_trusted_types_the_settings_still_open(scene: Scene) -> None:
    scene.shop.csp = "require-trusted-types-for 'script'"
    await scene.page.open(scene.url)
    await scene.page.click("#samtykke-settings")
    await scene.page.until("document.querySelector('#samtykke-dialog[open]') !== null")


async def test_a_shared_page_fetches_its_question(scene: Scene) -> None:
    visitor = scene.shop.desk.visitor(None, gpc=False, site=SHOP)
    banner = scene.shop.desk.banner(visitor, SHOP, language="en", return_path="/", shared=True)
    scene.shop.site = type(SHOP)("empty")
    scene.shop.content = banner.decode()

    async def answer(request: object) -> object:
        if request.path.startswith("/.samtykke/"):  # type: ignore[attr-defined]  # a request of aiohttp's
            scene.shop.site = SHOP
        response = await Shop.answer(scene.shop, request)  # type: ignore[arg-type]  # the same
        scene.shop.site = type(SHOP)("empty")
        return response

    async with RawTestServer(answer) as server:  # type: ignore[arg-type]  # the same
        await scene.page.open(f"http://shop.localhost:{server.port}/")
        await scene.page.until("document.getElementById('samtykke-accept') !== null")
        await scene.page.click("#samtykke-accept")
        await scene.page.until("document.getElementById('samtykke-banner') === null")


async def test_placeholder_buttons_are_reached_by_keyboard_and_named(scene: Scene) -> None:
    verdict = Verdict("block", "needs consent", vendor="youtube", purpose=Purpose.PREFERENCES)
    source = {"src": "https://www.youtube.com/embed/x"}
    scene.shop.content = scene.shop.desk.placeholder(verdict, "video", source, language="en", site=SHOP).decode()
    scene.shop.style = HOSTILE
    await scene.page.open(scene.url)
    names = []
    for _ in range(3):
        await scene.page.press("Tab")
        names.append(await scene.page.run("document.activeElement.textContent"))
    assert names == ["Show this one", "Always allow YouTube", "Open at www.youtube.com instead"]
    tree = await scene.page.send("Accessibility.getFullAXTree")
    groups = [node["name"]["value"] for node in tree["nodes"] if node.get("role", {}).get("value") == "group"]
    assert "Video from YouTube" in groups


async def test_the_kept_notice_looks_like_what_was_shown(scene: Scene, tmp_path: Path) -> None:
    await scene.page.open(scene.url)
    box = "(r => [r.width, r.height])(document.getElementById('samtykke-banner').getBoundingClientRect())"
    live = await scene.page.run(box)
    kept = tmp_path / "notice.html"
    await asyncio.to_thread(kept.write_bytes, scene.shop.desk.notice(SHOP, "en").content)
    await scene.page.open(kept.as_uri())
    assert await scene.page.run(box) == live
    facts = json.loads(await scene.page.run("document.getElementById('samtykke-inventory').textContent"))
    assert [vendor["id"] for vendor in facts["vendors"]] == [vendor.id for vendor in SHOP.vendors]


async def test_nothing_runs_out_of_the_banner_in_any_language_or_direction(tmp_path: Path) -> None:
    languages = ("nb", "nn", "en", "da", "sv", "de", "fi", "nl", "fr", "es")
    shop = await open_shop(tmp_path, clock=lambda: datetime.now(UTC), languages=languages)
    async with RawTestServer(shop.answer) as server, chromium() as page:
        url = f"http://shop.localhost:{server.port}/"
        for width in (320, 1280):
            await page.screen(width, 700, mobile=width < 500)
            for language in languages:
                shop.language = language
                await page.open(url)
                for direction in ("ltr", "rtl"):
                    await page.run(f"document.getElementById('samtykke-root').dir = '{direction}'")
                    wide = await page.run(
                        "[...document.querySelectorAll('#samtykke-banner, #samtykke-banner *')].filter((e) =>"
                        "e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')"
                        ".map((e) => e.id || e.className || e.localName)"
                    )
                    assert wide == [], f"{language} {direction} {width}"
                    assert await page.run("getComputedStyle(document.querySelector('.s-title')).direction") == direction
    await close_shop(shop)


AXE = Path(__file__).parents[2] / "guests" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def test_axe_finds_nothing_wrong_with_anything_we_show(scene: Scene) -> None:
    verdict = Verdict("block", "needs consent", vendor="youtube", purpose=Purpose.PREFERENCES)
    source = {"src": "https://www.youtube.com/embed/x"}
    scene.shop.content = scene.shop.desk.placeholder(verdict, "video", source, language="en", site=SHOP).decode()
    script = await asyncio.to_thread(AXE.read_text, encoding="utf-8")

    async def violations() -> list[list[object]]:
        await scene.page.run(f"{script};0")
        return await scene.page.run(
            f"axe.run(document, {{runOnly: {RULES}}})"
            ".then((found) => found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]))"
        )

    for dark in (False, True):
        await scene.page.screen(1280, 800, dark=dark)
        await scene.page.forget()
        await scene.page.open(scene.url)
        assert await violations() == []
        await scene.page.click("#samtykke-settings")
        await scene.page.until("document.querySelector('#samtykke-dialog[open]') !== null")
        await scene.page.run("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert await violations() == []
        scene.page.expect_load()
        await scene.page.click("#samtykke-dialog button[value=accept]")
        await scene.page.settled()
        assert await violations() == []
        for name in ("preferences", "cookies", "me"):
            await scene.page.open(f"{scene.url}.samtykke/{name}")
            assert await violations() == [], name


def test_style_and_script_together_are_small() -> None:
    both = bundle.banner_css().content + bundle.banner_js().content
    assert len(gzip.compress(both)) <= 6 * 1024


async def test_words_stay_whole_on_the_smallest_phone_and_at_four_times_the_size(scene: Scene) -> None:
    """WCAG 2.2, 1.4.10: 320 by 256 CSS pixels."""
    await scene.page.screen(320, 256)
    await scene.page.open(scene.url)
    outside = "[...document.querySelectorAll('#samtykke-banner button')].filter((e) => e.scrollWidth > e.clientWidth)"
    assert await scene.page.run(f"{outside}.length") == 0
    await scene.page.open(f"{scene.url}.samtykke/cookies")
    names = await scene.page.run(
        "[...document.querySelectorAll('code')].map((e) => [e.textContent, e.getClientRects().length])"
    )
    assert {"__utma", "samtykke_purposes"} <= {name for name, _ in names}
    assert {lines for _, lines in names} == {1}
    assert await scene.page.run("document.documentElement.scrollWidth") == 320

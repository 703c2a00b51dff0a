"""A whole scan, statically, over a small web on loopback; one with the real browser."""

import asyncio
import gzip
import re
from datetime import UTC, datetime

import pytest
from aiohttp import web
from site_server import serve_site

from policies.catalogue import Catalogue
from scanner.browser.settings import find_chromium
from scanner.choice import ChoiceError
from scanner.crawl import failure, scan
from scanner.inventory import Inventory
from scanner.settings import ScanSettings

CATALOGUE = Catalogue.load()


def now():
    return datetime.now(UTC)


@pytest.fixture
async def site():
    async with serve_site() as served:
        yield served


async def run(site, path="/", *, progress=None, inventory=None, find=find_chromium, **settings):
    wanted = ScanSettings(url=site.base() + path, **{"mode": "static", **settings})
    return await scan(wanted, CATALOGUE, progress=progress, inventory=inventory, now=now, find=find)


def visited(found, site):
    return [page.url.removeprefix(site.base()) for page in found.pages]


def links(*paths):
    return "".join(f"<a href='{path}'>x</a>" for path in paths)


async def test_links_are_followed_to_the_depth_asked_for(site):
    site.page("shop.localhost", "/", links("/a", "http://other.localhost:%PORT%/", "/file.pdf", "mailto:x@y.example"))
    site.page("shop.localhost", "/a", links("/b"))
    site.page("shop.localhost", "/b", links("/c"))
    site.page("shop.localhost", "/c", "")
    assert visited(await run(site, depth=2), site) == ["/", "/a", "/b"]
    assert visited(await run(site, depth=0), site) == ["/"]
    assert not site.to("other.localhost", "/")


async def test_the_page_budget_takes_the_same_pages_at_any_speed(site):
    names = [f"{a}{b}" for a in "abcde" for b in "vwxyz"]
    site.page("shop.localhost", "/", links(*(f"/{name}" for name in names)))
    for number, name in enumerate(names):

        async def answer(request, wait=(number * 7 % 5) / 200, name=name):
            await asyncio.sleep(wait)
            return web.Response(
                text=links(f"/{name}/more"), content_type="text/html", headers={"Set-Cookie": f"{name}=1"}
            )

        site.handle("shop.localhost", f"/{name}", answer)
    slow, fast = await run(site, max_pages=12, concurrency=1), await run(site, max_pages=12, concurrency=8)
    assert len(slow.pages) == 12
    assert slow.pages == fast.pages
    assert slow.cookies == fast.cookies


async def test_sitemaps_named_by_robots_are_read_through_index_and_gzip(site):
    site.page("shop.localhost", "/", "")
    site.put("shop.localhost", "/robots.txt", "Sitemap: http://shop.localhost:%PORT%/index.xml", "text/plain")
    site.put(
        "shop.localhost", "/index.xml", "<sitemapindex><loc>http://shop.localhost:%PORT%/1.xml.gz</loc>", "text/xml"
    )

    async def packed(request):
        body = f"<urlset><loc>{site.base()}/hidden</loc><loc>http://other.localhost:{site.port}/</loc></urlset>"
        return web.Response(body=gzip.compress(body.encode()), content_type="application/gzip")

    site.handle("shop.localhost", "/1.xml.gz", packed)
    site.page("shop.localhost", "/hidden", "")
    assert visited(await run(site), site) == ["/", "/hidden"]
    assert visited(await run(site, sitemaps=False), site) == ["/"]


async def test_robots_are_heard_unless_told_otherwise(site):
    site.put("shop.localhost", "/robots.txt", "User-agent: *\nDisallow: /private", "text/plain")
    site.page("shop.localhost", "/", links("/private", "/open"))
    site.page("shop.localhost", "/private", "")
    site.page("shop.localhost", "/open", "")
    assert visited(await run(site), site) == ["/", "/open"]
    assert visited(await run(site, ignore_robots=True), site) == ["/", "/open", "/private"]
    (page,) = (await run(site, "/private")).pages
    assert "robots.txt" in page.error


async def test_a_failing_page_is_a_row_and_the_scan_goes_on(site):
    site.page("shop.localhost", "/", links("/loop", "/gone", "/inner", "/ok"))
    site.put("shop.localhost", "/loop", "", "text/html")

    async def loop(request):
        raise web.HTTPFound("/loop")

    async def inner(request):
        raise web.HTTPFound("http://10.1.2.3/")

    site.handle("shop.localhost", "/loop", loop)
    site.handle("shop.localhost", "/inner", inner)
    site.page("shop.localhost", "/ok", "")
    found = {page.url.removeprefix(site.base()): page for page in (await run(site)).pages}
    assert found["/loop"].error == "more than 10 redirects"
    assert found["/inner"].error.startswith("refused: 10.1.2.3 ")
    assert (found["/gone"].status, found["/gone"].error) == (404, None)
    assert (found["/ok"].status, found["/ok"].error) == (200, None)


async def test_both_modes_tell_the_same_of_a_redirect(site):
    async def on(request):
        raise web.HTTPFound("/end")

    start = site.handle("shop.localhost", "/start", on)
    end = site.page("shop.localhost", "/end", "<title>End</title>")
    for mode in ("static", "browser"):
        (page,) = (await run(site, "/start", mode=mode)).pages
        assert (page.url, page.final_url, page.redirects, page.title) == (start, end, (start,), "End")


async def test_a_page_that_fails_for_the_moment_is_visited_again(site):
    answers = [503, 200]

    async def flaky(request):
        return web.Response(status=answers.pop(0), headers={"Retry-After": "0", "Set-Cookie": "a=1"})

    site.handle("shop.localhost", "/", flaky)
    found = await run(site)
    assert [(page.status, page.error) for page in found.pages] == [(200, None)]


async def test_a_page_under_two_addresses_is_visited_once(site):
    async def home(request):
        raise web.HTTPFound("/start")

    site.handle("shop.localhost", "/", home)
    site.page("shop.localhost", "/start", "<link rel=canonical href=/start/>" + links("/start", "/start/", "/a"))
    site.page("shop.localhost", "/a", "")
    assert visited(await run(site), site) == ["/", "/a"]


async def test_static_mode_tells_what_was_set_from_what_is_only_expected(site):
    async def page(request):
        response = web.Response(
            text="<script src=https://www.google-analytics.com/ga.js></script>"
            "<noscript><img src=https://www.facebook.com/tr?id=1></noscript>",
            content_type="text/html",
        )
        for line in ("sid=1; HttpOnly", "__utmb=1; Max-Age=1800", "stray=1; Domain=other.example"):
            response.headers.add("Set-Cookie", line)
        return response

    site.handle("shop.localhost", "/", page)
    found = await run(site)
    states = {cookie.name: cookie for cookie in found.cookies}
    assert states["sid"].state == "stored"
    assert states["stray"].blocked_reasons == ("InvalidDomain",)
    assert (states["__utmb"].state, states["__utmb"].vendor) == ("stored", "google-analytics")
    assert (states["__utma"].state, states["__utma"].declared_lifetime) == ("expected", 63_072_000)
    assert states["__utma"].set_by[0].url == "https://www.google-analytics.com/ga.js"
    assert {"https://www.google-analytics.com/ga.js", "https://www.facebook.com/tr?id=1"} <= {
        r.url for r in found.requests
    }
    assert len([name for name in states if name == "__utmb"]) == 1


async def test_time_that_is_up_ends_the_scan_with_what_it_has(site):
    async def slow(request):
        await asyncio.sleep(1.0)
        return web.Response(text="", content_type="text/html")

    paths = [f"/p/{letter}" for letter in "abcdefghij"]
    site.page("shop.localhost", "/", links(*paths))
    for path in paths:
        site.handle("shop.localhost", path, slow)
    notes = []
    found = await run(site, max_seconds=4.0, concurrency=1, progress=lambda p: p.note and notes.append(p.note))
    assert 1 <= len(found.pages) < 11
    assert "over" in notes[-1]


async def test_a_scan_is_kept_and_its_queue_is_gone(site, tmp_path):
    site.page("shop.localhost", "/", "", Set_Cookie="sid=1")
    async with await Inventory.open(f"sqlite:///{tmp_path / 'inventory.db'}") as inventory:
        found = await run(site, inventory=inventory)
        assert await inventory.newest(site.base()) == found
    assert [path.name for path in tmp_path.iterdir() if "crawl" in path.name] == []


NOTICE = (
    "<form method=post action=/.samtykke/choice><input type=hidden name=notice value=token-1>"
    "<button name=action value=reject></button></form>"
)


async def test_a_choice_is_posted_like_a_visitors_and_carried_along(site):
    async def choice(request):
        form = await request.post()
        assert request.headers["Accept"] == "application/json"
        assert (form["notice"], form["return"]) == ("token-1", "/")
        chosen = "+".join([form["action"], *form.getall("purpose", [])])
        response = web.json_response({"ok": True})
        response.headers.add("Set-Cookie", f"samtykke={chosen}; HttpOnly; Path=/")
        response.headers.add("Set-Cookie", "samtykke_purposes=x; Path=/")
        return response

    async def home(request):
        names = re.findall(r"samtykke=([^;]+)", request.headers.get("Cookie", ""))
        return web.Response(
            text=NOTICE, content_type="text/html", headers={"Set-Cookie": f"seen-{names[0] if names else 'none'}=1"}
        )

    site.handle("shop.localhost", "/.samtykke/choice", choice)
    site.handle("shop.localhost", "/", home)
    for consent, seen in [
        ("none", "seen-none"),
        ("reject", "seen-reject"),
        ("accept", "seen-accept"),
        ("statistics,marketing", "seen-save+statistics+marketing"),
    ]:
        found = await run(site, consent=consent)
        assert [cookie.name for cookie in found.cookies] == [seen]
        assert found.consent == consent


@pytest.mark.parametrize(
    ("banner", "status", "reason"), [("", 200, "no banner"), (NOTICE, 409, "409"), (NOTICE, 200, "no cookie")]
)
async def test_a_choice_that_did_not_arrive_is_an_error(site, tmp_path, banner, status, reason):
    async def choice(request):
        return web.json_response({"error": "expired"}, status=status)

    site.handle("shop.localhost", "/.samtykke/choice", choice)
    site.page("shop.localhost", "/", f"<p>{banner}")
    async with await Inventory.open(f"sqlite:///{tmp_path / 'inventory.db'}") as inventory:
        with pytest.raises(ChoiceError, match=reason):
            await run(site, consent="reject", inventory=inventory)
        assert await inventory.scans() == []
    assert not list(tmp_path.glob("*.crawl-*"))


async def test_a_scan_that_shows_nothing_is_not_kept(site, tmp_path):
    async def closed(request):
        return web.Response(status=404)

    site.handle("shop.localhost", "/", closed)
    async with await Inventory.open(f"sqlite:///{tmp_path / 'inventory.db'}") as inventory:
        found = await run(site, inventory=inventory)
        assert failure(found) == "the site answers 404 and nothing else"
        hasty = await run(site, inventory=inventory, max_seconds=0.000_001)
        assert failure(hasty) == "no page was visited in the time given"
        assert await inventory.scans() == []
    assert not list(tmp_path.glob("*.crawl-*"))


async def test_a_shared_page_without_a_form_is_answered_on_the_settings_page(site):
    async def choice(request):
        assert (await request.post())["return"] == "/"
        return web.json_response({}, headers={"Set-Cookie": "samtykke=yes; Path=/"})

    site.handle("shop.localhost", "/.samtykke/choice", choice)
    site.page("shop.localhost", "/.samtykke/preferences", NOTICE)
    site.page("shop.localhost", "/", "")
    await run(site, consent="accept")
    assert site.to("shop.localhost", "/")[-1].headers["Cookie"] == "samtykke=yes"


async def test_without_a_browser_the_scan_is_static_and_says_so(site):
    site.page("shop.localhost", "/", "")
    notes = []
    found = await run(site, mode="browser", find=lambda: None, progress=lambda p: p.note and notes.append(p.note))
    assert found.mode == "static"
    assert "No Chromium" in notes[0]


async def test_the_browser_sees_what_scripts_do(site):
    assert find_chromium()
    site.page("shop.localhost", "/", "<title>Shop</title><script src=/a.js></script>" + links("/b"), Set_Cookie="sid=1")
    site.page("shop.localhost", "/b", "<script src=/a.js></script>")
    site.script("shop.localhost", "/a.js", "document.cookie='_fbp=1; max-age=7776000'; localStorage.setItem('k', '1')")
    async with await Inventory.open("sqlite:///:memory:") as inventory:
        found = await run(site, mode="browser", inventory=inventory)
        assert list(await inventory.screenshots(1)) == [site.base() + "/"]
    assert visited(found, site) == ["/", "/b"]
    cookies = {cookie.name: cookie for cookie in found.cookies if cookie.state == "stored"}
    assert set(cookies) == {"sid", "_fbp"}
    assert cookies["_fbp"].declared_lifetime == 7_776_000
    assert [setter.url for setter in cookies["_fbp"].set_by] == [site.base() + "/a.js"]
    assert cookies["_fbp"].pages == (site.base() + "/", site.base() + "/b")
    assert [(key.kind, key.key) for key in found.storage] == [("local", "k")]

"""Every cookie with who set it, what was asked for, and what the browser made of it. Real Chromium."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from aiohttp import web
from site_server import Site

from policies.observation import ObservedCookie
from scanner.browser import Browser, BrowserSettings, CookieToSet, Visit, VisitPlan

pytestmark = pytest.mark.asyncio(loop_scope="module")

YEAR = 365 * 86_400


def one(visit: Visit, name: str) -> ObservedCookie:
    found = [cookie for cookie in visit.cookies if cookie.name == name]
    assert len(found) == 1, found
    return found[0]


async def test_cookies_by_header_and_by_script_name_their_setter(site: Site, browser: Browser) -> None:
    tracker = site.script(
        "ads.localhost", "/t.js", "document.cookie = '_ga=1; path=/; max-age=63072000'; document.cookie = '_gid=2'"
    )
    pixel = site.put(
        "pixel.localhost", "/p.gif", "", "image/gif", Set_Cookie="uid=7; Secure; SameSite=None; Max-Age=60"
    )
    page = site.page(
        "shop.localhost",
        "/dir/page",
        f"<script src={tracker}></script><img src={pixel}>",
        Set_Cookie="sid=1; Path=/; HttpOnly",
    )
    visit = await browser.visit(page)
    assert visit.page.status == 200
    assert visit.page.error is None
    ga, gid, sid, uid = (one(visit, name) for name in ("_ga", "_gid", "sid", "uid"))
    assert (ga.declared_lifetime, ga.effective_lifetime, ga.path) == (2 * YEAR, 400 * 86_400, "/")
    assert [(setter.kind, setter.url) for setter in ga.set_by] == [("js", tracker)]
    assert (gid.session, gid.declared_lifetime, gid.path) == (True, None, "/dir")
    assert [(setter.kind, setter.url) for setter in sid.set_by] == [("http", page)]
    assert sid.http_only
    assert sid.first_party
    assert (uid.domain, uid.first_party, uid.declared_lifetime) == ("pixel.localhost", False, 60)
    assert uid.set_by[0].url == pixel


async def test_every_hop_of_a_redirect_may_set_cookies(site: Site, browser: Browser) -> None:
    end = site.put("c.localhost", "/end", "", "image/gif", Set_Cookie="three=3; Secure; SameSite=None")

    async def middle(request: object) -> object:
        from aiohttp import web

        answer = web.Response(status=302, headers={"Location": end})
        answer.headers.add("Set-Cookie", "two=2; Secure; SameSite=None")
        answer.headers.add("Set-Cookie", "also=2; Secure; SameSite=None")
        return answer

    start = site.handle("b.localhost", "/go", middle)  # type: ignore[arg-type]
    visit = await browser.visit(site.page("shop.localhost", "/", f"<img src={start}>"))
    assert {cookie.name: cookie.domain for cookie in visit.cookies} == {
        "two": "b.localhost",
        "also": "b.localhost",
        "three": "c.localhost",
    }
    hops = [(request.url, request.redirected_from) for request in visit.requests if request.type == "image"]
    assert hops == [(start, None), (end, start)]


async def test_a_cookie_the_browser_refuses_is_blocked_with_its_reason_and_no_phantom(
    site: Site, browser: Browser
) -> None:
    pixel = site.put("pixel.localhost", "/p.gif", "", "image/gif", Set_Cookie="lax=1; SameSite=Lax; Max-Age=60")
    script = "document.cookie = 'alien=1; domain=other.localhost'; document.cookie = 'gone=; max-age=0'"
    page = site.page("shop.localhost", "/", f"<script>{script}</script><img src={pixel}>")
    visit = await browser.visit(page)
    assert {cookie.name: (cookie.state, cookie.blocked_reasons) for cookie in visit.cookies} == {
        "lax": ("blocked", ("SchemefulSameSiteLax",)),
        "alien": ("blocked", ("InvalidDomain",)),
    }


async def test_a_line_of_an_answer_without_credentials_was_never_stored(site: Site, browser: Browser) -> None:
    asked = site.put(
        "api.localhost", "/v1", "", "text/plain", Set_Cookie="__cf_bm=1; Secure; SameSite=None; Max-Age=1800",
        Access_Control_Allow_Origin="*",
    )  # fmt: skip
    page = site.page("shop.localhost", "/", f"<script>fetch('{asked}')</script>")
    cookie = one(await browser.visit(page), "__cf_bm")
    assert (cookie.state, cookie.blocked_reasons, cookie.effective_lifetime) == ("blocked", ("NotStored",), None)


async def test_a_cookie_that_was_sent_before_its_site_cleared_it_is_deleted(site: Site, unhurried: Browser) -> None:
    after = site.put("shop.localhost", "/after", "", "text/plain", Clear_Site_Data='"cookies"')
    page = site.page("shop.localhost", "/", f"<script>fetch('{after}')</script>", Set_Cookie="a=1; Max-Age=3600")
    assert one(await unhurried.visit(page), "a").state == "deleted"


async def test_a_shared_workers_answer_is_found_by_elimination(site: Site, unhurried: Browser) -> None:
    asked = site.put("shop.localhost", "/of-worker", "", "text/plain", Set_Cookie="w=1; Max-Age=3600")
    worker = site.script("shop.localhost", "/shared.js", "fetch('/of-worker')")
    page = site.page("shop.localhost", "/", f"<script>new SharedWorker('{worker}')</script>")
    cookie = one(await unhurried.visit(page), "w")
    assert (cookie.state, cookie.declared_lifetime, cookie.set_by[0].url) == ("stored", 3600, asked)


async def test_a_frame_without_an_address_shares_its_pages_storage(site: Site, browser: Browser) -> None:
    inside = "localStorage.setItem('inner', '1'); document.cookie = 'c=1'"
    page = site.page("shop.localhost", "/", f'<iframe srcdoc="<script>{inside}</script>"></iframe>')
    visit = await browser.visit(page)
    assert [(key.origin, key.key, key.set_by[0].url) for key in visit.storage] == [(site.base(), "inner", page)]
    assert one(visit, "c").set_by[0].url == page


async def test_deleted_and_overwritten_cookies_are_marked(site: Site, browser: Browser) -> None:
    first = site.script("a.localhost", "/a.js", "document.cookie = 'shared=a; max-age=60'")
    second = site.script("b.localhost", "/b.js", "document.cookie = 'shared=b; max-age=120'")
    inline = "document.cookie = 'probe=1; max-age=60'; document.cookie = 'probe=; max-age=0'"
    page = site.page(
        "shop.localhost", "/", f"<script src={first}></script><script src={second}></script><script>{inline}</script>"
    )
    visit = await browser.visit(page)
    assert {(c.name, c.state, c.declared_lifetime, c.set_by[0].url) for c in visit.cookies} == {
        ("shared", "overwritten", 60, first),
        ("shared", "stored", 120, second),
        ("probe", "deleted", 60, page),
    }


async def test_the_script_that_put_an_inline_script_there_is_to_blame(site: Site, unhurried: Browser) -> None:
    loader = site.script(
        "tags.localhost",
        "/gtm.js",
        "const tag = document.createElement('script'); document.head.append(tag);"
        "tag.src = 'http://ads.localhost:%PORT%/t.js';",
    )
    tracker = site.script(
        "ads.localhost",
        "/t.js",
        """const s = document.createElement('script'); s.textContent = "document.cookie = 'inline=1'";
        document.head.append(s);
        eval("document.cookie = 'evaluated=1'");
        setTimeout("document.cookie = 'text=1'", 5);
        Promise.resolve().then(() => setTimeout(() => { document.cookie = 'later=1'; }, 5));
        const b = document.createElement('script');
        b.src = URL.createObjectURL(new Blob(["document.cookie = 'blob=1'"])); document.head.append(b);""",
    )
    visit = await unhurried.visit(site.page("shop.localhost", "/", f"<script src={loader}></script>"))
    assert {cookie.name: cookie.set_by[0].url for cookie in visit.cookies} == dict.fromkeys(
        ("inline", "evaluated", "text", "later", "blob"), tracker
    )
    assert loader in [frame.url for frame in one(visit, "later").set_by[0].stack]


async def test_cookie_store_is_seen_with_the_lifetime_it_asked_for(site: Site, unhurried: Browser) -> None:
    page = site.page(
        "shop.localhost",
        "/",
        "<script>cookieStore.set({name: 'cs', value: '1', expires: Date.now() + 86400000});"
        "cookieStore.set('s', '2')</script>",
    )
    visit = await unhurried.visit(page)
    cs, s = one(visit, "cs"), one(visit, "s")
    assert (cs.state, cs.declared_lifetime, cs.set_by[0].url) == ("stored", 86_400, page)
    assert (s.state, s.session) == ("stored", True)


async def test_cross_site_frames_are_observed(site: Site, browser: Browser) -> None:
    frame = site.page(
        "social.localhost",
        "/w",
        "<script>document.cookie = 'w=1; Secure; SameSite=None; max-age=60'; localStorage.k = 1</script>",
    )
    visit = await browser.visit(site.page("shop.localhost", "/", f"<iframe src={frame}></iframe>"))
    cookie = one(visit, "w")
    assert (cookie.domain, cookie.first_party, cookie.state, cookie.set_by[0].url) == (
        "social.localhost", False, "stored", frame,
    )  # fmt: skip
    assert [(key.kind, key.origin, key.key) for key in visit.storage] == [("local", site.base("social.localhost"), "k")]


async def test_third_party_cookies_can_be_blocked(site: Site, settings: BrowserSettings) -> None:
    pixel = site.put("pixel.localhost", "/p.gif", "", "image/gif", Set_Cookie="uid=7; Secure; SameSite=None")
    frame = site.page("social.localhost", "/w", "<script>document.cookie = 'w=1; Secure; SameSite=None'</script>")
    page = site.page("shop.localhost", "/", f"<img src={pixel}><iframe src={frame}></iframe>", Set_Cookie="sid=1")
    blocking = settings.model_copy(update={"third_party_cookies": False})
    async with await Browser.launch(blocking) as browser:
        visit = await browser.visit(page)
    assert {cookie.name: cookie.state for cookie in visit.cookies} == {
        "uid": "blocked",
        "w": "blocked",
        "sid": "stored",
    }
    assert all(cookie.blocked_reasons for cookie in visit.cookies if cookie.state == "blocked")


async def test_the_visitors_own_cookies_are_sent_and_are_no_finding(site: Site, browser: Browser) -> None:
    page = site.page("shop.localhost", "/", "<p>hello</p>")
    mine = CookieToSet("samtykke", "abc", page)
    visit = await browser.visit(page, VisitPlan(cookies=(mine,)))
    assert visit.cookies == ()
    assert ("samtykke", page) in [(sent.name, sent.url) for sent in visit.sent_cookies]
    assert site.to("shop.localhost", "/")[0].cookies == {"samtykke": "abc"}


async def test_visits_share_nothing(site: Site, browser: Browser) -> None:
    page = site.page("shop.localhost", "/", "<script>document.cookie = 'n=' + document.cookie.length</script>")
    for _ in range(2):
        visit = await browser.visit(page)
        assert one(visit, "n").state == "stored"
    assert [request.cookies for request in site.to("shop.localhost", "/")] == [{}, {}]


@pytest.mark.parametrize("at_once", [4])
async def test_visits_at_once_bring_the_same_inventory_as_one_at_a_time(
    site: Site, browser: Browser, at_once: int
) -> None:
    import asyncio

    tracker = site.script(
        "ads.localhost",
        "/t.js",
        "document.cookie = '_ga=1; expires=' + new Date(Date.now() + 63072000000).toUTCString(); localStorage.x = 1",
    )
    page = site.page("shop.localhost", "/", f"<script src={tracker}></script>", Set_Cookie="sid=1; Path=/")

    def inventory(visit: Visit) -> set[object]:
        return {(c.name, c.domain, c.path, c.state, c.declared_lifetime, c.set_by[0].url) for c in visit.cookies} | {
            (key.kind, key.origin, key.key) for key in visit.storage
        }

    alone = inventory(await browser.visit(page))
    assert len(alone) == 3
    together = await asyncio.gather(*(browser.visit(page) for _ in range(at_once)))
    assert [inventory(visit) for visit in together] == [alone] * at_once


async def test_a_thorough_visit_shows_lazy_and_timer_set_trackers(site: Site, settings: BrowserSettings) -> None:
    pixel = site.put("pixel.localhost", "/lazy.gif", "", "image/gif", Set_Cookie="lazy=1; Secure; SameSite=None")
    page = site.page(
        "shop.localhost",
        "/",
        f"""<p>top</p><div style="height: 9000px"></div><img loading=lazy width=9 height=9 src={pixel}>
        <script>setTimeout(() => {{ document.cookie = 'timer=1' }}, 6000)</script>""",
    )
    thorough = settings.model_copy(update={"thorough": True, "idle_seconds": 6.0})
    seen = []
    for chosen in (settings, thorough):
        async with await Browser.launch(chosen) as browser:
            seen.append({cookie.name for cookie in (await browser.visit(page)).cookies})
    assert seen == [set(), {"lazy", "timer"}]


async def test_an_archive_gets_what_the_browser_measured(site: Site, unhurried: Browser) -> None:
    async def hop(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/end", "Set-Cookie": "h=1"})

    site.handle("shop.localhost", "/hop", hop)
    site.put("shop.localhost", "/end", "answer", "text/plain", Set_Cookie="e=2")
    code = "<script>fetch('/hop', {method: 'POST', body: 'hello=\u00e5', headers: {Authorization: 'secret'}})</script>"
    visit = await unhurried.visit(site.page("shop.localhost", "/", code), VisitPlan(transfers=True))
    found = {urlsplit(request.url).path: request.transfer for request in visit.requests}
    first, last = found["/hop"], found["/end"]
    assert first is not None
    assert last is not None
    assert (first.method, first.post_bytes, first.status_text, first.protocol) == ("POST", 8, "Found", "http/1.1")
    assert (last.method, last.content_bytes, last.media_type) == ("GET", 6, "text/plain")
    assert dict(first.response_headers)["Set-Cookie"] == "h=1"
    assert dict(last.request_headers)["Cookie"] == "h=1"
    assert "secret" not in first.model_dump_json()
    assert min(last.send, last.wait, last.receive) >= 0
    assert last.transfer_bytes > 6

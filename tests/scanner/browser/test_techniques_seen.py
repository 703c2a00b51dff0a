"""Tracking without a cookie, and what only looks like it. Real Chromium."""

from __future__ import annotations

import pytest
from site_server import Site

from scanner.browser import Browser, Visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANVAS = """const c = document.createElement('canvas'); c.width = 200; c.height = 50;
const g = c.getContext('2d'); g.fillStyle = '#f60'; g.fillRect(1, 1, 60, 20); g.fillStyle = '#069';
g.fillText('Cwm fjordbank glyphs vext quiz', 2, 15); c.toDataURL();"""
AUDIO = """const a = new OfflineAudioContext(1, 5000, 44100); const o = a.createOscillator();
o.connect(a.createDynamicsCompressor()).connect(a.destination); o.start(0); a.startRendering();"""
WEBGL = """const gl = document.createElement('canvas').getContext('webgl');
const info = gl.getExtension('WEBGL_debug_renderer_info'); gl.getParameter(info.UNMASKED_RENDERER_WEBGL);"""
FONTS = """const m = document.createElement('canvas').getContext('2d');
for (let i = 0; i < 60; i++) { m.font = `72px Font${i}, serif`; m.measureText('mmmmmmmmmmlli'); }"""
SWEEP = """[navigator.platform, navigator.hardwareConcurrency, navigator.deviceMemory, navigator.languages,
navigator.plugins, navigator.vendor, navigator.productSub, navigator.maxTouchPoints, navigator.doNotTrack,
navigator.cookieEnabled, screen.width, screen.height, screen.colorDepth, new Date().getTimezoneOffset()]"""
REPLAY = """for (const type of ['keydown', 'mousemove', 'click', 'scroll']) document.addEventListener(type, () => 0);
new MutationObserver(() => 0).observe(document, {subtree: true, childList: true});"""


def kinds(visit: Visit) -> dict[str, str]:
    return {technique.kind: technique.script for technique in visit.techniques}


async def test_fingerprinting_is_named_with_its_script(site: Site, unhurried: Browser) -> None:
    script = site.script("fp.localhost", "/fp.js", "\n".join([CANVAS, AUDIO, WEBGL, FONTS, SWEEP]))
    visit = await unhurried.visit(site.page("shop.localhost", "/", f"<body><script src={script}></script>"))
    assert kinds(visit) == dict.fromkeys(("canvas", "audio", "webgl", "fonts", "navigator"), script)
    assert visit.cookies == ()


async def test_a_drawing_and_a_feature_test_are_no_fingerprinting(site: Site, browser: Browser) -> None:
    drawing = """const c = document.createElement('canvas'); c.width = c.height = 100; const g = c.getContext('2d');
    g.fillStyle = 'red'; g.fillRect(0, 0, 50, 50); c.toDataURL(); navigator.language; screen.width;
    document.body.addEventListener('click', () => 0); document.body.addEventListener('keydown', () => 0);"""
    visit = await browser.visit(site.page("shop.localhost", "/", f"<body><script>{drawing}</script>"))
    assert visit.techniques == ()


async def test_session_replay_and_keystrokes_are_told_apart(site: Site, browser: Browser) -> None:
    replay = site.script("replay.localhost", "/r.js", REPLAY)
    keys = site.script("keys.localhost", "/k.js", "document.querySelector('input').addEventListener('input', () => 0)")
    page = site.page("shop.localhost", "/", f"<body><input><script src={replay}></script><script src={keys}></script>")
    visit = await browser.visit(page)
    assert {(technique.kind, technique.script) for technique in visit.techniques} == {
        ("session_replay", replay),
        ("keystrokes", replay),
        ("keystrokes", keys),
    }


async def test_an_identifier_leaving_to_another_site_is_named(site: Site, browser: Browser) -> None:
    site.put("collect.localhost", "/c", "", "image/gif")
    script = site.script(
        "ads.localhost",
        "/t.js",
        """document.cookie = '_ga=GA1.1.1234567890.1700000000; max-age=60'; document.cookie = 'lang=english';
        new Image().src = 'http://collect.localhost:%PORT%/c?cid=1234567890.1700000000&lang=english';
        navigator.sendBeacon('http://collect.localhost:%PORT%/c', 'hello');""",
    )
    visit = await browser.visit(site.page("shop.localhost", "/", f"<script src={script}></script>"))
    assert [(technique.kind, technique.script) for technique in visit.techniques] == [("id_sharing", script)]
    assert "_ga" in visit.techniques[0].detail
    assert "collect.localhost" in visit.techniques[0].detail
    sent = {request.type for request in visit.requests if request.url.startswith(site.base("collect.localhost"))}
    assert sent == {"image", "ping"}


async def test_an_identifier_kept_in_storage_is_followed_too(site: Site, browser: Browser) -> None:
    site.put("collect.localhost", "/c", "", "image/gif")
    script = site.script(
        "ads.localhost",
        "/t.js",
        """localStorage.setItem('prefs_20251', JSON.stringify({theme: 'dark-mode-on', version: '12.34.5678',
          seen: '2026-11-20T12:00:00Z', name: 'prefs_20251'}));
        localStorage.setItem('who', JSON.stringify({id: 'a81f-77c2-9912-03bd'}));
        sessionStorage.visit = 'v-4471-9023-x';
        fetch('http://collect.localhost:%PORT%/c', {method: 'POST', mode: 'no-cors', body:
          'a81f-77c2-9912-03bd dark-mode-on 12.34.5678 2026-11-20T12:00:00Z prefs_20251'});""",
    )
    links = (
        "<a href='http://partner.localhost/?sid=v-4471-9023-x'>a</a><a href='http://partner.localhost/?_gl=1*x&a=2'>b</a>"
        "<a href='/own?fbclid=1234'>c</a><a href='http://other.localhost/?gclid='>d</a>"
    )
    visit = await browser.visit(site.page("shop.localhost", "/", f"{links}<script src={script}></script>"))
    shop = site.base()
    assert {(technique.kind, technique.detail) for technique in visit.techniques} == {
        ("id_sharing", f"the value of localStorage key who of {shop} leaves to collect.localhost as it is"),
        (
            "link_decoration",
            f"the value of sessionStorage key visit of {shop} is in a link to partner.localhost as it is",
        ),
        ("link_decoration", "a link to partner.localhost carries _gl"),
    }


async def test_workers_and_databases_are_observed(site: Site, unhurried: Browser) -> None:
    site.put("api.localhost", "/from-worker", "ok", "text/plain", Access_Control_Allow_Origin="*")
    worker = site.script(
        "shop.localhost", "/sw.js", "self.addEventListener('fetch', () => {}); caches.open('sw-cache');"
    )
    site.script(
        "shop.localhost", "/w.js", "fetch('http://api.localhost:%PORT%/from-worker'); indexedDB.open('worker-db');"
    )
    page = site.page(
        "shop.localhost",
        "/",
        """<script>new Worker('/w.js'); navigator.serviceWorker.register('/sw.js'); caches.open('page-cache');
        indexedDB.open('page-db'); localStorage.setItem('kept', 1); localStorage.setItem('gone', 1);
        localStorage.removeItem('gone'); sessionStorage.byProperty = 1;</script>""",
    )
    visit = await unhurried.visit(page)
    assert kinds(visit) == {"service_worker": worker}
    assert {(key.kind, key.key): key.set_by[0].url for key in visit.storage} == {
        ("local", "kept"): page,
        ("session", "byProperty"): page,
        ("indexeddb", "page-db"): page,
        ("indexeddb", "worker-db"): f"{site.base()}/w.js",
        ("cache", "page-cache"): page,
        ("cache", "sw-cache"): worker,
    }
    assert f"{site.base('api.localhost')}/from-worker" in [request.url for request in visit.requests]


async def test_banners_are_recognised_by_tool_and_by_look(site: Site, browser: Browser) -> None:
    known = "<div id=CybotCookiebotDialog>We use cookies <button>Allow all</button><button>Deny</button></div>"
    own = "<div style='position:fixed;bottom:0'>Vi bruker informasjonskapsler. <button>Godta</button></div>"
    plain = "<p>Our cookies are baked daily.</p><button>Buy</button>"
    seen = []
    for number, html in enumerate((known, own, plain)):
        visit = await browser.visit(site.page("shop.localhost", f"/{number}", html))
        seen.append([(banner.tool, banner.buttons) for banner in visit.banners])
    assert seen == [[("Cookiebot", ("Allow all", "Deny"))], [(None, ("Godta",))], []]


async def test_the_way_to_the_privacy_policy_is_remembered(site: Site, browser: Browser) -> None:
    later = "document.body.insertAdjacentHTML('beforeend', '<a href=/17><b>Personvern</b>erklæring</a>')"
    visit = await browser.visit(
        site.page("shop.localhost", "/", f"<a href=/recipes/cookies>Oat</a><script>{later}</script>")
    )
    assert [(link.url, link.text) for link in visit.policy_links] == [
        (f"{site.base()}/17", "Personvernerklæring"),
        (f"{site.base()}/recipes/cookies", "Oat"),
    ]


async def test_the_browser_looks_like_a_persons(site: Site, unhurried: Browser) -> None:
    page = site.page(
        "shop.localhost",
        "/",
        """<script>navigator.userAgentData.getHighEntropyValues(['fullVersionList']).then((hints) => {
          document.title = JSON.stringify([navigator.webdriver, navigator.userAgent, hints,
            Object.getOwnPropertyDescriptor(Document.prototype, 'cookie').set.toString(), screen.width]); });
        new Worker(URL.createObjectURL(new Blob(['fetch("http://shop.localhost:%PORT%/w?" + navigator.userAgent)'])));
        </script>""",
    )
    visit = await unhurried.visit(page)
    assert visit.page.title.startswith("[false,")
    assert "native code" in visit.page.title
    asked = [request.headers for request in site.asked]
    assert all("Headless" not in str(headers) for headers in asked)
    assert "Headless" not in visit.page.title
    assert 'Chromium";v=' in asked[0]["Sec-CH-UA"]
    assert [request.url for request in visit.requests if "/w?" in request.url]
    assert not [request.url for request in visit.requests if "Headless" in request.url]

"""Thirty ways to set a cookie, and the script or answer to blame for each. Real Chromium, one page."""

from __future__ import annotations

import pytest
from aiohttp import web
from site_server import Site

from scanner.browser import Browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPTS = {
    "written": """document.write('<script>document.cookie="written=1"<\\/script>')""",
    "attribute": """document.body.setAttribute('onclick', 'document.cookie="attribute=1"'); document.body.click()""",
    "onerror": "{ const i = new Image(); i.onerror = () => { document.cookie = 'onerror=1' }; i.src = '/missing' }",
    "descriptor": "Object.getOwnPropertyDescriptor(Document.prototype, 'cookie').set.call(document, 'descriptor=1')",
    "lookup": "document.__lookupSetter__('cookie').call(document, 'lookup=1')",
    "blank_frame": """{ const f = document.createElement('iframe'); document.body.append(f);
        f.contentDocument.cookie = 'blank_frame=1'; f.remove() }""",
    "frame_eval": """{ const f = document.createElement('iframe'); document.body.append(f);
        f.contentWindow.eval('document.cookie="frame_eval=1"') }""",
    "srcdoc": """{ const f = document.createElement('iframe');
        f.srcdoc = '<script>document.cookie="srcdoc=1"<\\/script>'; document.body.append(f) }""",
    "javascript_url": """{ const f = document.createElement('iframe');
        f.src = 'javascript:void(parent.document.cookie="javascript_url=1")'; document.body.append(f) }""",
    "dynamic_import": "import('http://ads.localhost:%PORT%/module.mjs')",
    "function": """new Function('document.cookie="function=1"')()""",
    "false_name": "document.cookie = 'false_name=1'\n//# sourceURL=http://innocent.localhost/x.js",
    "false_eval": """eval('document.cookie="false_eval=1"\\n//# sourceURL=http://innocent.localhost/y.js')""",
    "data_url": """{ const s = document.createElement('script');
        s.src = 'data:text/javascript,document.cookie="data_url=1"'; document.head.append(s) }""",
    "worker_message": """{ const w = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])));
        w.onmessage = () => { document.cookie = 'worker_message=1' } }""",
    "mutation": """new MutationObserver(() => { document.cookie = 'mutation=1' }).observe(document.body,
        {childList: true}); document.body.append('x')""",
    "text_timer": """setTimeout('document.cookie="text_timer=1"', 20)""",
    "long_way": """setTimeout(() => fetch('/').then((r) => r.text()).then(() =>
        requestAnimationFrame(() => { document.cookie = 'long_way=1' })), 10)""",
    "cookie_store": "cookieStore.set('cookie_store', '1')",
}


async def test_every_way_of_setting_a_cookie_is_seen_with_whom_to_blame(site: Site, unhurried: Browser) -> None:
    expected = {name: site.script("ads.localhost", f"/{name}.js", code) for name, code in SCRIPTS.items()}
    expected["dynamic_import"] = site.script(
        "ads.localhost", "/module.mjs", "document.cookie = 'dynamic_import=1'", Access_Control_Allow_Origin="*"
    )
    expected["service_worker"] = site.script(
        "shop.localhost", "/sw.js", "addEventListener('install', () => cookieStore.set('service_worker', '1'))"
    )
    site.script("shop.localhost", "/w.js", "fetch('http://ads.localhost:%PORT%/in_worker', {credentials: 'include'})")
    for name in ("xhr", "beacon", "stylesheet_image", "prefetch", "in_worker"):
        expected[name] = site.put(
            "ads.localhost", f"/{name}", "", "image/gif", Set_Cookie=f"{name}=1; Secure; SameSite=None",
            Access_Control_Allow_Origin=site.base(), Access_Control_Allow_Credentials="true",
        )  # fmt: skip
    site.put("ads.localhost", "/style.css", "body { background: url(/stylesheet_image) }", "text/css")

    async def socket(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        answer.headers["Set-Cookie"] = "socket=1; Secure; SameSite=None; Max-Age=86400"
        await answer.prepare(request)
        await answer.close()
        return answer

    expected["socket"] = site.handle("ads.localhost", "/socket", socket).replace("http:", "ws:")
    tags = "".join(f"<script src=http://ads.localhost:%PORT%/{name}.js></script>" for name in SCRIPTS)
    page = site.page(
        "shop.localhost",
        "/",
        f"""<body><link rel=stylesheet href=http://ads.localhost:%PORT%/style.css>
        <link rel=prefetch href=http://ads.localhost:%PORT%/prefetch>{tags}
        <script>const x = new XMLHttpRequest(); x.open('GET', 'http://ads.localhost:%PORT%/xhr');
        x.withCredentials = true; x.send(); navigator.sendBeacon('http://ads.localhost:%PORT%/beacon');
        new WebSocket('ws://ads.localhost:%PORT%/socket'); navigator.serviceWorker.register('/sw.js');
        new Worker('/w.js')</script>
        <iframe sandbox=allow-scripts srcdoc="<script>document.cookie='sandboxed=1'</script>"></iframe>""",
    )
    visit = await unhurried.visit(page)
    assert visit.notes == ()
    assert {cookie.state for cookie in visit.cookies} == {"stored"}
    assert {cookie.name: [setter.url for setter in cookie.set_by] for cookie in visit.cookies} == {
        name: [url] for name, url in expected.items()
    }
    assert [cookie.declared_lifetime for cookie in visit.cookies if cookie.name == "socket"] == [86_400]

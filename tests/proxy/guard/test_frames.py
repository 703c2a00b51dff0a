"""A frame with content that a script makes gets the proxy's placeholder, in the page's language, and loads on a click.

A real proxy stands before the page. Every frame is first seen to load without the proxy.
"""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from guard_page import Page

from policies.catalogue import Catalogue
from policies.purpose import Purpose
from policies.site_policy import PolicyHost, PolicyVendor, SitePolicy, in_force
from proxy.app import Proxy
from proxy.consent.desk import ConsentDesk
from proxy.consent.log import ConsentLog
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.parts import Parts
from proxy.settings import ProxySettings, SiteSettings
from runtime.keys import new_keys

pytestmark = pytest.mark.asyncio(loop_scope="session")

CEILING = 60.0
"""Seconds after which something that must happen is said not to happen."""
MADE = {
    "src": "const e=document.createElement('iframe');e.src=V;e.width=400;e.height=250;root.append(e)",
    "set_attribute": "const e=document.createElement('iframe');e.setAttribute('src',V);e.style.cssText='width:400px;height:250px';root.appendChild(e)",
    "src_when_in": "const e=document.createElement('iframe');e.width=400;e.height=250;root.append(e);e.src=V",
    "inner_html": "root.innerHTML='<p>a</p><iframe width=400 height=250 src=\"'+V+'\"></iframe>'",
    "adjacent_html": "root.insertAdjacentHTML('beforeend','<iframe width=400 height=250 src=\"'+V+'\"></iframe>')",
    "in_detached": "const d=document.createElement('div');d.innerHTML='<iframe width=400 height=250 src=\"'+V+'\"></iframe>';root.append(d)",
    "fragment": "root.append(document.createRange().createContextualFragment('<iframe width=400 height=250 src=\"'+V+'\"></iframe>'))",
    "write": "document.write('<iframe width=400 height=250 src=\"'+V+'\"></iframe>')",
    "clone": "const e=document.createElement('iframe');e.src=V;e.width=400;e.height=250;root.append(e.cloneNode())",
    "moved": "const e=document.createElement('iframe');e.src=V;e.width=400;e.height=250;root.append(e);setTimeout(()=>root.prepend(e),150)",
    "fetched": "fetch(location.pathname+'.part').then(r=>r.text()).then(t=>{root.innerHTML=t})",
    "from_a_parser": "const d=new DOMParser().parseFromString('<iframe width=400 height=250 src=\"'+V+'\"></iframe>','text/html');root.append(...d.body.children)",
}
INSIDE = "document.querySelector('iframe').contentDocument.querySelector('.samtykke-placeholder')"
BEFORE = "document.querySelector('.samtykke-placeholder')"


@dataclass
class Scene:
    lab: Any
    proxy: Proxy
    shared: Proxy
    """The same with pages that every visitor gets alike."""
    strict: Proxy
    """The same with the strict policy before a choice, too."""
    log: ConsentLog

    @property
    def origin(self) -> str:
        return f"http://shop.localhost:{self.proxy.address[1]}"

    def serve(self, name: str, body: str, *, language: str = "en", head: str = "", headers: Any = None) -> str:
        """Make the page; gives its path. `V` in a body's script and %V% in its markup is the video."""
        video = f"http://video.localhost:{self.lab.site.port}/t/{name}/film.html?a=1&b=2"
        text = body.replace("%V%", video.replace("&", "&amp;"))
        self.lab.site.pages[f"/{name}.part"] = ({}, f'<iframe width=400 height=250 src="{video}"></iframe>'.encode())
        self.lab.site.pages[f"/{name}"] = (
            headers or {},
            f'<!doctype html><html lang="{language}"><head><title>A film</title>{head}</head><body><div id=root></div>'
            f"<script>const V={video!r},root=document.getElementById('root')</script>{text}</body></html>".encode(),
        )
        return f"/{name}"

    async def open(self, name: str, body: str, *, by: Proxy | None = None, **options: Any) -> Page:
        """A tab of its own on this page, through the proxy."""
        path = self.serve(name, body, **options)
        page = await self.lab.browser.page()
        self.lab.tabs.append(page)
        await page.open(f"http://shop.localhost:{(by or self.proxy).address[1]}{path}")
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(whole_lab: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("frames")
    keys = new_keys(datetime.now(UTC))
    log = await ConsentLog.open(f"sqlite:///{folder / 'consent.db'}", keys, checkpoints=folder / "checkpoints")
    settings = ConsentSettings(languages=("en", "nb", "de"))
    desk = ConsentDesk(settings, ControllerSettings(), keys, log, lambda: datetime.now(UTC), os.urandom)
    policy = SitePolicy(
        site="shop", hosts=("shop.localhost",),
        vendors=(PolicyVendor(id="films", name="Films", company="Films & Co", purpose=Purpose.MARKETING),),
        contacts=(
            PolicyHost(host="video.localhost", vendor="films", purpose=Purpose.MARKETING, tracker=True, kinds=("frame",), placeholder="video"),
            PolicyHost(host="ads.localhost", purpose=Purpose.MARKETING, tracker=True, kinds=("frame", "script")),
        ),
    )  # fmt: skip
    file = folder / "published.json"
    file.write_text(in_force(policy, None).to_json())
    site = SiteSettings(name="shop", hosts=["shop.localhost"], upstream=f"http://127.0.0.1:{whole_lab.site.port}")
    catalogue = Catalogue.load()
    proxies = [
        Proxy(
            ProxySettings(listen="127.0.0.1:0", **settings), [site], catalogue, Parts(desk, lambda: log.trouble),
            policy_file=lambda _: file,
        )
        for settings in ({}, {"render": "shared"}, {"csp_undecided": "strict"})
    ]  # fmt: skip
    for proxy in proxies:
        await proxy.start()
    yield Scene(whole_lab, *proxies, log)
    for proxy in proxies:
        await proxy.stop(0.5)
    await desk.close()
    await log.close()


@pytest_asyncio.fixture(loop_scope="session")
async def scene(running: Scene, lab: Any) -> Scene:
    return running


async def until(page: Page, expression: str) -> None:
    """Wait for an expression to be true."""
    await page.until(expression)


async def press(page: Page, placeholder: str) -> None:
    """Press the button of a placeholder that is there, or is put back where a frame is just being loaded anew."""
    await until(page, f"({placeholder}.querySelector('[data-samtykke-load]').click(),true)")


@pytest.mark.parametrize("way", MADE)
async def test_a_frame_made_at_run_time_is_explained_and_loads_on_a_click(way: str, scene: Scene) -> None:
    path = scene.serve(f"direct_{way}", f"<script>{MADE[way]}</script>")
    direct = await scene.lab.browser.page()
    scene.lab.tabs.append(direct)
    await direct.open(scene.lab.site.shop + path)
    assert await scene.lab.site.hit(f"direct_{way}", seconds=CEILING), "reaches nobody without the proxy: tests nothing"

    page = await scene.open(way, f"<script>{MADE[way]}</script>")
    await until(page, INSIDE)
    if way == "moved":
        await until(page, "root.firstElementChild.localName==='iframe'")
        await until(page, INSIDE)
    assert scene.lab.site.hits[way] == 0
    size = "(r=>[r.width,r.height])(document.querySelector('iframe').getBoundingClientRect())"
    assert await page.run(size) == await direct.run(size)
    await press(page, INSIDE)
    assert await scene.lab.site.hit(way, seconds=CEILING)
    asked = [url for url in scene.lab.site.urls if f"/t/{way}/" in url]
    assert all(url.endswith(f"/t/{way}/film.html?a=1&b=2") for url in asked)
    assert await page.run("samtykke.granted('marketing')") is False
    assert page.errors == []


async def test_it_says_the_same_as_the_one_that_the_proxy_writes(scene: Scene) -> None:
    """In the page's language; the proxy's is taken over into the frame, too, so that both look alike."""
    for language, title in (("nb", "Video fra Films"), ("de", "Video von Films"), ("en", "Video from Films")):
        written = await scene.open(
            f"written_{language}", '<iframe width=400 height=250 src="%V%"></iframe>', language=language
        )
        made = await scene.open(f"made_{language}", f"<script>{MADE['src']}</script>", language=language)
        said = []
        for page in (written, made):
            await until(page, INSIDE)
            said.append((await page.run(INSIDE + ".outerHTML")).replace(f"written_{language}", f"made_{language}"))
            assert await page.run(BEFORE) is None
            assert await page.run("document.querySelector('iframe').hidden") is False
        assert title in said[0]
        assert "Films &amp; Co" in said[0]
        drop = (' data-samtykke-width="400"', ' data-samtykke-height="250"')
        for each in drop:
            said[0] = said[0].replace(each, "")
        assert said[0] == said[1]


async def test_a_frame_in_a_frame_of_the_sites_own_is_explained_there(scene: Scene) -> None:
    inner = scene.serve("within", f"<script>{MADE['src']}</script>", language="nb")
    page = await scene.open("around", f'<iframe src="{inner}" width=600 height=400></iframe>', language="nb")
    there = INSIDE.replace("document.", "document.querySelector('iframe').contentDocument.", 1)
    await until(page, there)
    assert "Video fra Films" in await page.run(there + ".textContent")
    assert scene.lab.site.hits["within"] == 0
    await press(page, there)
    assert await scene.lab.site.hit("within", seconds=CEILING)


async def test_keyboard_and_screen_reader_reach_it(scene: Scene) -> None:
    body = f"<button id=first>before</button><script>{MADE['src']}</script>"
    page = await scene.open("keys", body, language="en")
    await until(page, INSIDE)
    await until(page, "document.querySelector('iframe').contentDocument.querySelector('link').sheet")
    tree = await page.call("Page.getFrameTree")
    [frame] = [each["frame"]["id"] for each in tree["frameTree"]["childFrames"]]
    nodes = (await page.call("Accessibility.getFullAXTree", frameId=frame))["nodes"]
    spoken = [
        (n["role"]["value"], n["name"]["value"]) for n in nodes if not n["ignored"] and n.get("name", {}).get("value")
    ]
    assert ("group", "Video from Films") in spoken
    assert ("button", "Show this one") in spoken
    assert ("button", "Always allow Films") in spoken
    assert ("link", "Open at video.localhost instead") in spoken
    active = "(d=>d.activeElement.localName==='iframe'?d.activeElement.contentDocument.activeElement.textContent:d.activeElement.id)(document)"
    await page.call("Page.bringToFront")
    await page.run(
        "document.querySelector('iframe').before(document.getElementById('first'));document.getElementById('first').focus()"
    )

    async def press(key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            await page.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                **({"text": text} if text and kind == "keyDown" else {}),
            )  # fmt: skip

    await press("Tab", 9)
    assert await page.run(active) == "Show this one"
    await press("Tab", 9)
    assert await page.run(active) == "Always allow Films"
    assert scene.lab.site.hits["keys"] == 0
    await page.run("document.querySelector('iframe').contentDocument.querySelector('[data-samtykke-load]').focus()")
    await press("Enter", 13, "\r")
    assert await scene.lab.site.hit("keys", seconds=CEILING)
    assert await page.run("document.activeElement.localName") == "iframe"
    assert page.errors == []


async def test_always_allow_is_a_choice_of_that_vendor(scene: Scene) -> None:
    page = await scene.open("always", f"<script>{MADE['src']}</script>")
    await until(page, INSIDE)
    await page.run(f"{INSIDE}.querySelector('form button').click()")
    assert await scene.lab.site.hit("always", seconds=CEILING)
    await until(page, "document.cookie.includes('samtykke_purposes=')")
    rows = [row async for row in scene.log.export()]
    saved = [row for row in rows if row.event == "save" and row.path == "/always"]
    assert [row.vendors["films"] for row in saved] == [True]
    await page.open(f"{scene.origin}/always")
    assert await scene.lab.site.hit("always", seconds=CEILING)
    assert await page.run("document.querySelector('iframe').hasAttribute('data-samtykke')") is False


SPY = """
<script>
window.heard=[];
for (const type of ['click','submit','input','change','keydown','pointerdown','mousedown','focusin'])
  for (const target of [window,document,document.documentElement])
    target.addEventListener(type,(e)=>{if(e.target.closest&&e.target.closest('#samtykke-root,.samtykke-placeholder')){heard.push(type);e.preventDefault()}},true);
const send=HTMLFormElement.prototype.submit; HTMLFormElement.prototype.submit=function(){heard.push('sent');return send.call(this)};
const own=window.fetch; window.fetch=(...a)=>{if(/samtykke/.test(a[0]))heard.push('fetched');return own(...a)};
document.addEventListener('DOMContentLoaded',()=>{for(const f of document.querySelectorAll('form'))f.addEventListener('submit',(e)=>{heard.push('own');e.preventDefault()})});
</script>
"""


async def test_no_script_of_the_pages_hears_or_takes_over_a_choice(scene: Scene) -> None:
    """Trackers that watch forms stop a submission to send theirs first, and record what was pressed."""
    page = await scene.open("spied", "<p>x</p>", head=SPY)
    await page.call("Page.bringToFront")
    x, y = await page.run(
        "(r=>[r.x+r.width/2,r.y+r.height/2])(document.getElementById('samtykke-reject').getBoundingClientRect())"
    )
    for kind in ("mousePressed", "mouseReleased"):
        await page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    await until(page, "document.cookie.includes('samtykke_purposes=')")
    await until(page, "!document.getElementById('samtykke-banner')")
    assert await page.run("window.heard") == []
    await page.run("samtykke.open()")
    await until(page, "document.getElementById('samtykke-dialog').open")
    await page.run("document.querySelector('#samtykke-dialog input[type=checkbox]').click()")
    await page.run("document.querySelector('#samtykke-dialog button[value=save]').click()")
    await until(page, "!document.getElementById('samtykke-dialog').open")
    assert await page.run("window.heard") == []
    assert page.errors == []


async def test_one_vendors_answer_outlives_a_reload_of_a_page_that_all_share(scene: Scene) -> None:
    frame = '<iframe width=400 height=250 src="%V%"></iframe>'
    page = await scene.open("everybody", frame, by=scene.shared)
    await until(page, INSIDE)
    await until(page, "document.getElementById('samtykke-banner')")
    await page.run(f"{INSIDE}.querySelector('form button').click()")
    assert await scene.lab.site.hit("everybody", seconds=CEILING)
    scene.lab.site.hits.clear()
    await page.open(await page.run("location.href"))
    assert await scene.lab.site.hit("everybody", seconds=CEILING)
    assert await page.run("samtykke.granted('marketing')") is False
    assert page.errors == []


IMPORT = "<script>import(V.replace('video.','ads.').replace('film.html','x.mjs')).then(()=>window.came='in',()=>window.came='out')</script>"


async def test_an_import_by_script_is_held_by_the_policy_alone(scene: Scene) -> None:
    """No script can be told of it: what the policy names loads before a choice, unless the operator wants none of it."""
    page = await scene.open("import_strict", IMPORT, by=scene.strict)
    await until(page, "window.came")
    assert await page.run("window.came") == "out"
    assert scene.lab.site.hits["import_strict"] == 0
    await page.run("document.getElementById('samtykke-reject').click()")
    await until(page, "document.cookie.includes('samtykke_purposes=')")
    await page.open(f"{scene.origin}{scene.serve('import_refused', IMPORT)}")
    await until(page, "window.came")
    assert await page.run("window.came") == "out"
    assert scene.lab.site.hits["import_refused"] == 0


async def test_with_the_strict_policy_an_accept_loads_the_page_anew(scene: Scene) -> None:
    page = await scene.open(
        "anew", "<script>const s=document.createElement('script');s.src=V.replace('video.','ads.').replace('film.html','x.js');root.append(s)</script>",
        by=scene.strict,
    )  # fmt: skip
    await page.run("window.first=1")
    await page.run("document.getElementById('samtykke-accept').click()")
    assert await scene.lab.site.hit("anew", seconds=CEILING)
    await until(page, "document.readyState==='complete' && !window.first")
    assert scene.lab.site.hits["anew"] == 1


async def test_accepting_brings_the_frame_back(scene: Scene) -> None:
    page = await scene.open("accepted", f"<script>{MADE['src']}</script>")
    await until(page, INSIDE)
    await page.run("document.getElementById('samtykke-accept').click()")
    assert await scene.lab.site.hit("accepted", seconds=CEILING)


QUIET = {
    "pixel": "const e=document.createElement('iframe');e.src=V;e.width=1;e.height=1;root.append(e)",
    "hidden": "const e=document.createElement('iframe');e.src=V;e.style.display='none';root.append(e)",
    "small_by_css": "const e=document.createElement('iframe');e.src=V;e.className='small';root.append(e)",
    "tracker_frame": "const e=document.createElement('iframe');e.src=V.replace('video.','ads.');root.append(e)",
}


@pytest.mark.parametrize("name", QUIET)
async def test_a_frame_that_nobody_sees_and_a_trackers_frame_get_none(name: str, scene: Scene) -> None:
    """A second frame, which gets its placeholder, says when the first would have had its own."""
    style = "<style>.small{width:1px;height:1px;border:0}</style>"
    page = await scene.open(name, f"{style}<script>{QUIET[name]};{{{MADE['src']}}}</script>")
    second = INSIDE.replace("document.querySelector('iframe')", "document.querySelectorAll('iframe')[1]")
    await until(page, second)
    assert await page.run(INSIDE) is None
    assert await page.run(BEFORE) is None
    assert scene.lab.site.hits[name] == 0


@pytest.mark.parametrize("kind", ["sandbox", "object"])
async def test_where_a_frames_document_is_closed_it_stands_before_the_element(kind: str, scene: Scene) -> None:
    made = {
        "sandbox": "const e=document.createElement('iframe');e.sandbox='allow-scripts';e.src=V;e.width=400;root.append(e)",
        "object": "const e=document.createElement('object');e.data=V;e.width=400;e.height=200;root.append(e)",
    }[kind]
    page = await scene.open(kind, f"<script>{made}</script>")
    await until(page, BEFORE)
    assert await page.run("root.lastElementChild.hidden") is True
    assert scene.lab.site.hits[kind] == 0
    await press(page, BEFORE)
    assert await scene.lab.site.hit(kind, seconds=CEILING)
    assert await page.run(BEFORE) is None
    assert await page.run("root.lastElementChild.hidden") is False


async def test_a_strict_policy_of_the_sites_does_not_hide_it(scene: Scene) -> None:
    policy = "default-src 'none'; script-src 'nonce-n0nce'; style-src 'nonce-n0nce'; frame-src *; require-trusted-types-for 'script'; trusted-types t"
    url = "const t=trustedTypes.createPolicy('t',{createScriptURL:u=>u,createHTML:u=>u});"
    page = await scene.open(
        "strict", f"<script nonce=n0nce>{url}const root=document.getElementById('root'),V='%V%'.replace('&amp;','&');{MADE['src']}</script>",
        headers={"Content-Security-Policy": policy},
    )  # fmt: skip
    await until(page, INSIDE)
    await until(page, "document.querySelector('iframe').contentDocument.querySelector('link').sheet")
    await press(page, INSIDE)
    assert await scene.lab.site.hit("strict", seconds=CEILING)


async def test_markup_of_the_sites_stays_as_it_was_written(scene: Scene) -> None:
    """A framework compares what it expects with what is there: no element of ours may stand among the page's own."""
    seen = "<script>window.seen=[...document.querySelectorAll('main *')].map(e=>e.localName).join()</script>"
    page = await scene.open(
        "kept", f'<main><p>a</p><iframe width=400 height=250 src="%V%"></iframe><p>b</p></main>{seen}'
    )
    assert await page.run("window.seen") == "p,iframe,p"
    await until(page, INSIDE)
    assert scene.lab.site.hits["kept"] == 0


async def test_without_script_the_written_one_stands_in_the_page(scene: Scene) -> None:
    scene.serve("plain", '<iframe width=400 height=250 src="%V%"></iframe>')
    page = await scene.lab.browser.page()
    scene.lab.tabs.append(page)
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    await page.open(scene.origin + "/plain")
    shown = f"(e=>e && e.getBoundingClientRect().height>100)({BEFORE}.querySelector('.s-holder'))"
    assert await page.run(shown) is True
    assert scene.lab.site.hits["plain"] == 0

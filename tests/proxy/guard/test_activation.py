"""What was held comes back in document order, once, as it was meant; what is withdrawn is cleared."""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from guard_rules import GuardRules

from policies.purpose import ACCEPT, Consent
from proxy.guard import guard_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACCEPT_ALL = "samtykke.activate({purposes:['preferences','statistics','marketing']})"
STATISTICS = "samtykke.activate({purposes:['statistics']})"
HELD = 'data-samtykke="statistics" data-samtykke-vendor="tracker"'


def note(text: str) -> str:
    return f"(window.order||=[]).push('{text}')"


def held_script(text: str = "", more: str = "", src: str = "") -> str:
    """A script as the proxy's rewriter leaves it."""
    src = f' data-samtykke-src="{src}"' if src else ""
    return f'<script type="text/plain" {HELD}{src} {more}>{text}</script>'


async def serve_scripts(lab: Any, *names: str) -> None:
    for name in names:
        lab.site.pages[f"/s/{name}.js"] = ({"Content-Type": "text/javascript"}, note(name).encode())


async def test_scripts_run_in_document_order_once_with_defer_and_module_last(lab: Any) -> None:
    await serve_scripts(lab, "one", "two", "deferred", "module", "quick")
    body = (
        held_script(note("inline 1"))
        + held_script(src="/s/one.js")
        + held_script(note("inline 2"))
        + held_script(src="/s/deferred.js", more="defer")
        + held_script(src="/s/module.js", more='data-samtykke-type="module"')
        + held_script(note("inline module"), 'data-samtykke-type="module"')
        + held_script(src="/s/two.js")
        + held_script(note("inline 3"))
        + f'<noscript><img src="{lab.site.tracker}/t/noscript/x.gif"></noscript>'
    )
    _, page = await lab.open(body)
    assert await page.run("window.order") is None
    await page.run(ACCEPT_ALL)
    expected = ["inline 1", "one", "inline 2", "two", "inline 3", "deferred", "module", "inline module"]
    assert await page.run("window.order") == expected
    await page.run(ACCEPT_ALL)
    await asyncio.sleep(0.1)
    assert await page.run("window.order") == expected
    assert lab.site.hits["noscript"] == 0
    assert page.errors == []


async def test_async_scripts_hold_nobody_up(lab: Any) -> None:
    await serve_scripts(lab, "slow")
    body = held_script(src=f"{lab.site.tracker}/t/x/x.js", more="async") + held_script(note("inline"))
    _, page = await lab.open(body)
    await page.run(ACCEPT_ALL)
    assert await page.run("window.order") == ["inline"]


async def test_a_failing_script_holds_nobody_up(lab: Any) -> None:
    _, page = await lab.open(held_script(src="/missing.js") + held_script(note("after")))
    await page.run(ACCEPT_ALL)
    assert await page.run("window.order") == ["after"]


async def test_partial_consent_brings_back_just_that_part(lab: Any) -> None:
    name, page = await lab.open(
        "<script>for(const src of ['%T%x.js','%ADS%y.js','http://tags.localhost:1/z.js','http://stranger.localhost/w.js'])"
        "{const e=document.createElement('script');e.src=src;document.body.append(e)}</script>"
        + '<img data-samtykke="marketing" data-samtykke-vendor="ads" data-samtykke-src="%ADS%y.gif">'
        + f'<img {HELD} data-samtykke-src="%T%x.gif">'
    )
    await page.run(STATISTICS)
    assert await lab.site.hit(name, seconds=60, times=2)
    await asyncio.sleep(0.3)
    assert lab.site.hits[name] == 2
    still = "[...document.querySelectorAll('[data-samtykke]')].map(e=>e.getAttribute('data-samtykke'))"
    assert await page.run(still) == ["marketing", "unknown", "marketing"]


async def test_tag_manager_loads_once_anything_is_agreed_to(lab: Any) -> None:
    _, page = await lab.open("", consent=Consent.of(["preferences"]))
    script = "(()=>{const e=document.createElement('script');e.src='http://tags.localhost:1/x.js';return e.hasAttribute('src')})()"
    assert await page.run(script) is True


async def test_one_vendor_alone_comes_back(lab: Any) -> None:
    name, page = await lab.open(
        f'<img {HELD} data-samtykke-src="%T%x.gif"><img data-samtykke="marketing" data-samtykke-src="%ADS%x.gif">'
    )
    await page.run("samtykke.activate({purposes:[],vendors:{tracker:true}})")
    assert await lab.site.hit(name, seconds=60)
    await asyncio.sleep(0.2)
    assert lab.site.hits[name] == 1


PLACEHOLDER = (
    '<div class="samtykke-placeholder"><button data-samtykke-load>Load</button></div>'
    f'<iframe hidden {HELD} data-samtykke-src="%T%x.html" title="video"></iframe>'
)


async def test_placeholder_loads_this_one_alone(lab: Any) -> None:
    name, page = await lab.open(PLACEHOLDER + PLACEHOLDER)
    await page.run("document.querySelector('[data-samtykke-load]').click()")
    assert await lab.site.hit(name, seconds=60)
    await asyncio.sleep(0.1)
    assert lab.site.hits[name] == 1
    assert await page.run("document.querySelectorAll('.samtykke-placeholder').length") == 1
    assert await page.run("document.querySelector('iframe').hidden") is False
    assert await page.run("samtykke.granted('statistics')") is False


async def test_frames_come_back_and_placeholders_go(lab: Any) -> None:
    name, page = await lab.open(PLACEHOLDER)
    await page.run(STATISTICS)
    assert await lab.site.hit(name, seconds=60)
    assert await page.run("document.querySelector('.samtykke-placeholder')") is None


async def test_a_page_that_all_share_runs_what_its_visitor_has_granted(lab: Any) -> None:
    """It is always blocked and says nothing of anybody; who has chosen is asked for, who has not is not."""
    body = held_script(note("ran"))
    name, url = lab.serve(body)
    tags = lab.guard.shared_tags(nonce=None, consent_mode="strip")
    lab.site.pages[f"/{name}"] = ({}, b"<!DOCTYPE html><head>" + tags + b"</head><body>" + body.encode())
    answers = b'{"purposes":[],"vendors":{"tracker":true}}'
    lab.site.pages["/.samtykke/preferences"] = ({"Content-Type": "application/json"}, answers)
    page = await lab.browser.page()
    lab.tabs.append(page)
    await page.open(url)
    assert await page.run("window.order") is None
    await page.call("Network.setCookie", name="samtykke_purposes", value="", url=lab.site.shop)
    await page.open(url)
    await page.until("window.order")
    assert await page.run("window.order") == ["ran"]
    assert await page.run("samtykke.granted('statistics')") is False
    del lab.site.pages["/.samtykke/preferences"]


async def test_calls_made_before_the_snippet_ran_are_not_lost(lab: Any) -> None:
    snippet = "window.trk=function(){(window.order||=[]).push([].slice.call(arguments).join())};trk('start')"
    _, page = await lab.open(held_script(snippet) + "<button onclick=\"trk('click',1)\">b</button>")
    await page.run("document.querySelector('button').click()")
    assert page.errors == []
    await page.run(ACCEPT_ALL)
    assert await page.run("window.order") == ["start", "click,1"]


SNIPPETS = {
    "gtag": (
        "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',1);gtag('config','G-1')",
        "gtag('event','early')",
        "dataLayer.map(e=>[...e]).filter(e=>e[0]!=='consent')",
        [["js", 1], ["config", "G-1"], ["event", "early"]],
    ),
    "fbq": (
        "!function(f){if(f.fbq)return;var n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):n.queue.push(arguments)};"
        "if(!f._fbq)f._fbq=n;n.queue=[]}(window);fbq('init','1')",
        "fbq('track','Early')",
        "fbq.queue.map(e=>[...e])",
        [["init", "1"], ["track", "Early"]],
    ),
    "_paq": (
        "var _paq=window._paq=window._paq||[];_paq.push(['setSiteId','1'])",
        "_paq.push(['trackEvent','early'])",
        "_paq",
        [["trackEvent", "early"], ["setSiteId", "1"]],
    ),
}
"""Tag -> its makers' snippet, what the page calls before, what the tag then finds and in which order."""


@pytest.mark.parametrize("tag", SNIPPETS)
async def test_what_a_page_tells_a_known_tag_too_early_is_not_lost(tag: str, lab: Any) -> None:
    snippet, call, queue, expected = SNIPPETS[tag]
    signs = [
        ["gtag('config'", "statistics", "tracker"],
        ["fbq('init'", "statistics", "tracker"],
        ["_paq.push", "statistics", "tracker"],
    ]
    guard = guard_of(GuardRules(inline=signs))
    _, page = await lab.open(f'{held_script(snippet)}<button onclick="{call}">b</button>', guard=guard)
    await page.run("document.querySelector('button').click()")
    assert page.errors == []
    await page.run(ACCEPT_ALL)
    assert await page.run(queue) == expected
    assert page.errors == []


async def test_a_consent_framework_of_the_sites_own_is_left_working(lab: Any) -> None:
    """TCF: its stub answers, frames find it by its locator, and none is made where there was none."""
    stub = (
        "<script>(function(){const q=[];const add=()=>{const f=document.createElement('iframe');f.style.cssText='display:none';"
        "f.name='__tcfapiLocator';document.body?document.body.appendChild(f):setTimeout(add,5)};add();"
        "window.__tcfapi=(c,v,cb,...a)=>c==='ping'?cb({cmpLoaded:false,cmpStatus:'stub'},true):q.push([c,v,cb,...a]);window.waiting=q;"
        "addEventListener('message',(e)=>{const m=e.data&&e.data.__tcfapiCall;if(m)__tcfapi(m.command,m.version,(r,s)=>"
        "e.source.postMessage({__tcfapiReturn:{returnValue:r,success:s,callId:m.callId}},'*'))})})()</script>"
    )
    asking = (
        "<iframe srcdoc=\"<script>parent.postMessage({__tcfapiCall:{command:'ping',version:2,callId:7}},'*');"
        "addEventListener('message',(e)=>parent.answered=e.data.__tcfapiReturn)</script>\"></iframe>"
    )
    _, page = await lab.open(stub + asking)
    await page.until("window.answered")
    assert await page.run("answered") == {
        "returnValue": {"cmpLoaded": False, "cmpStatus": "stub"},
        "success": True,
        "callId": 7,
    }
    await page.run("__tcfapi('getTCData',2,()=>0)")
    assert await page.run("waiting[0][0]") == "getTCData"
    assert await page.run("frames.__tcfapiLocator !== undefined")
    assert page.errors == []
    _, page = await lab.open("")
    assert await page.run("typeof __tcfapi") == "undefined"


async def test_a_bundled_snippet_finds_its_name_free(lab: Any) -> None:
    _, page = await lab.open("<script>window.found=typeof trk; window.trk||(window.trk=()=>7)</script>")
    assert await page.run("[window.found, trk()]") == ["undefined", 7]


async def test_revived_scripts_may_expect_a_loading_page(lab: Any) -> None:
    late = (
        f"document.addEventListener('DOMContentLoaded',()=>{note('ready')});addEventListener('load',()=>{note('load')});"
        "document.write('<b id=written>w</b>')"
    )
    _, page = await lab.open("<p>kept</p>" + held_script(late))
    await page.run(ACCEPT_ALL)
    await page.until("window.order?.includes('load')")
    assert await page.run("window.order") == ["ready", "load"]
    assert (
        await page.run("document.querySelector('p').textContent + document.getElementById('written').textContent")
        == "keptw"
    )


async def test_consent_mode_says_all_seven_before_and_after(lab: Any) -> None:
    _, page = await lab.open("")
    seven = {
        "ad_storage": "denied", "ad_user_data": "denied", "ad_personalization": "denied", "analytics_storage": "denied",
        "functionality_storage": "denied", "personalization_storage": "denied", "security_storage": "granted",
    }  # fmt: skip
    said = "dataLayer.map(each=>[...each])"
    assert await page.run(said) == [["consent", "default", {**seven, "wait_for_update": 500}]]
    await page.run(STATISTICS)
    assert (await page.run(said))[1] == ["consent", "update", {**seven, "analytics_storage": "granted"}]


async def test_signals_mode_lets_tags_load_that_read_consent_mode(lab: Any) -> None:
    script = (
        "(()=>{const e=document.createElement('script');e.src='https://www.googletagmanager.com/gtag/js';"
        "return e.hasAttribute('src')})()"
    )
    _, page = await lab.open("")
    assert await page.run(script) is False
    _, page = await lab.open("", mode="signals")
    assert await page.run(script) is True


async def test_change_is_told_once(lab: Any) -> None:
    _, page = await lab.open(
        "<script>window.heard=[];samtykke.onChange(s=>heard.push(s.purposes));"
        "document.addEventListener('samtykke:change',e=>heard.push(e.detail.purposes))</script>"
    )
    await page.run(STATISTICS)
    assert await page.run("heard") == [["statistics"], ["statistics"]]
    assert await page.run("[samtykke.granted('statistics'),samtykke.granted('marketing')]") == [True, False]


async def test_withdrawal_clears_what_is_stored_and_reloads(lab: Any) -> None:
    _, page = await lab.open(
        "<script>if(!sessionStorage.seen){sessionStorage.seen=1;document.cookie='_trk=1;path=/';document.cookie='cart=1';"
        "localStorage.setItem('trk_id','1');localStorage.setItem('cart','1')}</script>", consent=ACCEPT
    )  # fmt: skip
    assert await page.run("document.cookie.includes('_trk')") is True
    page.loaded.clear()
    await page.run("void samtykke.activate({purposes:[]})")
    await asyncio.wait_for(page.loaded.wait(), 60)
    assert await page.run("document.cookie") == "cart=1"
    assert await page.run("Object.keys(localStorage)") == ["cart"]


async def test_a_page_after_a_choice_clears_what_is_left_and_an_undecided_one_does_not(lab: Any) -> None:
    _, bare = lab.serve("", bare=True)
    _, url = lab.serve("")
    page = await lab.browser.page()
    lab.tabs.append(page)
    await page.open(bare)
    await page.run("for(const c of ['_trk=1','_trk_a=1;domain=shop.localhost','cart=1'])document.cookie=c+';path=/'")
    await page.open(url)
    assert "_trk=1" in await page.run("document.cookie")
    await page.run("document.cookie='samtykke_purposes=;path=/'")
    await page.open(url)
    await page.until("!document.cookie.includes('_trk')")
    assert await page.run("document.cookie") == "cart=1; samtykke_purposes="


async def test_withdrawal_reaches_other_tabs(lab: Any) -> None:
    _, url = lab.serve("", consent=ACCEPT)
    page = await lab.browser.page()
    other = await lab.browser.sibling(page)
    lab.tabs += [page, other]
    await page.open(url)
    await other.open(url)
    other.loaded.clear()
    await page.run("void samtykke.activate({purposes:[]})")
    await asyncio.wait_for(other.loaded.wait(), 60)


async def test_accept_reaches_other_tabs_in_place(lab: Any) -> None:
    _, url = lab.serve(held_script(note("ran")))
    page = await lab.browser.page()
    other = await lab.browser.sibling(page)
    lab.tabs += [page, other]
    await page.open(url)
    await other.open(url)
    await page.run(ACCEPT_ALL)
    await other.until("window.order")
    assert await other.run("window.order") == ["ran"]


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_a_page_restored_from_the_back_forward_cache_notices_a_withdrawal(withdrawn: bool, lab: Any) -> None:
    _, url = lab.serve("", consent=Consent.of(["statistics"]))
    _, elsewhere = lab.serve("", bare=True)
    page = await lab.browser.page()
    lab.tabs.append(page)
    await page.call("Network.setCookie", name="samtykke_purposes", value="statistics", url=lab.site.shop)
    await page.open(url)
    await page.run("window.kept=1")
    await page.open(elsewhere)
    if withdrawn:
        await page.call("Network.deleteCookies", name="samtykke_purposes", url=lab.site.shop)
    await page.run("history.back()")
    await page.until(f"location.href==={url!r} && " + ("!window.kept" if withdrawn else "window.kept"))
    await asyncio.sleep(0.7)
    assert await page.run("[location.href, window.kept]") == [url, None if withdrawn else 1]


async def test_a_violation_of_what_was_just_agreed_to_reloads(lab: Any) -> None:
    _, page = await lab.open(
        f'<img {HELD} data-samtykke-src="%T%x.gif">', headers={"Content-Security-Policy": "img-src 'self'"}
    )
    page.loaded.clear()
    await page.run("void " + ACCEPT_ALL)
    await asyncio.wait_for(page.loaded.wait(), 60)

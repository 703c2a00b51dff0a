"""A page that asks nothing forbidden cannot tell that the guard is there, and a hostile one cannot break it."""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from policies.purpose import ACCEPT

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENDS = "new Image().src='%T%x.gif';fetch('%T%y').catch(()=>0);document.body.innerHTML+='<img src=%T%z.gif>'"

SHAPES = """
JSON.stringify([
  [Node.prototype,'appendChild'],[Element.prototype,'setAttribute'],[Element.prototype,'append'],[Document.prototype,'write'],
  [window,'fetch'],[XMLHttpRequest.prototype,'open'],[Navigator.prototype,'sendBeacon'],[Storage.prototype,'setItem'],
  [window,'WebSocket'],[window,'Worker'],[window,'FontFace'],[Function.prototype,'toString'],[CSSStyleSheet.prototype,'insertRule'],
].map(([owner,name])=>{const d=Object.getOwnPropertyDescriptor(owner,name),f=d.value;
  return [name,f.name,f.length,''+f,!!f.prototype,d.writable,d.enumerable,d.configurable]}).concat([
  [Document.prototype,'cookie'],[HTMLImageElement.prototype,'src'],[Element.prototype,'innerHTML'],[HTMLIFrameElement.prototype,'contentWindow'],
].map(([owner,name])=>{const d=Object.getOwnPropertyDescriptor(owner,name);
  return [name,d.get.name,''+d.get,d.set&&d.set.name,''+d.set,d.enumerable,d.configurable]})))
"""


async def test_names_lengths_and_text_of_functions_are_the_natives(lab: Any) -> None:
    _, bare = await lab.open("", bare=True)
    native = await bare.run(SHAPES)
    _, page = await lab.open("")
    assert await page.run(SHAPES) == native


HOSTILE = {
    "loaded twice": "",
    "frozen prototypes": "for(const n of ['Element','Node','Document','HTMLImageElement','Storage'])Object.freeze(window[n].prototype)",
    "broken built-ins": "String.prototype.matchAll=Map.prototype.get=()=>{throw 1};window.URL=null;window.setTimeout=null",
    "overridden fetch": "const f=window.fetch;window.fetch=(...a)=>f(...a);window.XMLHttpRequest=class{}",
    "own cookie": "Object.defineProperty(document,'cookie',{get:()=>'',set(){},configurable:true})",
    "odd arguments": (
        "for(const each of [()=>document.body.append(null,undefined,1),()=>document.body.setAttribute(Symbol.iterator,1),"
        "()=>document.body.appendChild(null),()=>new Image().src,()=>fetch(),()=>new WebSocket(),()=>document.write()])"
        "try{const p=each();p&&p.catch&&p.catch(()=>0)}catch(e){}"
    ),
    "own base": "document.head.append(Object.assign(document.createElement('base'),{href:'http://shop.localhost.example/'}))",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_nothing_leaves_a_page_that_is(name: str, lab: Any) -> None:
    times = 2 if name == "loaded twice" else 1
    bare_folder, bare = await lab.open(f"<script>{HOSTILE[name]}</script><script>{SENDS}</script>", bare=True)
    assert await lab.site.hit(bare_folder, seconds=60)
    assert bare
    folder, page = await lab.open(f"<script>{HOSTILE[name]}</script><script>{SENDS}</script>", times=times)
    await asyncio.sleep(0.2)
    assert lab.site.hits[folder] == 0
    assert page.errors == [] or name == "broken built-ins"


async def test_errors_of_the_natives_are_still_thrown(lab: Any) -> None:
    _, page = await lab.open("")
    calls = [
        "document.body.appendChild(null)",
        "document.body.setAttribute('a b','c')",
        "new WebSocket()",
        "new Worker()",
    ]
    for call in calls:
        assert await page.run(f"(()=>{{try{{{call}}}catch(e){{return e.name}}}})()") in {
            "TypeError",
            "InvalidCharacterError",
        }


async def test_strict_csp_with_a_nonce_is_enough_for_the_guard(lab: Any) -> None:
    policy = "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; img-src *; connect-src *; require-trusted-types-for 'script'; trusted-types samtykke"
    held = '<script type="text/plain" nonce="abc" data-samtykke="statistics" data-samtykke-vendor="tracker" data-samtykke-src="%T%x.js"></script>'
    folder, page = await lab.open(held, nonce="abc", headers={"Content-Security-Policy": policy})
    assert await page.run("typeof samtykke.granted") == "function"
    assert lab.site.hits[folder] == 0
    await page.run("samtykke.activate({purposes:['statistics']})")
    assert await lab.site.hit(folder, seconds=60)
    assert page.errors == []


async def test_consent_given_changes_nothing(lab: Any) -> None:
    script = (
        "const d=document.createElement('div');d.innerHTML='<img src=%T%x.gif alt=a><p>b';document.body.append(d);"
        "window.html=d.outerHTML"
    )
    folder, page = await lab.open(f"<script>{script}</script>", consent=ACCEPT)
    assert await lab.site.hit(folder, seconds=60)
    assert "data-samtykke" not in await page.run("window.html")

"""Each refused call ends as the opening comment of guard.js says, and no page sees an exception it cannot expect."""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEARD = """new Promise(done=>{const heard=[];const hear=e=>heard.push(e.type);%s;const until=performance.now()+60000;
const look=()=>{const found=%s;JSON.stringify(found)===%s||performance.now()>until?done(found):setTimeout(look,50)};
setTimeout(look,300)})"""
"""The answer, once it has had time to become too much and is as expected, or has not become so in a minute."""
XHR = (
    "const x=new XMLHttpRequest();for(const t of ['readystatechange','load','error','loadend'])x.addEventListener(t,hear);"
    "x.open('GET','%T%x');x.send()"
)

CASES: dict[str, tuple[str, str, object]] = {
    "fetch": ("fetch('%T%x').catch(e=>heard.push(e.name,e instanceof TypeError))", "heard", ["TypeError", True]),
    "xhr": (XHR, "[heard,x.readyState,x.status]", [["readystatechange", "readystatechange", "error", "loadend"], 4, 0]),
    "xhr again": (XHR + ";x.open('GET','/')", "x.readyState", 1),
    "beacon": ("heard.push(navigator.sendBeacon('%T%x'))", "heard", [True]),
    "socket": (
        "const s=new WebSocket('%T%x'.replace('http','ws'));s.onerror=hear;s.addEventListener('close',e=>heard.push(e.code));"
        "s.send('a');s.close()",
        "[heard,s.readyState,s instanceof WebSocket,s.constructor===WebSocket]",
        [["error", 1006], 3, True, True],
    ),
    "event source": ("const s=new EventSource('%T%x');s.onerror=hear", "[heard,s.readyState]", [["error"], 2]),
    "worker": ("const s=new Worker('/collect/x.js');s.onerror=hear;s.postMessage(1);s.terminate()", "heard", ["error"]),
    "shared worker": ("const s=new SharedWorker('/collect/x.js');s.onerror=hear;s.port.start()", "heard", ["error"]),
    "service worker": ("navigator.serviceWorker.register('/collect/x.js').catch(e=>heard.push(e.name))", "heard", ["TypeError"]),
    "script": (
        "const e=document.createElement('script');e.src='%T%x.js';e.onerror=hear;document.body.append(e)",
        "[heard,e.src,e.getAttribute('data-samtykke'),e.getAttribute('data-samtykke-vendor'),e.type]",
        [["error"], "%T%x.js", "statistics", "tracker", "text/plain"],
    ),
    "script, listened to late": (
        "const e=document.createElement('script');e.src='%T%x.js';"
        "setTimeout(()=>{e.onerror=hear;document.body.append(e)},50)", "heard", ["error"],
    ),
    "image": ("const e=new Image();e.src='%T%x.gif';e.onerror=hear", "[heard,e.src]", [["error"], "%T%x.gif"]),
    "frame": ("const e=document.createElement('iframe');e.src='%T%x.html';e.onload=hear;document.body.append(e)", "heard", ["load"]),
    "style sheet": (
        "const e=document.createElement('link');e.rel='stylesheet';e.href='%T%x.css';e.onerror=hear;document.head.append(e)",
        "heard", ["error"],
    ),
    "replaced source": (
        "const e=new Image();e.src='%T%x.gif';e.src='/collect-not.gif';document.body.append(e)",
        "[e.getAttribute('src'),e.hasAttribute('data-samtykke'),e.hasAttribute('data-samtykke-src')]",
        ["/collect-not.gif", False, False],
    ),
    "unknown script": (
        "const e=document.createElement('script');e.src='http://stranger.localhost/x.js';e.onerror=hear;document.body.append(e)",
        "[heard,e.getAttribute('data-samtykke')]", [["error"], "unknown"],
    ),
    "unknown image": (
        "const e=new Image();e.src='http://stranger.localhost:1/x.gif'", "e.hasAttribute('src')", True,
    ),
    "known payment frame": (
        "const e=document.createElement('iframe');e.src='http://bank.localhost:1/x'", "e.hasAttribute('src')", True,
    ),
    "form": ("const e=document.createElement('form');e.action='%T%pay'", "e.action", "%T%pay"),
    "link": ("const e=document.createElement('a');e.href='%T%page'", "e.href", "%T%page"),
    "markup": (
        "document.body.innerHTML='<p title=\"1>2\">a</p><!-- <img> --><textarea><b></textarea>'", "document.body.innerHTML",
        '<p title="1&gt;2">a</p><!-- <img> --><textarea>&lt;b&gt;</textarea>',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_refused_call_ends_quietly(name: str, lab: Any) -> None:
    script, answer, expected = CASES[name]
    _, page = await lab.open("")
    base = f"{lab.site.tracker}/t/never/"
    wanted = json.dumps(json.dumps(expected, separators=(",", ":")))
    asked = HEARD.replace("%s", script, 1).replace("%s", answer, 1).replace("%s", wanted, 1)
    found = await page.run(asked.replace("%T%", base))
    assert str(found) == str(expected).replace("%T%", base)
    assert page.errors == []
    assert lab.site.hits["never"] == 0


async def test_sync_request_throws_what_a_bad_line_throws(lab: Any) -> None:
    _, page = await lab.open("")
    script = "(()=>{const x=new XMLHttpRequest();x.open('GET','%T%x',false);try{x.send()}catch(e){return e.name}})()"
    assert await page.run(script.replace("%T%", lab.site.tracker + "/")) == "NetworkError"

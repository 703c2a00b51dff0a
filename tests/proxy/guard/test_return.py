"""Every form in which the rewriter of documents neutralises something comes back in a browser, once it is agreed to."""

# ruff: noqa: E501  # a page's markup reads best on one line
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from policies.purpose import Purpose
from policies.verdict import Verdict
from proxy.html.rewriting import Page, rewrite

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORMS = {
    "script": '<script src="%T%x.js"></script>',
    "script_inline": "<script>/* trk( */new Image().src='%T%x.gif'</script>",
    "script_module": '<script type="module" src="%T%x.mjs"></script>',
    "script_svg": '<svg><script href="%T%x.js"/></svg>',
    "script_svg_inline": "<svg><script>/* trk( */new Image().src='%T%x.gif'</script></svg>",
    "import_map": '<script type="importmap">{"imports":{"held":"%T%x.mjs"}}</script><script>/* trk( */import("held")</script>',
    "image": '<IMG ALT="a > b" SRC = "%T%x.gif?a=1&amp;b=2">',
    "image_candidates": '<img src="/none.gif" srcset="%T%x.gif 1x">',
    "picture": '<picture><source srcset="%T%x.gif"><img></picture>',
    "image_svg": '<svg width=9 height=9><image xlink:href="%T%x.gif" width=9 height=9 /></svg>',
    "image_svg_set": '<svg width=9 height=9><image width=9 height=9><set attributeName="href" to="%T%x.gif"/></image></svg>',
    "use_svg": '<svg width=9 height=9><image href="%T%x.gif" width=9 height=9 /></svg>',
    "input": '<input type=image src="%T%x.gif">',
    "frame": '<iframe src="%T%x.html"></iframe>',
    "frame_srcdoc": '<iframe srcdoc="<p>x</p><img src=&quot;%T%x.gif&quot;>"></iframe>',
    "frame_srcdoc_script": '<iframe srcdoc="<script src=&quot;%T%x.js&quot;></script>"></iframe>',
    "object": '<object data="%T%x.html"></object>',
    "embed": '<embed src="%T%x.html">',
    "video": '<video src="%T%x.mp4"></video>',
    "poster": '<video poster="%T%x.gif"></video>',
    "audio": '<audio preload=auto src="%T%x.mp3"></audio>',
    "background": '<table background="%T%x.gif"><td>x</table>',
    "sheet": '<link rel=stylesheet href="%T%x.css">',
    "preload": '<link rel=preload as=image href="%T%x.gif">',
    "style_attribute": "<p style='color:red;background:URL( \"%T%x.gif\" )'>x</p>",
    "style_attribute_bare": '<p style="background:url(%T%x.gif)">x</p>',
    "style_element": "<style media=all>#e1{background:url(%T%x.gif)}</style><p id=e1>x</p>",
    "style_import": '<style>@import "%T%x.css";/* url(%T%c.gif) */</style>',
    "style_odd": "<style>#e2{background:u\\72l(%T%x\\(1\\)\\ \\\"\\'.gif)}</style><p id=e2>x</p>",
    "style_quoted": '<style>#e3{background:image-set("%T%x(\'1\').gif" 1x)}</style><p id=e3>x</p>',
    "style_font": "<style>@font-face{font-family:held;src:url(%T%x.woff2)}#e4{font-family:held}</style><p id=e4>x</p>",
    "style_svg": "<svg><style>#e5{background:url(%T%x.gif)}</style></svg><p id=e5>x</p>",
    "style_svg_reference": "<svg><style>#e6{background:url(%T%x.gif?a&amp;b)}</style></svg><p id=e6>x</p>",
    "style_written": '<style>@import "data:text/css,p{background:url(%T%x.gif)}";</style>',
    "frame_written": '<iframe src="data:text/html,<img src=%T%x.gif>"></iframe>',
    "script_import": "<script type=module>import '%T%x.mjs'</script>",
    "column": '<table><colgroup><col background="%T%x.gif"><td>x</table>',
    "template": '<template id=t1><img src="%T%x.gif"></template><p id=p1></p>',
}  # fmt: skip
"""Name -> markup as the site writes it. `%T%` is the tracker's folder for the form."""
MIXED = (
    "<style>#m1{background:url(%T%x.gif)}#m2{background:url(%ADS%x.gif)}</style><p id=m1>a</p><p id=m2>b</p>"
    '<svg width=9 height=9><rect width=9 height=9 fill="url(%T%x.svg#a)" mask="url(%T%x.svg#a)" stroke="red"/></svg>'
)


class Judge:
    def load(self, url: str, _kind: str) -> Verdict:
        for host, vendor, purpose in (
            ("tracker.localhost", "tracker", Purpose.STATISTICS),
            ("ads.localhost", "ads", Purpose.MARKETING),
        ):
            if urlsplit(url).hostname == host:
                return Verdict("block", "the test says so", host, vendor, purpose)
        return Verdict("allow", "the test says so")

    def inline(self, text: str) -> Verdict:
        if "trk(" in text:
            return Verdict("block", "the test says so", "trk(", "tracker", Purpose.STATISTICS)
        return Verdict("allow", "the test says so")


def rewritten(lab: Any, markup: str, folder: str) -> str:
    placed = markup.replace("%T%", f"{lab.site.tracker}/t/{folder}/")
    placed = placed.replace("%ADS%", f"{lab.site.tracker.replace('tracker.', 'ads.')}/t/{folder}/")
    out = rewrite(f"<body>{placed}".encode(), Page(f"{lab.site.shop}/page", "shop.localhost"), Judge())
    return out.decode().removeprefix("<body>")


@dataclass(frozen=True)
class Seen:
    before: frozenset[str]
    after: frozenset[str]
    left: list[str]
    urls: tuple[str, ...]
    errors: tuple[str, ...]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seen(whole_lab: Any) -> AsyncIterator[Seen]:
    """All forms on one page, before and after everything was agreed to."""
    lab = whole_lab
    body = "".join(f"<div>{rewritten(lab, markup, f'r_{name}')}</div>" for name, markup in FORMS.items())
    _, page = await lab.open(body)
    await asyncio.sleep(0.3)
    before = frozenset(name for name in FORMS if lab.site.hits[f"r_{name}"])
    await page.run("samtykke.activate({purposes:['preferences','statistics','marketing']})")
    await page.run("void document.getElementById('p1').append(document.getElementById('t1').content.cloneNode(true))")
    for name in FORMS:
        await lab.site.hit(f"r_{name}", seconds=60)
    after = frozenset(name for name in FORMS if lab.site.hits[f"r_{name}"])
    left = await page.run("[...document.querySelectorAll('[data-samtykke]')].map(e=>e.outerHTML.slice(0,200))")
    yield Seen(before, after, left, tuple(lab.site.urls), tuple(page.errors))


@pytest.mark.parametrize("name", FORMS)
async def test_form_is_held_then_comes_back(name: str, seen: Seen) -> None:
    assert name not in seen.before
    assert name in seen.after


async def test_nothing_is_left_behind_and_nothing_is_thrown(seen: Seen) -> None:
    assert seen.left == []
    assert seen.errors == ()


async def test_addresses_come_back_as_they_were_written(seen: Seen) -> None:
    odd = next(url for url in seen.urls if "/t/r_style_odd/" in url)
    assert odd.endswith("/x(1)%20%22'.gif")
    quoted = next(url for url in seen.urls if "/t/r_style_quoted/" in url)
    assert quoted.endswith("/x('1').gif")
    assert next(url for url in seen.urls if "/t/r_image/" in url).endswith("/x.gif?a=1&b=2")


async def test_a_sheet_of_two_purposes_comes_back_when_both_are_agreed_to(lab: Any) -> None:
    body = rewritten(lab, MIXED, "r_mixed")
    assert body.count("about:invalid#samtykke=") == 2
    _, page = await lab.open(body)
    await page.run("samtykke.activate({purposes:['statistics']})")
    fill = "document.querySelector('rect').getAttribute('fill')"
    await page.until(f"{fill}.includes('x.svg#a')")
    assert await page.run("document.querySelector('rect').outerHTML.includes('samtykke')") is False
    assert "about:invalid" in await page.run("document.querySelector('style').textContent")
    await page.run("samtykke.activate({purposes:['preferences','statistics','marketing']})")
    await page.until("!document.querySelector('style').textContent.includes('about:')")
    async with asyncio.timeout(60):
        while sum("/t/r_mixed/x.gif" in url for url in lab.site.urls) < 2:  # noqa: ASYNC110  the page is another process
            await asyncio.sleep(0.03)
    await asyncio.sleep(0.3)
    assert sum("/t/r_mixed/x.gif" in url for url in lab.site.urls) == 2


async def test_scripts_of_every_form_return_in_document_order(lab: Any) -> None:
    names = ["one", "two", "three", "four"]
    for name in names:
        lab.site.pages[f"/o/{name}.js"] = (
            {"Content-Type": "text/javascript"}, f"(window.order||=[]).push('{name}')".encode())  # fmt: skip

    class ByPath(Judge):
        def load(self, url: str, _kind: str) -> Verdict:
            held = urlsplit(url).path.startswith("/o/")
            return super().load("http://tracker.localhost/" if held else url, _kind)

    markup = (
        '<script src="/o/one.js"></script><svg><script href="/o/two.js"/></svg><script>/* trk( */order.push("inline")</script>'
        '<svg><script>/* trk( */order.push("drawn")</script></svg><script src="/o/three.js"></script><script defer src="/o/four.js"></script>'
    )
    page_of = Page(f"{lab.site.shop}/page", "shop.localhost")
    _, page = await lab.open(rewrite(f"<body>{markup}".encode(), page_of, ByPath()).decode())
    assert await page.run("window.order") is None
    await page.run("samtykke.activate({purposes:['statistics']})")
    await page.until("window.order?.length >= 6")
    assert await page.run("window.order") == ["one", "two", "inline", "drawn", "three", "four"]

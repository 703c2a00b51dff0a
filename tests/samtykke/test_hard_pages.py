"""Pages that rewriting could break: hydration, navigation without loading, strict policies, late writing.

Each page is first opened without the proxy, where it must work and reach the tracker; then through it, where it must
work as well without a new console error and reach nobody; then accepted.
"""

# ruff: noqa: E501  # a page's markup reads best on one line
from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from guard_page import BODIES, ChromiumPages, Page, launch_pages
from guests import MODULES, install
from loopback import LoopbackServer

from policies.drafting import draft_policy
from proxy.app import Proxy
from samtykke.config import load_config
from samtykke.serving import running_proxy
from samtykke.wiring import catalogue, policy_folder
from scanner.crawl import scan
from scanner.settings import ScanSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUILD = """
import {build} from 'vite'; import vue from '@vitejs/plugin-vue'; import {svelte} from '@sveltejs/vite-plugin-svelte';
import {writeFileSync} from 'node:fs'; import {pathToFileURL} from 'node:url';
const root = process.argv[2];
for (const [name, plugins] of [['react', []], ['vue', [vue()]], ['svelte', [svelte({configFile: false})]]]) {
  const common = {configFile: false, root, logLevel: 'error', plugins, define: {'process.env.NODE_ENV': '"production"'}};
  await build({...common, build: {outDir: `out/${name}`, emptyOutDir: true, modulePreload: false,
    rollupOptions: {input: `${root}/${name}.client.js`, output: {entryFileNames: 'client.js'}}}});
  await build({...common, ssr: {noExternal: true}, build: {ssr: `${root}/${name}.server.js`, outDir: `out/${name}-server`,
    rollupOptions: {output: {entryFileNames: 'server.mjs'}}}});
  const {page} = await import(pathToFileURL(`${root}/out/${name}-server/server.mjs`));
  writeFileSync(`${root}/out/${name}/app.html`, await page());
}
"""
SOURCES = {
    "react.app.js": "import {createElement as h, useState} from 'react';"
    "export default function App() { const [n, set] = useState(0); return h('main', null, h('h1', null, 'Shop & more'),"
    "h('img', {src: 'TRACKER/app.gif', alt: ''}), h('iframe', {src: 'FILMS/film.html', title: 'A film', width: 400, height: 200}), h('p', null, 'below'), h('button', {onClick: () => set(n + 1)}, 'Count ', n)); }",
    "react.client.js": "import {createElement as h} from 'react'; import {hydrateRoot} from 'react-dom/client'; import App from './react.app.js';"
    "hydrateRoot(document.getElementById('app'), h(App), {onRecoverableError: (error) => console.error('hydration', error)}); window.hydrated = true;",
    "react.server.js": "import {createElement as h} from 'react'; import {renderToString} from 'react-dom/server'; import App from './react.app.js'; export const page = () => renderToString(h(App));",
    "App.vue": "<script setup>import {ref} from 'vue'; const n = ref(0)</script><template><main><h1>Shop &amp; more</h1><img :src=\"'TRACKER/app.gif'\" alt=\"\"><iframe :src=\"'FILMS/film.html'\" title=\"A film\" width=\"400\" height=\"200\"></iframe><p>below</p><button @click=\"n++\">Count {{ n }}</button></main></template>",
    "vue.client.js": "import {createSSRApp} from 'vue'; import App from './App.vue'; createSSRApp(App).mount('#app'); window.hydrated = true;",
    "vue.server.js": "import {createSSRApp} from 'vue'; import {renderToString} from 'vue/server-renderer'; import App from './App.vue'; export const page = () => renderToString(createSSRApp(App));",
    "App.svelte": "<script>let n = $state(0); const src = 'TRACKER/app.gif', film = 'FILMS/film.html'</script><main><h1>Shop &amp; more</h1><img {src} alt=\"\"><iframe src={film} title=\"A film\" width=\"400\" height=\"200\"></iframe><p>below</p><button onclick={() => n++}>Count {n}</button></main>",
    "svelte.client.js": "import {hydrate} from 'svelte'; import App from './App.svelte'; hydrate(App, {target: document.getElementById('app')}); window.hydrated = true;",
    "svelte.server.js": "import {render} from 'svelte/server'; import App from './App.svelte'; export const page = () => render(App).body;",
}  # fmt: skip
FRAMEWORKS = ("react", "vue", "svelte")


@cache
def built() -> dict[str, tuple[str, str]]:
    """Framework -> markup made on the server, script for the browser. Built once by vite."""
    install()
    with tempfile.TemporaryDirectory(dir=MODULES.parent / "node_modules", prefix=".hard-") as folder:
        for name, text in SOURCES.items():
            Path(folder, name).write_text(text)
        Path(folder, "build.mjs").write_text(BUILD)
        subprocess.run(["node", "build.mjs", folder], check=True, cwd=folder, capture_output=True, timeout=600)
        out = Path(folder, "out")
        return {n: ((out / n / "app.html").read_text(), (out / n / "client.js").read_text()) for n in FRAMEWORKS}


HEAD = '<!doctype html><html lang="en"><head><title>A shop</title><link rel="icon" href="data:,">'


@dataclass
class Shop:
    """The site: `hits` counts what reached the tracker by file name."""

    port: int = 0
    pages: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    proxy: Proxy | None = None

    @property
    def direct(self) -> str:
        return f"http://shop.localhost:{self.port}"

    @property
    def proxied(self) -> str:
        assert self.proxy is not None
        return f"http://shop.localhost:{self.proxy.address[1]}"

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.host.startswith("shop."):
            headers, text = self.pages.get(request.path, ({}, ""))
            for word, host in (("TRACKER", "tracker"), ("FILMS", "films")):
                text = text.replace(word, f"http://{host}.localhost:{self.port}")
            return web.Response(
                text=text, status=200 if text else 404, headers={"Content-Type": "text/html; charset=utf-8"} | headers
            )
        self.hits[request.path.removeprefix("/")] += 1
        kind, body = BODIES.get(request.path.rpartition(".")[2], ("text/plain", b""))
        return web.Response(body=body, headers={"Content-Type": kind, "Access-Control-Allow-Origin": "*"})


def fill(shop: Shop) -> None:
    script = {"Content-Type": "text/javascript"}
    for name, (markup, client) in built().items():
        shop.pages[f"/{name}"] = (
            {}, f'{HEAD}<script src="TRACKER/tag.js" async></script></head><body><div id="app">{markup}</div>'
            f'<script type="module" src="/{name}.js"></script></body></html>')  # fmt: skip
        shop.pages[f"/{name}.js"] = (script, client)
    turbo, htmx = MODULES / "@hotwired/turbo/dist/turbo.es2017-umd.js", MODULES / "htmx.org/dist/htmx.min.js"
    shop.pages["/turbo.js"], shop.pages["/htmx.js"] = (script, turbo.read_text()), (script, htmx.read_text())
    shop.pages["/turbo"] = (
        {},
        f'{HEAD}<script src="/turbo.js"></script></head><body><a id=go href="/next">next</a><p id=here>first</p>',
    )
    shop.pages["/next"] = (
        {}, f'{HEAD}<script src="/turbo.js"></script></head><body><p id=here>second</p><img src="TRACKER/next.gif"><script src="TRACKER/next.js"></script>')  # fmt: skip
    shop.pages["/htmx"] = (
        {},
        f'{HEAD}<script src="/htmx.js"></script></head><body><button id=go hx-get="/part" hx-target="#here" hx-swap="innerHTML">x</button><p id=here>first</p>',
    )
    shop.pages["/part"] = ({}, '<b>second</b><img src="TRACKER/part.gif"><script src="TRACKER/part.js"></script>')
    shop.pages["/strict"] = (
        {"Content-Security-Policy": "script-src 'nonce-n0nce' 'strict-dynamic'; object-src 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types shop"},
        f"{HEAD}</head><body><p id=here>x</p><script nonce=n0nce>const t=trustedTypes.createPolicy('shop',{{createScriptURL:(u)=>u}});"
        "const s=document.createElement('script');s.src=t.createScriptURL('TRACKER/strict.js');document.body.append(s);"
        "document.getElementById('here').textContent='second'</script>",
    )  # fmt: skip
    shop.pages["/written"] = (
        {}, f"{HEAD}</head><body><script>document.write('<scr'+'ipt src=\"TRACKER/ad.js\"></scr'+'ipt><img src=\"TRACKER/ad.gif\"><p id=here>second</p>')</script><p>after</p>")  # fmt: skip
    shop.pages["/elements"] = (
        {}, f"{HEAD}<script>customElements.define('amp-pixel',class extends HTMLElement{{connectedCallback(){{const i=new Image();i.src=this.getAttribute('src');this.append(i);document.getElementById('here').textContent='second'}}}})</script></head>"
        '<body><p id=here>x</p><amp-pixel src="TRACKER/amp.gif"></amp-pixel>')  # fmt: skip
    shop.pages["/outer"] = ({}, f'{HEAD}</head><body><p id=here>second</p><iframe src="/inner"></iframe>')
    shop.pages["/inner"] = (
        {},
        f'{HEAD}</head><body><img src="TRACKER/inner.gif"><script src="TRACKER/inner.js"></script>',
    )
    links = "".join(f'<a href="/{page}">{page}</a>' for page in (*FRAMEWORKS, "next", "written", "inner", "elements"))
    shop.pages["/"] = ({}, f'{HEAD}</head><body>{links}<script src="TRACKER/home.js"></script>')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Shop, ChromiumPages]]:
    shop = Shop()
    fill(shop)
    runner = web.ServerRunner(LoopbackServer(shop.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.port = runner.addresses[0][1]
    for name in FRAMEWORKS:
        assert "app.gif" in shop.pages[f"/{name}"][1]
        assert "film.html" in shop.pages[f"/{name}"][1]
    file = tmp_path_factory.mktemp("hard") / "samtykke.toml"
    file.write_text(
        f'[[site]]\nname = "shop"\nhosts = ["shop.localhost"]\nupstream = "http://127.0.0.1:{shop.port}"\n'
        '[proxy]\nlisten = "127.0.0.1:0"\naccess_log = false\n'
        '[[policy.override]]\nkind = "host"\nmatch = "tracker.localhost"\npurpose = "statistics"\n'
        '[[policy.override]]\nkind = "frame"\nmatch = "films.localhost"\npurpose = "marketing"\nplaceholder = "video"\n'
    )
    config = load_config(file)
    seen = await scan(
        ScanSettings(url=shop.direct + "/", max_pages=3), catalogue(), now=lambda: datetime.now(UTC)
    )  # fmt: skip
    draft = draft_policy(
        [seen], catalogue(), site="shop", hosts=["shop.localhost"], overrides=config.policy.override
    )  # fmt: skip
    policy_folder(config).publish(draft)
    try:
        async with running_proxy(config) as shop.proxy, launch_pages() as pages:
            yield shop, pages
    finally:
        await runner.cleanup()


HERE = "document.getElementById('here').textContent.trim()"


SHOWS = {
    **{
        f"/{name}": "[window.hydrated, document.querySelector('#app button').textContent.trim()]" for name in FRAMEWORKS
    },
    **dict.fromkeys(("/turbo", "/htmx"), f"[window.stayed, {HERE}]"),
}
"""What to look at, where it is more than one text."""


async def use(page: Page, path: str, wanted: object) -> object:
    """Do what a visitor does there; gives what the page shows in the end, which may take it a while."""
    if path[1:] in FRAMEWORKS:
        await page.run("document.querySelector('button').click()")
    elif path in SHOWS:
        await page.run("window.stayed = true; document.getElementById('go').click()")
    shows: object = None
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while (shows := await page.run(SHOWS.get(path, HERE))) != wanted:  # noqa: ASYNC110  seen from outside
                await asyncio.sleep(0.05)
    return shows


async def until_asked(shop: Shop, files: set[str]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not files <= set(shop.hits):  # noqa: ASYNC110  the server's handler sets no event
                await asyncio.sleep(0.05)
    assert set(shop.hits) == files


PATIENCE = 60.0
"""Seconds, for a machine that has other things to do."""
EXPECTED: dict[str, tuple[object, set[str]]] = {
    **{f"/{name}": ([True, "Count 1"], {"tag.js", "app.gif", "film.html"}) for name in FRAMEWORKS},
    "/turbo": ([True, "second"], {"next.gif", "next.js"}),
    "/htmx": ([True, "second"], {"part.gif", "part.js"}),
    "/strict": ("second", {"strict.js"}),
    "/written": ("second", {"ad.js", "ad.gif"}),
    "/elements": ("second", {"amp.gif"}),
    "/outer": ("second", {"inner.gif", "inner.js"}),
}
"""Path -> what the page shows after its use, what it asks of the tracker."""
EXPLAINED = (
    "document.querySelector('#app iframe').contentDocument.querySelector('.samtykke-placeholder [data-samtykke-load]')"
)
"""A frame with content inside a hydrated root: explained without an element among the framework's own."""


@pytest.mark.parametrize("path", EXPECTED)
async def test_a_hard_page_works_silently_and_comes_back(path: str, hard: tuple[Shop, ChromiumPages]) -> None:
    shop, pages = hard
    shows, asks = EXPECTED[path]
    tab = await pages.page()
    shop.hits.clear()
    await tab.open(shop.direct + path)
    assert await use(tab, path, shows) == shows
    await until_asked(shop, asks)
    errors = set(tab.errors)

    shop.hits.clear()
    tab.errors.clear()
    await tab.open(shop.proxied + path)
    assert await use(tab, path, shows) == shows
    await asyncio.sleep(0.3)
    assert dict(shop.hits) == {}
    assert set(tab.errors) == errors
    if path[1:] in FRAMEWORKS:
        async with asyncio.timeout(60):
            while not await tab.run(f"!!{EXPLAINED}"):  # noqa: ASYNC110  the page is another process
                await asyncio.sleep(0.05)
        assert await tab.run("document.querySelector('.samtykke-placeholder')") is None

    await tab.run("document.getElementById('samtykke-accept').click()")
    await until_asked(shop, asks)
    assert set(tab.errors) == errors
    await tab.close()

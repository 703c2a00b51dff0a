"""What works on the site itself and not behind the proxy is named: script errors, failed requests, absent trackers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from loopback import LoopbackServer

from samtykke.config import load_config
from samtykke.serving import running_proxy
from samtykke.wiring import site_rules
from scanner.prove import STATES, Cell, State, Task, prove
from scanner.settings import ScanSettings

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
ACCEPT = next(state for state in STATES if state.name == "accept")
REJECT = next(state for state in STATES if state.name == "reject")
KNOWN = (
    '[[policy.override]]\nkind = "host"\nmatch = "tracker.localhost"\npurpose = "statistics"\n'
    '[[policy.override]]\nkind = "cookie"\nmatch = "follows"\npurpose = "statistics"\n'
)
PAGE = """<!doctype html><html lang="en"><head><title>A shop</title><link rel="icon" href="data:,"></head><body>
<script>fetch('/always-missing'); fetch('/data'); fetch('/cut').catch(() => 0); oldBug()</script>SPECIAL"""
TRACKER = '<script src="http://tracker.localhost:%d/t.js"></script>'


async def proved(answer: Answering, state: State, folder: Path, *, known_to_proxy: bool = True) -> Cell:
    """The one page of this site in one state, judged by rules that know the tracker."""
    runner = web.ServerRunner(LoopbackServer(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    file = folder / "samtykke.toml"
    settings = (
        f'[[site]]\nname = "shop"\nhosts = ["shop.localhost"]\nupstream = "http://127.0.0.1:{port}"\n'
        '[proxy]\nlisten = "127.0.0.1:0"\naccess_log = false\n'
    )
    file.write_text(settings + KNOWN)
    config = load_config(file)
    rules = site_rules(config, config.one_site())
    if not known_to_proxy:
        file.write_text(settings)
        config = load_config(file)
    try:
        async with running_proxy(config) as proxy:
            url = f"http://shop.localhost:{proxy.address[1]}/"
            task = Task(ScanSettings(url=url), f"http://shop.localhost:{port}/", pages=1, states=(state,))
            proof = await prove(task, lambda _: rules, now=lambda: datetime.now(UTC))
    finally:
        await runner.cleanup()
    [cell] = proof.cells
    return cell


async def test_only_what_the_site_itself_does_not_show_is_broken(tmp_path: Path) -> None:
    """This site works worse for whoever comes through a proxy."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        proxied = "X-Forwarded-For" in request.headers
        if not request.host.startswith("shop."):
            return web.Response(text="window.loaded = true", content_type="text/javascript")
        match request.path:
            case "/":
                special = "<script>newBug()</script>" if proxied else TRACKER % request.url.port
                page = web.Response(text=PAGE.replace("SPECIAL", special), content_type="text/html")
                if not proxied:
                    page.headers["Set-Cookie"] = "_gid=1; Path=/; Max-Age=9999"
                return page
            case "/data":
                return web.json_response({}, status=500 if proxied else 200)
            case "/cut" if proxied:
                cut = web.StreamResponse(headers={"Content-Length": "100"})
                await cut.prepare(request)
                assert request.transport is not None
                request.transport.abort()
                return cut
            case "/cut":
                return web.Response(text="whole")
        return web.Response(status=404)

    cell = await proved(answer, ACCEPT, tmp_path)
    assert not cell.leaks
    said = "\n".join(cell.breakage)
    for words in (
        "newBug is not defined", "/data (answers 500)", "/cut (", "missing after accept: tracker.localhost",
        "missing after accept: cookie _gid",
    ):  # fmt: skip
        assert words in said
    assert "oldBug" not in said
    assert "always-missing" not in said


async def test_what_is_broken_once_is_looked_at_again_and_what_leaked_once_is_told(tmp_path: Path) -> None:
    """To the first browser that comes through a proxy this site sets a cookie that the proxy does not know, and it
    fails there."""
    visits = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal visits
        by_browser = {"X-Forwarded-For", "Sec-CH-UA"} <= request.headers.keys()
        visits += by_browser and request.path == "/"
        first = by_browser and visits == 1
        if request.path != "/":
            return web.Response(status=500 if first else 200)
        page = web.Response(text=PAGE.replace("SPECIAL", ""), content_type="text/html")
        if first:
            page.headers["Set-Cookie"] = "follows=1; Max-Age=9999"
        return page

    cell = await proved(answer, REJECT, tmp_path, known_to_proxy=False)
    assert visits == 2
    assert {leak.subject for leak in cell.leaks} == {"follows"}
    assert cell.breakage == ()

"""What goes wrong on the web: a page's failure is a reason in its visit, and the browser goes on. Real Chromium."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from site_server import Site

from scanner.browser import Browser, BrowserGone, BrowserSettings, CookieToSet, VisitPlan

pytestmark = pytest.mark.asyncio(loop_scope="module")


def give_up_after(seconds: float, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the visits that begin from now on."""
    monkeypatch.setattr(browser, "settings", browser.settings.model_copy(update={"ceiling_seconds": seconds}))


async def is_well(browser: Browser, site: Site) -> bool:
    """Does an ordinary page still work, with its cookie?"""
    visit = await browser.visit(site.page("well.localhost", "/", "<p>well</p>", Set_Cookie="ok=1"))
    return visit.page.error is None and [cookie.name for cookie in visit.cookies] == ["ok"]


@pytest.mark.parametrize(
    ("script", "cookie"),
    [
        ("alert(1); confirm(2); prompt(3);", True),
        ("addEventListener('beforeunload', (event) => event.preventDefault());", True),
        ("for (let i = 0; i < 30; i++) window.open('/popup' + i);", True),
        ("debugger;", True),
        ("setInterval(() => { location.hash = Math.random(); }, 30);", True),
        ("console.debug = null; JSON.stringify = null; Reflect.apply = null; Proxy = null;", True),
    ],
)
async def test_a_rude_page_is_still_observed(site: Site, browser: Browser, script: str, cookie: bool) -> None:
    code = f"<script>{script}</script><script>document.cookie = 'c=1'</script>"
    visit = await browser.visit(site.page("shop.localhost", "/", code))
    assert visit.page.error is None
    assert [each.name for each in visit.cookies] == ["c"]
    assert visit.cookies[0].set_by


@pytest.mark.parametrize(
    "write",
    [
        "document.cookie = 'beat=' + Date.now()",
        "localStorage.setItem('beat', Date.now())",
        "sessionStorage.beat = Date.now(); delete sessionStorage.beat",
        "indexedDB.open('beat')",
    ],
)
async def test_a_heartbeat_in_a_cookie_or_key_keeps_no_visit_waiting(site: Site, browser: Browser, write: str) -> None:
    visit = await browser.visit(
        site.page("shop.localhost", "/", f"<script>setInterval(() => {{ {write} }}, 50)</script>")
    )
    assert (visit.page.error, visit.notes) == (None, ())


async def test_a_script_that_never_ends_costs_the_page_not_the_scan(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_after(12.0, browser, monkeypatch)
    page = site.page("shop.localhost", "/", "<script>document.cookie = 'c=1'; for (;;);</script>")
    stuck, well = await asyncio.gather(browser.visit(page), is_well(browser, site))
    assert stuck.page.error is not None
    assert "script" in stuck.page.error
    assert [cookie.name for cookie in stuck.cookies] == ["c"]
    assert well


async def test_a_page_that_navigates_without_end_is_stopped(site: Site, browser: Browser) -> None:
    page = site.page(
        "shop.localhost", "/", "<script>setTimeout(() => { location.href = '/?' + Math.random(); }, 1)</script>"
    )
    visit = await browser.visit(page)
    assert "without end" in (visit.page.error or "")
    assert await is_well(browser, site)


async def test_a_page_that_moves_on_once_is_followed(site: Site, browser: Browser) -> None:
    end = site.page("other.localhost", "/end", "<title>End</title>", Set_Cookie="two=2")
    start = site.page(
        "shop.localhost", "/", f"<script>localStorage.a = 1; location.replace('{end}')</script>", Set_Cookie="one=1"
    )
    visit = await browser.visit(start)
    assert (visit.page.final_url, visit.page.title, visit.page.redirects) == (end, "End", (start,))
    assert {cookie.name: cookie.first_party for cookie in visit.cookies} == {"one": False, "two": True}
    assert [(key.origin, key.key) for key in visit.storage] == [(site.base(), "a")]


async def test_what_a_page_stores_as_it_is_left_is_found(site: Site, browser: Browser) -> None:
    end = site.page("other.localhost", "/end", "<title>End</title>")
    start = site.page(
        "shop.localhost",
        "/",
        f"<script>addEventListener('pagehide', () => {{ localStorage.hidden = 1; }}); location.replace('{end}');"
        "sessionStorage.s = 1; document.cookie = 'c=1'; localStorage.setItem('called', 1);</script>",
    )
    visit = await browser.visit(start)
    assert (visit.page.final_url, visit.page.redirects) == (end, (start,))
    stored = {(key.kind, key.origin, key.key): [setter.url for setter in key.set_by] for key in visit.storage}
    shop = site.base()
    assert stored == {
        ("local", shop, "called"): [start],
        ("session", shop, "s"): [start],
        ("local", shop, "hidden"): [start],
    }
    assert [(cookie.name, cookie.set_by[0].url) for cookie in visit.cookies] == [("c", start)]
    assert {request.path for request in site.asked} - {"/favicon.ico"} == {"/", "/end"}


@pytest.mark.parametrize("waiters", [1, 2])
async def test_who_waited_alone_for_a_pages_end_wrote_what_nobody_saw_written(
    site: Site, browser: Browser, waiters: int
) -> None:
    code = "addEventListener('pagehide', () => { document.cookie = 'last=1; max-age=3600'; localStorage.late = 1; });"
    tracker = site.script("tags.localhost", "/exit.js", code)
    other = site.script("tags.localhost", "/other.js", "document.onvisibilitychange = () => {}")
    end = site.page("other.localhost", "/end", "<title>End</title>")
    scripts = "".join(f"<script src={script}></script>" for script in (tracker, other)[:waiters])
    visit = await browser.visit(
        site.page("shop.localhost", "/", f"{scripts}<script>location.replace('{end}')</script>")
    )
    (cookie,) = visit.cookies
    (key,) = visit.storage
    blamed = [tracker] if waiters == 1 else []
    assert (cookie.name, cookie.state, [setter.url for setter in cookie.set_by]) == ("last", "stored", blamed)
    assert (key.key, [setter.url for setter in key.set_by]) == ("late", blamed)


async def test_what_a_removed_frame_of_another_site_stored_is_found(site: Site, browser: Browser) -> None:
    site.page("ads.localhost", "/frame", "<script>localStorage.x = 1</script>", Set_Cookie="third=1; SameSite=None")
    frame = "<iframe src='http://ads.localhost:%PORT%/frame' onload='this.remove()'></iframe>"
    page = site.page("shop.localhost", "/", f"{frame}<script>localStorage.own = 1</script>")
    visit = await browser.visit(page)
    assert visit.page.final_url == page
    assert sorted((key.origin, key.key) for key in visit.storage) == [
        (site.base("ads.localhost"), "x"),
        (site.base(), "own"),
    ]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://nowhere.test/", "does not resolve"),
        ("http://127.0.0.1:1/", "ERR_UNSAFE_PORT"),
        ("javascript:alert(1)", "not a web address"),
        ("data:text/html,hello", "not a web address"),
        ("http://[half", "not a web address"),
    ],
)
async def test_an_address_that_cannot_be_visited_says_why(browser: Browser, address: str, words: str) -> None:
    visit = await browser.visit(address)
    assert words in (visit.page.error or "")


async def test_tls_errors_downloads_endless_redirects_and_passwords_are_reasons(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def file(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1000, headers={"Content-Disposition": "attachment", "Set-Cookie": "dl=1"})

    async def turn(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/turn", "Set-Cookie": "turned=1"})

    async def locked(request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'}, text="no")

    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(120)
        return web.Response()

    download = await browser.visit(site.handle("shop.localhost", "/file", file))
    assert "download" in (download.page.error or "")
    assert [cookie.name for cookie in download.cookies] == ["dl"]
    redirects = await browser.visit(site.handle("shop.localhost", "/turn", turn))
    assert "redirects without end" in (redirects.page.error or "")
    assert [cookie.name for cookie in redirects.cookies] == ["turned"]
    password = await browser.visit(site.handle("shop.localhost", "/locked", locked))
    assert password.page.status == 401
    tls = await browser.visit(site.base().replace("http:", "https:") + "/")
    assert "TLS" in (tls.page.error or "")
    give_up_after(5.0, browser, monkeypatch)
    slow = await browser.visit(site.handle("shop.localhost", "/silent", silent))
    assert "no answer within" in (slow.page.error or "")


async def test_a_crashing_renderer_is_a_reason(site: Site, unhurried: Browser) -> None:
    page = site.page(
        "shop.localhost", "/", "<p>soon gone</p><script>setInterval(() => fetch('/x'), 100)</script>", Set_Cookie="c=1"
    )

    async def crash() -> None:
        while not site.to("shop.localhost", "/x"):  # noqa: ASYNC110  the server sets no event
            await asyncio.sleep(0.05)
        (stage,) = unhurried._stages.values()
        unhurried._connection.post("Page.crash", {}, stage.scene.main.id)  # type: ignore[union-attr]

    visit, _ = await asyncio.gather(unhurried.visit(page), crash())
    assert "crashed" in (visit.page.error or "")
    assert [cookie.name for cookie in visit.cookies] == ["c"]
    assert await is_well(unhurried, site)


async def test_addresses_that_are_not_allowed_are_never_requested(site: Site, browser: Browser) -> None:
    async def inward(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": secret})

    secret = site.put("internal.localhost", "/secret", "secret", "text/plain")
    redirect = site.handle("shop.localhost", "/go", inward)
    page = site.page(
        "shop.localhost",
        "/",
        f"<img src={secret}><img src={redirect}><iframe src={secret}></iframe><script>fetch('{secret}').catch(() => 0);"
        f"new Worker(URL.createObjectURL(new Blob([\"fetch('{secret}')\"])))</script>",
    )
    plan = VisitPlan(allow=lambda url: "internal." not in url)
    visit = await browser.visit(page, plan)
    assert visit.page.error is None
    assert site.to("internal.localhost", "/secret") == []
    refused = {request.url for request in visit.failed_requests if request.reason.startswith("refused")}
    assert refused == {secret}
    for start in (secret, redirect):
        assert "refused" in ((await browser.visit(start, plan)).page.error or "")
    assert site.to("internal.localhost", "/secret") == []


async def test_headers_and_privacy_signal_go_along_and_javascript_can_be_off(site: Site, browser: Browser) -> None:
    script = "<script>document.title = navigator.globalPrivacyControl</script>"
    page = site.page("shop.localhost", "/", f"<title>off</title>{script}<noscript><img src=/p></noscript>")
    told = await browser.visit(page, VisitPlan(gpc=True, headers=(("X-Asked", "yes"),), screenshot=True))
    first = site.to("shop.localhost", "/")[0].headers
    assert (first["Sec-GPC"], first["X-Asked"], told.page.title) == ("1", "yes", "true")
    assert (told.screenshot or b"").startswith(b"\x89PNG")
    silent = await browser.visit(page, VisitPlan(javascript=False))
    assert (silent.page.title, silent.notes) == ("off", ())
    assert len(site.to("shop.localhost", "/p")) == 1


async def test_a_failing_observer_costs_its_own_column_only(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scanner.browser.observers.storage import Storage

    monkeypatch.setattr(Storage, "event", lambda *_: 1 / 0)
    page = site.page("shop.localhost", "/", "<script>localStorage.a = 1; document.cookie = 'c=1'</script>")
    visit = await browser.visit(page)
    assert visit.storage == ()
    assert [cookie.name for cookie in visit.cookies] == ["c"]
    assert any(note.startswith("storage could not be observed") for note in visit.notes)


async def test_the_profile_is_gone_after_closing_and_a_dead_browser_says_so(settings: BrowserSettings) -> None:
    browser = await Browser.launch(settings)
    profile = browser.process.profile
    assert profile.exists()
    os.kill(browser.process.pid, signal.SIGKILL)
    await asyncio.wait_for(browser._connection.closed, 120)
    assert not browser.alive
    with pytest.raises(BrowserGone):
        await browser.visit("http://shop.localhost:9/")
    await browser.close()
    assert not profile.exists()


async def test_a_chromium_that_cannot_be_found_or_started_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no Chromium found: tried nothing-here"):
        await Browser.launch(BrowserSettings(executable="nothing-here"))
    broken = tmp_path / "chromium"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Chromium 1.2.3.4" || { echo "no display" >&2; exit 1; }\n'
    )
    broken.chmod(0o755)
    with pytest.raises(BrowserGone, match="no display"):
        await Browser.launch(BrowserSettings(executable=str(broken)))
    broken.write_text(broken.read_text().replace("no display", "FATAL: No usable sandbox! If this is a Debian system"))
    with pytest.raises(BrowserGone, match="seccomp=unconfined"):
        await Browser.launch(BrowserSettings(executable=str(broken)))


def alive(pid: int) -> bool:
    """A zombie waiting for its parent is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # ended before it was opened, or while it was read
        return False


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files of our own: whoever starts a browser clears up after killed ones in the usual one.
    Its path is short, as Chromium's sockets need it."""
    with tempfile.TemporaryDirectory(prefix="apart-", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


async def test_chromium_dies_with_us_even_after_kill_9(apart: Path, settings: BrowserSettings) -> None:
    def profiles() -> list[Path]:
        return list(apart.glob(f"samtykke-chromium-{scanner.pid}-*"))

    code = (
        "import asyncio; from scanner.browser import Browser, BrowserSettings\n"
        "settings = BrowserSettings(launch_seconds=120)\n"
        "async def main():\n"
        "    browser = await Browser.launch(settings); print(browser.process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())"
    )
    scanner = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert scanner.stdout is not None
    chromium = int(await scanner.stdout.readline())
    assert alive(chromium)
    scanner.kill()
    await scanner.communicate()
    for _ in range(1200):
        if not alive(chromium):
            break
        await asyncio.sleep(0.1)
    assert not alive(chromium)
    assert len(profiles()) == 1
    async with await Browser.launch(settings):
        assert profiles() == []


async def test_a_cookie_that_cannot_be_set_is_a_reason(site: Site, browser: Browser) -> None:
    page = site.page("shop.localhost", "/", "hello")
    visit = await browser.visit(page, VisitPlan(cookies=(CookieToSet("a", "1", "no address"),)))
    assert "the browser refused: Storage.setCookies" in (visit.page.error or "")
    assert await is_well(browser, site)

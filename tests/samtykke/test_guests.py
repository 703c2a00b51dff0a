"""The loop on real tracker libraries: seen to work unproxied, silent before consent, the right ones back after it.

One page holds them all, as a busy shop's does: as script elements, put in by another script, and bundled into the
site's own files. The matrix of every guest alone in every state is a soak test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from guard_page import ChromiumPages, Page, launch_pages
from guests import GUESTS, HEAD, IGNORE_CERTIFICATES, OVERRIDE, SITE, Guest, GuestSite, serve_guests

from policies.drafting import draft_policy
from proxy.app import Proxy
from samtykke.config import Config, load_config
from samtykke.serving import running_proxy
from samtykke.wiring import catalogue, policy_folder
from scanner.addresses import addresses_for, resolver_for
from scanner.browser import Browser, BrowserSettings, CommandFailed, CookieToSet, Visit, VisitPlan
from scanner.choice import choose
from scanner.crawl import scan
from scanner.fetch import Fetcher, Terms
from scanner.settings import ScanSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS = {"samtykke", "samtykke_purposes"}
DEEP = "/deep/er/page"
BY_HEADER = (
    "_gid=1; Path=/; HttpOnly; Max-Age=999999",
    f"_fbp=fb.1.1.1; Domain={SITE}; Path=/; HttpOnly; Max-Age=999999",
    f"_hjSessionUser_7=1; Domain={SITE}; Path=/deep/er; Max-Age=999999",
    "basket=3; Path=/; Max-Age=999999",
)
"""What the site's own server sets: for the host, for the domain, below a folder, readable by scripts or not."""
PATIENCE = 6
"""Visits, at most, until everything that should work has done so in one of them."""
REFUSE = "#samtykke-dialog [value=reject]"
ELEMENTS = [guest for guest in GUESTS if guest.way != "bundle"]


@dataclass
class Setting:
    """The site with its guests, a proxy in front, and browsers that can reach both."""

    site: GuestSite
    proxy: Proxy
    browser: Browser
    pages: ChromiumPages

    @property
    def proxied(self) -> str:
        return f"http://{SITE}:{self.proxy.address[1]}"

    async def parted(self) -> None:
        """Wait for what the page before sends as it is left, and forget what has come so far."""
        await asyncio.sleep(0.5)
        await self.site.quiet(1.0)
        self.site.hits.clear()

    async def look(
        self,
        origin: str,
        path: str,
        cookies: tuple[CookieToSet, ...] = (),
        *,
        javascript: bool = True,
        gpc: bool = False,
    ) -> Visit:
        await asyncio.sleep(0.2)  # what the page before sends as it is left
        await self.site.quiet()
        self.site.watched = origin
        self.site.hits.clear()
        visit = await self.browser.visit(origin + path, VisitPlan(cookies=cookies, javascript=javascript, gpc=gpc))
        await asyncio.sleep(0.1)
        self.site.watched = ""
        assert visit.page.status == 200, visit.page
        return visit

    async def working(
        self, origin: str, path: str, guests: Sequence[Guest], cookies: tuple[CookieToSet, ...] = ()
    ) -> Visit:
        """A visit in which all of these are seen to work; on a busy machine not every page waits for the slowest."""
        lacks: dict[str, list[str]] = {}
        for _ in range(PATIENCE):
            visit = await self.look(origin, path, cookies)
            lacks = {guest.name: gone for guest in guests if (gone := missing(guest, names(visit), self.site))}
            if not lacks:
                return visit
        raise AssertionError(lacks)

    async def choice(self, consent: str) -> tuple[CookieToSet, ...]:
        settings = ScanSettings(url=self.proxied + "/all")
        names = resolver_for(settings, None)
        async with Fetcher(settings, await addresses_for(settings, names), names) as fetcher:
            chosen = await choose(consent, settings.url, fetcher, Terms(), lambda: datetime.now(UTC).timestamp())
        return tuple(CookieToSet(name, value, self.proxied + "/") for name, value in chosen.cookies)


def configuration(folder: Path, port: int) -> Config:
    file = folder / "samtykke.toml"
    file.write_text(
        f'[[site]]\nname = "shop"\nhosts = ["{SITE}"]\nupstream = "http://127.0.0.1:{port}"\n'
        '[proxy]\nlisten = "127.0.0.1:0"\naccess_log = false\n'
        '[[policy.override]]\nkind = "cookie"\nmatch = "basket"\npurpose = "necessary"\n' + OVERRIDE
    )
    return load_config(file)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def setting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Setting]:
    async with serve_guests() as site:
        site.pages |= {DEEP: site.pages["/all"], "/": f'{HEAD}<a href="/all">all</a><a href="{DEEP}">deep</a>'}
        site.pages["/elements"] = HEAD + "".join(guest.markup for guest in ELEMENTS)
        site.cookies[DEEP] = BY_HEADER
        config = configuration(tmp_path_factory.mktemp("guests"), site.port)
        arguments = (f"--host-resolver-rules={site.rules}", IGNORE_CERTIFICATES)
        settings = ScanSettings(url=f"{site.origin}/", chromium_arguments=arguments)
        seen = await scan(settings, catalogue(), now=lambda: datetime.now(UTC))
        draft = draft_policy([seen], catalogue(), site="shop", hosts=[SITE], overrides=config.policy.override)
        policy_folder(config).publish(draft)
        browser = await Browser.launch(
            BrowserSettings(extra_arguments=arguments, ceiling_seconds=30, settle_seconds=1.0, launch_seconds=120)
        )
        async with browser, running_proxy(config) as proxy, launch_pages(site.rules, IGNORE_CERTIFICATES) as pages:
            yield Setting(site, proxy, browser, pages)


def names(visit: Visit) -> set[str]:
    return {cookie.name for cookie in visit.cookies if cookie.state == "stored"} | {key.key for key in visit.storage}


def missing(guest: Guest, stored: set[str], site: GuestSite) -> list[str]:
    """What there would be if this guest worked, and is not there."""
    wanted = (*guest.cookies, *guest.keys)
    lacks = [start for start in wanted if not any(name.startswith(start) for name in stored)]
    return lacks + ([] if site.heard(guest.sends) else [guest.sends])


def silent(guest: Guest, stored: set[str], site: GuestSite) -> bool:
    reached = {host for host, _ in site.hits} & {guest.sends, guest.host, guest.asks}
    return not reached and not any(name.startswith((*guest.cookies, *guest.keys)) for name in stored)


OF_A_LIBRARY = ("RS SDK", "Failed to fetch")
"""What bundled libraries themselves write to the console when their collector is out of reach, as on a bad line."""


def new_errors(visit: Visit, direct: Visit) -> set[str]:
    """What the console of the proxied page says that the site's own does not: of the page, not of a tracker."""
    new = set(visit.console_errors) - set(direct.console_errors)
    return {error for error in new if not any(words in error for words in OF_A_LIBRARY)}


def idle(page_errors: list[str]) -> list[str]:
    return [error for error in page_errors if not any(words in error for words in OF_A_LIBRARY)]


async def test_there_are_ten_and_they_come_by_every_way() -> None:
    assert len(GUESTS) >= 10
    assert {guest.way for guest in GUESTS} == {"tag", "late", "bundle"}


async def test_all_work_unproxied_none_before_consent_the_right_ones_after_it(setting: Setting) -> None:
    direct = await setting.working(setting.site.origin, "/all", GUESTS)

    for javascript in (True, False):
        before = await setting.look(setting.proxied, "/all", javascript=javascript)
        assert setting.site.hits == []
        assert names(before) == set()
        assert new_errors(before, direct) == set()

    for refusal in (await setting.choice("reject"), ()):
        refused = await setting.look(setting.proxied, "/all", refusal, gpc=not refusal)
        assert setting.site.hits == []
        assert names(refused) <= OURS
        assert new_errors(refused, direct) == set()

    for granted, wanted in (("statistics", {"statistics"}), ("marketing", {"marketing"}), ("preferences", set())):
        right = [guest for guest in GUESTS if guest.purpose in wanted]
        partly = await setting.working(setting.proxied, "/all", right, await setting.choice(granted))
        for guest in GUESTS:
            assert guest in right or silent(guest, names(partly), setting.site), (granted, guest.name)
        assert new_errors(partly, direct) == set(), granted

    back = await setting.working(setting.proxied, "/all", GUESTS, await setting.choice("accept"))
    assert new_errors(back, direct) == set()


async def until_stored(page: Page, guests: list[Guest], site: GuestSite) -> None:
    """Hits come before or after what is kept; in the end both are there."""
    lacks: dict[str, list[str]] = {"": []}
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            while lacks:
                with suppress(CommandFailed):  # the page reloads at this very moment
                    stored = set(await page.run(STORED))
                    lacks = {guest.name: gone for guest in guests if (gone := missing(guest, stored, site))}
                await asyncio.sleep(0.05)
    assert lacks == {}


STORED = """(async () => [
  ...document.cookie.split('; ').filter(Boolean).map((pair) => pair.split('=')[0]),
  ...Object.keys(localStorage), ...Object.keys(sessionStorage),
  ...(await indexedDB.databases()).map(({name}) => name)])()"""


async def jar(page: Page) -> set[str]:
    return {cookie["name"] for cookie in (await page.call("Network.getAllCookies"))["cookies"]}


async def until(done: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110  the server's handler sets no event
            await asyncio.sleep(0.05)


async def test_accept_brings_elements_back_in_place(setting: Setting) -> None:
    """What a snippet that failed for want of its library would have done is done, too."""
    site = setting.site
    await setting.parted()
    page = await setting.pages.page()
    await page.open(setting.proxied + "/elements")
    await asyncio.sleep(0.5)
    assert site.hits == []
    await page.run("window.stayed = true; document.getElementById('samtykke-accept').click()")
    await until_stored(page, ELEMENTS, site)
    assert await page.run("window.stayed") is True
    assert idle(page.errors) == []
    await page.close()


async def test_accept_brings_all_back_and_withdrawal_takes_everything_away(setting: Setting) -> None:
    """One visitor's life in one tab: nothing, accept on the banner, the next page, withdrawal."""
    site = setting.site
    await setting.parted()
    page = await setting.pages.page()
    await page.open(setting.proxied + DEEP)
    await asyncio.sleep(0.8)
    assert site.hits == []
    assert await page.run(STORED) == ["basket"]
    assert await jar(page) == {"basket"}

    await page.run("document.getElementById('samtykke-accept').click()")
    await until_stored(page, list(GUESTS), site)
    assert idle(page.errors) == []

    await page.open(setting.proxied + DEEP)
    await asyncio.sleep(0.5)
    assert {"_gid", "_fbp", "_hjSessionUser_7", "ajs_anonymous_id", "basket", *OURS} <= await jar(page)

    page.loaded.clear()
    await page.run(
        "const form = document.createElement('form'); form.method = 'post'; form.action = '/.samtykke/choice';"
        f"form.innerHTML = '<input name=action value=withdraw><input name=return value={DEEP}>';"
        "document.body.append(form); form.submit()"
    )
    await asyncio.wait_for(page.loaded.wait(), 60)
    await setting.parted()
    page.errors.clear()
    await page.open(setting.proxied + DEEP)
    await asyncio.sleep(0.8)
    assert site.hits == []
    assert set(await page.run(STORED)) <= {"basket", *OURS}
    assert await jar(page) <= {"basket", *OURS}
    assert idle(page.errors) == []
    await page.close()


async def test_withdrawal_in_the_settings_clears_at_once_and_tells_another_tab(setting: Setting) -> None:
    site = setting.site
    page = await setting.pages.page()
    other = await setting.pages.sibling(page)
    await page.open(setting.proxied + "/elements")
    site.hits.clear()
    await page.run("document.getElementById('samtykke-accept').click()")
    await until(lambda: all(site.heard(guest.sends) for guest in ELEMENTS))
    await other.open(setting.proxied + "/elements")
    await asyncio.sleep(0.3)
    other.loaded.clear()
    page.loaded.clear()
    await page.run("document.getElementById('samtykke-reopen').click()")
    for _ in range(600):
        if await page.run(f"!!document.querySelector('{REFUSE}')"):
            break
        await asyncio.sleep(0.05)
    await page.run(f"document.querySelector('{REFUSE}').click()")
    await asyncio.wait_for(page.loaded.wait(), 60)
    await asyncio.wait_for(other.loaded.wait(), 60)
    await setting.parted()
    for tab in (page, other):
        assert set(await tab.run(STORED)) <= {"basket", *OURS}
        await tab.open(setting.proxied + "/elements")
    await asyncio.sleep(0.6)
    assert site.hits == []
    for tab in (page, other):
        assert set(await tab.run(STORED)) <= {"basket", *OURS}
        assert await jar(tab) <= {"basket", *OURS}
        await tab.close()


@pytest.mark.soak
@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
async def test_every_guest_alone_in_every_state(guest: Guest, setting: Setting) -> None:
    path = f"/{guest.name}"
    direct = await setting.working(setting.site.origin, path, [guest])
    for state in ("undecided", "noscript", "gpc", "reject", "preferences", "statistics", "marketing", "accept"):
        cookies = () if state in {"undecided", "noscript", "gpc"} else await setting.choice(state)
        if state in {guest.purpose, "accept"}:
            visit = await setting.working(setting.proxied, path, [guest], cookies)
        else:
            terms = {"javascript": state != "noscript", "gpc": state == "gpc"}
            visit = await setting.look(setting.proxied, path, cookies, **terms)
            assert setting.site.hits == [], state
            assert names(visit) <= OURS, state
        assert new_errors(visit, direct) == set(), state

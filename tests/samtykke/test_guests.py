"""The loop on real tracker libraries: seen to work unproxied, silent before consent, back after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from guests import GUESTS, HEAD, IGNORE_CERTIFICATES, SITE, Guest, GuestSite, by_name, serve_guests

from policies.drafting import draft_policy
from proxy.app import Proxy
from samtykke.config import Config, load_config
from samtykke.serving import running_proxy
from samtykke.wiring import catalogue, policy_folder
from scanner.addresses import addresses_for, resolver_for
from scanner.browser import Browser, BrowserSettings, CookieToSet, Visit, VisitPlan
from scanner.choice import choose
from scanner.crawl import scan
from scanner.fetch import Fetcher, Terms
from scanner.settings import ScanSettings

LATE = by_name("mixpanel")
AT_RUN_TIME = f"""{HEAD}<script>
var late = document.createElement('script');
late.src = 'https://' + ['cdn', 'mxpnl', 'com'].join('.') + '/mixpanel.js';
late.onload = function () {{ {LATE.start} }};
document.body.appendChild(late);
</script><p>inserted at run time</p>"""
BUNDLED = f'{HEAD}<script src="/assets/app.js"></script><p>bundled into first-party code</p>'


@dataclass
class Setting:
    """The site with its guests, a proxy in front, and a browser that can reach both."""

    site: GuestSite
    proxy: Proxy
    browser: Browser

    @property
    def proxied(self) -> str:
        return f"http://{SITE}:{self.proxy.address[1]}"

    async def look(self, origin: str, path: str, cookies: tuple[CookieToSet, ...] = ()) -> Visit:
        await asyncio.sleep(0.2)  # what the page before sends as it is left
        self.site.hits.clear()
        visit = await self.browser.visit(origin + path, VisitPlan(cookies=cookies))
        await asyncio.sleep(0.1)
        assert visit.page.status == 200, visit.page
        return visit

    async def choice(self, consent: str) -> tuple[CookieToSet, ...]:
        settings = ScanSettings(url=self.proxied + "/posthog")
        names = resolver_for(settings, None)
        async with Fetcher(settings, await addresses_for(settings, names), names) as fetcher:
            chosen = await choose(consent, settings.url, fetcher, Terms(), lambda: datetime.now(UTC).timestamp())
        return tuple(CookieToSet(name, value, self.proxied + "/") for name, value in chosen.cookies)


def configuration(folder: Path, port: int) -> Config:
    file = folder / "samtykke.toml"
    file.write_text(
        f'[[site]]\nname = "shop"\nhosts = ["{SITE}"]\nupstream = "http://127.0.0.1:{port}"\n'
        '[proxy]\nlisten = "127.0.0.1:0"\naccess_log = false\n'
        '[[policy.override]]\nkind = "cookie"\nmatch = "basket"\npurpose = "preferences"\n'
    )
    return load_config(file)


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with serve_guests() as site:
        mixpanel = (Path(__file__).parents[1] / "guests" / "node_modules" / LATE.script).read_text()
        site.pages |= {"/late": AT_RUN_TIME, "/bundled": BUNDLED}
        site.scripts["/assets/app.js"] = f"{mixpanel}\n;{LATE.start};"
        links = "".join(f'<a href="{path}">{path}</a>' for path in list(site.pages))
        site.pages["/"] = f"{HEAD}{links}"
        config = configuration(tmp_path, site.port)
        arguments = (f"--host-resolver-rules={site.rules}", IGNORE_CERTIFICATES)
        settings = ScanSettings(url=f"{site.origin}/", chromium_arguments=arguments)
        seen = await scan(settings, catalogue(), now=lambda: datetime.now(UTC))
        policy_folder(config).publish(draft_policy([seen], catalogue(), site="shop", hosts=[SITE]))
        browser = await Browser.launch(BrowserSettings(extra_arguments=arguments))
        async with browser, running_proxy(config) as proxy:
            yield Setting(site, proxy, browser)


def names(visit: Visit) -> set[str]:
    return {cookie.name for cookie in visit.cookies if cookie.state == "stored"} | {key.key for key in visit.storage}


def works(guest: Guest, visit: Visit, site: GuestSite) -> bool:
    wanted = (*guest.cookies, *guest.keys)
    return site.heard(guest.sends) and all(any(name.startswith(start) for name in names(visit)) for start in wanted)


async def test_real_trackers_work_unproxied_are_silent_before_consent_and_return_after_it(setting: Setting) -> None:
    assert len(GUESTS) >= 4
    for guest in GUESTS:
        direct = await setting.look(setting.site.origin, f"/{guest.name}")
        assert works(guest, direct, setting.site), (guest.name, names(direct), setting.site.hits)

    for guest in GUESTS:
        before = await setting.look(setting.proxied, f"/{guest.name}")
        assert setting.site.hits == [], guest.name
        assert names(before) == set(), guest.name

    refused = await setting.choice("reject")
    for guest in GUESTS:
        after = await setting.look(setting.proxied, f"/{guest.name}", refused)
        assert setting.site.hits == [], guest.name
        assert names(after) <= {"samtykke", "samtykke_purposes"}, guest.name

    granted = await setting.choice("accept")
    for guest in GUESTS:
        back = await setting.look(setting.proxied, f"/{guest.name}", granted)
        assert works(guest, back, setting.site), (guest.name, names(back), setting.site.hits, back.console_errors)


@pytest.mark.parametrize("path", ["/late", "/bundled"])
async def test_what_a_page_does_at_run_time_is_held_by_the_guard(setting: Setting, path: str) -> None:
    direct = await setting.look(setting.site.origin, path)
    assert works(LATE, direct, setting.site), (names(direct), setting.site.hits)

    before = await setting.look(setting.proxied, path)
    assert not setting.site.heard(LATE.sends)
    assert names(before) == set()

    back = await setting.look(setting.proxied, path, await setting.choice("accept"))
    assert works(LATE, back, setting.site), (names(back), setting.site.hits, back.console_errors)

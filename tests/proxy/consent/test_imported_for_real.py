"""Klaro and vanilla-cookieconsent from npm, run in Chromium: the very cookies they write are read as decided."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from chromium_page import ChromiumPage, chromium
from consent_site import SHOP

from policies.purpose import CONSENTABLE, Purpose
from proxy.consent.imported import Import, cookies_of, found
from proxy.consent.settings import Tool

GUESTS = Path(__file__).parents[2] / "guests" / "node_modules"
LIFETIME = 180 * 86_400
PACKAGES = {
    "klaro": GUESTS / "klaro" / "dist" / "klaro-no-css.js",
    "vanilla-cookieconsent": GUESTS / "vanilla-cookieconsent" / "dist" / "cookieconsent.umd.js",
}
START = {
    "klaro": """window.klaroConfig = { elementID: 'k', storageMethod: 'cookie', mustConsent: false, lang: 'en',
      translations: { zz: { privacyPolicyUrl: '/p' } }, services: [
        { name: 'session', purposes: ['necessary'], required: true },
        { name: 'google-analytics', purposes: ['statistics'] }, { name: 'meta-pixel', purposes: ['marketing'] } ] };
      klaro.setup(klaroConfig);""",
    "vanilla-cookieconsent": """CookieConsent.run({ categories: { necessary: { enabled: true, readOnly: true },
      functionality: {}, analytics: {}, ads: {} }, language: { default: 'en', translations: { en: {
        consentModal: { title: 'Cookies', acceptAllBtn: 'Yes', acceptNecessaryBtn: 'No' },
        preferencesModal: { sections: [] } } } } });""",
}
DECIDE = {
    "klaro": "(() => { const m = klaro.getManager(klaroConfig); m.changeAll(%s); m.saveAndApplyConsents(); })()",
    "vanilla-cookieconsent": "CookieConsent.acceptCategory(%s ? 'all' : [])",
}


@pytest.fixture
async def page() -> AsyncIterator[ChromiumPage]:
    async with chromium() as opened:
        yield opened


async def cookies_after(page: ChromiumPage, tool: Tool, yes: bool | None) -> str:
    """What `document.cookie` holds after the tool was started and, unless `yes` is None, answered."""
    package = await asyncio.to_thread(PACKAGES[tool].read_text, encoding="utf-8")

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(text="<!doctype html><title>Shop</title><body>Wool", content_type="text/html")

    async with RawTestServer(answer) as server:
        await page.open(f"http://{tool}.localhost:{server.port}/")
        await page.run(package + ";0")
        await page.run(f"(() => {{ {START[tool]} }})()")
        if yes is not None:
            await page.run(DECIDE[tool] % str(yes).lower())
        return str(await page.run("document.cookie"))


def read(cookie: str, tool: Tool) -> Import | None:
    return found(cookies_of(cookie.encode()), (tool,), time.time(), LIFETIME)


@pytest.mark.parametrize("tool", PACKAGES)
async def test_a_banner_that_was_not_answered_has_left_no_decision(page: ChromiumPage, tool: Tool) -> None:
    assert read(await cookies_after(page, tool, None), tool) is None


async def test_klaros_own_cookie_is_read(page: ChromiumPage) -> None:
    for yes in (True, False):
        said = read(await cookies_after(page, "klaro", yes), "klaro")
        assert said is not None
        assert dict(said.services) == {"session": True, "google-analytics": yes, "meta-pixel": yes}
        assert (consent := said.consent(SHOP)) is not None
        assert consent.allows(Purpose.MARKETING, "meta-pixel") is yes


async def test_vanilla_cookieconsents_own_cookie_is_read_and_dated(page: ChromiumPage) -> None:
    for yes in (True, False):
        said = read(await cookies_after(page, "vanilla-cookieconsent", yes), "vanilla-cookieconsent")
        assert said is not None
        assert said.purposes == (set(CONSENTABLE) if yes else set())
        assert said.decided is not None

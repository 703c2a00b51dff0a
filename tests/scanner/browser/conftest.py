"""A real Chromium for the module and a fresh web on loopback for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from site_server import Site, serve_site

from scanner.browser import Browser, BrowserSettings


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with serve_site() as served:
        yield served


@pytest.fixture(scope="module")
def settings() -> BrowserSettings:
    """Loopback names only: nothing else resolves, so no test can reach a network."""
    rules = "MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    return BrowserSettings(host_resolver_rules=rules, ceiling_seconds=60.0, settle_seconds=0.3, launch_seconds=120.0)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser(settings: BrowserSettings) -> AsyncIterator[Browser]:
    async with await Browser.launch(settings) as running:
        yield running


@pytest.fixture
def unhurried(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The same browser, for pages that go on where nothing is seen of it: in a worker, a database, another process."""
    monkeypatch.setattr(browser, "settings", browser.settings.model_copy(update={"settle_seconds": 1.5}))
    return browser

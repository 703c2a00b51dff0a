"""One browser and one pair of servers for all tests of the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from guard_lab import Lab
from guard_page import launch_pages, serve_site
from guard_rules import GuardRules

from proxy.guard import guard_of


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_lab() -> AsyncIterator[Lab]:
    async with serve_site() as site, launch_pages() as browser:
        yield Lab(browser, site, guard_of(GuardRules()))


@pytest_asyncio.fixture(loop_scope="session")
async def lab(whole_lab: Lab) -> AsyncIterator[Lab]:
    """The lab, its tabs closed after each test."""
    yield whole_lab
    for tab in whole_lab.tabs:
        await tab.close()
    whole_lab.tabs.clear()

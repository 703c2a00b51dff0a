"""A shop with its consent desk, and a visitor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import RawTestServer
from consent_site import Shop, close_shop, open_shop
from desk_browser import Browser


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    opened = await open_shop(tmp_path)
    yield opened
    await close_shop(opened)


@pytest.fixture
async def browser(shop: Shop) -> AsyncIterator[Browser]:
    async with RawTestServer(shop.answer) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Browser(server, session)

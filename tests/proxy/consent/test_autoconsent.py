"""The npm package that presses banners for people drives ours by the rule we ship. What counts is cookie and log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import RawTestServer
from chromium_page import ChromiumPage, chromium
from consent_site import Shop, close_shop, open_shop

ROOT = Path(__file__).parents[3]
PACKAGE = (
    ROOT / "tests" / "guests" / "node_modules" / "@duckduckgo" / "autoconsent" / "dist" / "autoconsent.playwright.js"
)
RULE = ROOT / "docs" / "interop" / "autoconsent.json"

# The part of the extension's background page: it hands out config and rules, and evaluates what a rule asks for.
BACKGROUND = """(() => {
  window.heard = [];
  window.autoconsentSendMessage = async (message) => {
    heard.push(message);
    const answer = (reply) => setTimeout(() => autoconsentReceiveMessage(reply));
    if (message.type === 'init') answer({ type: 'initResp', rules: { autoconsent: [%(rule)s] }, config: {
      enabled: true, autoAction: '%(action)s', disabledCmps: [], enablePrehide: true, enableCosmeticRules: false,
      enableGeneratedRules: false, detectRetries: 20, isMainWorld: true, prehideTimeout: 2000,
      enableHeuristicDetection: false, heuristicMode: 'off', enablePopupMutationObserver: false, visualTest: false,
      logs: {}, performanceLoggingEnabled: false, heuristicPopupSearchTimeout: 100 } });
    if (message.type === 'eval') answer({ type: 'evalResp', id: message.id, result: false });
  };
})();"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    opened = await open_shop(tmp_path, clock=lambda: datetime.now(UTC))
    yield opened
    await close_shop(opened)


@pytest.fixture
async def page() -> AsyncIterator[ChromiumPage]:
    async with chromium() as opened:
        yield opened


@pytest.mark.parametrize(
    ("action", "event", "remembered"),
    [("optIn", "accept", "preferences.statistics.marketing"), ("optOut", "reject", "")],
)
async def test_autoconsent_answers_the_banner(
    shop: Shop, page: ChromiumPage, action: str, event: str, remembered: str
) -> None:
    rule = json.dumps(json.loads(await asyncio.to_thread(RULE.read_text)))
    package = await asyncio.to_thread(PACKAGE.read_text, encoding="utf-8")
    async with RawTestServer(shop.answer) as server:
        url = f"http://shop.localhost:{server.port}/"
        await page.open(url)
        await page.run(BACKGROUND % {"rule": rule, "action": action})
        await page.run(f"{package};0")
        await page.until("/samtykke_purposes=/.test(document.cookie)")
        await page.until("document.getElementById('samtykke-banner') === null")
        assert (await page.cookies(url))["samtykke_purposes"] == remembered
    await shop.desk.close()
    rows = [row async for row in shop.log.export()]
    assert [row.event for row in rows] == ["shown", event]

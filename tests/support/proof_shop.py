"""A shop of one page with a tracker next door, scanned and with its policy published: what a proof is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from aiohttp import web
from loopback import LoopbackServer

from policies.drafting import draft_policy
from samtykke.config import Config, load_config
from samtykke.wiring import catalogue, policy_folder
from scanner.crawl import scan
from scanner.settings import ScanSettings

Answering = Callable[[web.BaseRequest, int], web.Response]
"""Answers a request to the shop or the tracker, given the port they share."""


@asynccontextmanager
async def proof_shop(
    folder: Path, answering: Answering, *, mode: Literal["browser", "static"]
) -> AsyncIterator[tuple[int, Config]]:
    """The port of shop.localhost and tracker.localhost, and the proxy's config in `folder`; scanned in this mode."""
    port = 0

    async def answer(request: web.BaseRequest) -> web.Response:
        return answering(request, port)

    runner = web.ServerRunner(LoopbackServer(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    file = folder / "samtykke.toml"
    file.write_text(
        f'[[site]]\nname = "shop"\nhosts = ["shop.localhost"]\nupstream = "http://127.0.0.1:{port}"\n'
        '[proxy]\nlisten = "127.0.0.1:0"\naccess_log = false\n'
        '[[policy.override]]\nkind = "host"\nmatch = "tracker.localhost"\npurpose = "statistics"\n'
    )
    try:
        config = load_config(file)
        settings = ScanSettings(url=f"http://shop.localhost:{port}/", max_pages=1, mode=mode)
        seen = await scan(settings, catalogue(), now=lambda: datetime.now(UTC))
        overrides = config.policy.override
        draft = draft_policy([seen], catalogue(), site="shop", hosts=["shop.localhost"], overrides=overrides)
        policy_folder(config).publish(draft)
        yield port, config
    finally:
        await runner.cleanup()

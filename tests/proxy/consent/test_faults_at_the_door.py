"""Real faults, met as a visitor meets them: the whole proxy in its own process, a real site behind it, HTTP in front.

No acknowledged choice is lost, no accept is in force without its row, a reject is honoured, the site is served, and
the operator is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientError
from consent_proxy import Serving, serving
from postgres_server import running_postgres

from proxy.consent.log import ConsentLog, Row, verify
from runtime.keys import load_keys


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path) as running:
        yield running


async def kept(proxy: Serving, store: str = "") -> list[Row]:
    """Every row, read after the fact from the database; the chain must be whole."""
    keys = load_keys(proxy.folder / "samtykke.key")
    url = store or f"sqlite:///{proxy.folder}/consent.db"
    log = await ConsentLog.open(url, keys, checkpoints=proxy.folder / "checkpoints")
    rows = [row async for row in log.export()]
    await log.close()
    found = await verify(url, keys.public_keys, proxy.folder / "checkpoints")
    assert found.ok, found.first_bad
    return rows


async def still_serves_and_refuses(proxy: Serving, token: str) -> None:
    """What must hold whatever is wrong with the log."""
    status, page = await proxy.get("/", Accept="text/html")
    assert (status, "<h1>Wool</h1>" in page) == (200, True)
    status, answer, cookies = await proxy.choose("accept", token)
    assert (status, cookies) == (503, [])
    assert "cannot be recorded" in str(answer["error"])
    status, answer, cookies = await proxy.choose("reject", token)
    assert (status, answer["logged"]) == (200, False)
    assert any(line.startswith("samtykke_purposes=;") for line in cookies)
    status, health = await proxy.health()
    assert status == 503
    assert health["log"] != "ok"
    async with asyncio.timeout(60):  # the operator is told
        while not any("consent row not written" in line for line in proxy.said):  # noqa: ASYNC110  by another process
            await asyncio.sleep(0.05)


async def test_a_full_disk_takes_no_yes_honours_every_no_and_mends(proxy: Serving) -> None:
    token = await proxy.token()
    _, before, _ = await proxy.choose("accept", token)
    proxy.limit_files(4096)
    await still_serves_and_refuses(proxy, token)
    proxy.limit_files(-1)
    status, after, _ = await proxy.choose("accept", token)
    assert status == 200
    await proxy.stop()
    subjects = {row.subject for row in await kept(proxy) if row.event == "accept"}
    assert subjects == {before["subject"], after["subject"]}


async def test_a_stopped_database_server_takes_no_yes_honours_every_no_and_mends(tmp_path: Path) -> None:
    with running_postgres() as server:
        url = server.create_database("door")
        async with serving(tmp_path, url) as proxy:
            token = await proxy.token()
            _, before, _ = await proxy.choose("accept", token)
            await asyncio.to_thread(server.stop)
            await still_serves_and_refuses(proxy, token)
            await asyncio.to_thread(server.start)
            status, after, _ = await proxy.choose("accept", token)
            assert status == 200
            await proxy.stop()
            subjects = {row.subject for row in await kept(proxy, url) if row.event == "accept"}
            assert subjects == {before["subject"], after["subject"]}


async def killed_in_the_middle(proxy: Serving, visitors: int = 40, choices: int = 1000) -> set[str]:
    """`choices` accepts under way, the process killed once half of them are answered; the subjects acknowledged."""
    token = await proxy.token()
    acknowledged: set[str] = set()
    waiting = iter(range(choices))
    half = asyncio.Event()

    async def visitor() -> None:
        for _ in waiting:
            try:
                status, answer, cookies = await proxy.choose("accept", token)
            except (ClientError, OSError):
                return
            if status == 200 and any(line.startswith("samtykke=") for line in cookies):
                acknowledged.add(str(answer["subject"]))
            if len(acknowledged) >= choices // 2:
                half.set()

    running = [asyncio.create_task(visitor()) for _ in range(visitors)]
    await asyncio.wait_for(half.wait(), 300)
    await proxy.kill()
    await asyncio.gather(*running)
    assert choices // 2 <= len(acknowledged) < choices
    return acknowledged


async def no_choice_is_lost(proxy: Serving, kills: int, store: str = "") -> None:
    acknowledged: set[str] = set()
    for number in range(kills):
        if number:
            await proxy.start()
        acknowledged |= await killed_in_the_middle(proxy)
    rows = await (kept(proxy, store) if store else kept(proxy))
    assert acknowledged <= {row.subject for row in rows if row.event == "accept"}
    await proxy.start()
    status, answer, _ = await proxy.choose("accept", await proxy.token())
    assert (status, answer["logged"]) == (200, True)


async def test_killed_twice_in_the_middle_of_a_thousand_choices_none_is_lost(proxy: Serving) -> None:
    await no_choice_is_lost(proxy, 2)


@pytest.mark.soak
async def test_killed_twenty_times_in_the_middle_of_a_thousand_choices_none_is_lost(proxy: Serving) -> None:
    await no_choice_is_lost(proxy, 20)


@pytest.mark.soak
async def test_killed_twenty_times_before_a_postgresql_log_no_choice_is_lost(tmp_path: Path) -> None:
    with running_postgres() as server:
        url = server.create_database("killed")
        async with serving(tmp_path, url) as proxy:
            await no_choice_is_lost(proxy, 20, url)

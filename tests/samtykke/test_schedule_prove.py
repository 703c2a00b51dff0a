"""`samtykke prove`, and `schedule run --once` of kind "prove": reported, logged, told where it differs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from free_ports import free_port
from site_server import serve_site

from runtime.alerts import HEADER, verify
from samtykke.alerting import secret_of
from samtykke.config import Config, load_config
from samtykke.rounds import checked
from samtykke.serving import running_proxy
from samtykke.stores import open_ledger

ROOT = Path(__file__).parents[2]


async def samtykke(folder: Path, *arguments: str) -> tuple[int, str, str]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samtykke", *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    out, errors = await asyncio.wait_for(program.communicate(), 300)
    assert b"Traceback" not in errors, errors.decode()
    return program.returncode or 0, out.decode(), errors.decode()


async def first_seen(config: Config) -> None:
    """What `schedule run` does with a schedule that it sees for the first time: nothing but remember it."""
    ledger = await open_ledger(config)
    assert await ledger.claim(checked(config)[0], datetime.now(UTC)) is None
    await ledger.close()


def make_due(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "inventory-schedule.db")) as ledger, ledger:
        ledger.execute("UPDATE run SET due = printf('2020-01-01T00:00:%02d+00:00', id)")


async def test_a_leak_is_told_once_reported_and_logged_and_told_again_when_it_is_gone(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []

    async def page(request: web.Request) -> web.Response:
        text = '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><p>Hi'
        cookie = {"Set-Cookie": "_gid=1; Path=/; Max-Age=9999"}
        return web.Response(text=text, content_type="text/html", headers=cookie)

    async def hook(request: web.Request) -> web.Response:
        heard.append((request.headers[HEADER], await request.read()))
        return web.Response(status=204)

    async with serve_site() as site:
        site.handle("shop.localhost", "/", page)
        site.handle("127.0.0.1", "/hook", hook)
        file = tmp_path / "samtykke.toml"
        common = (
            f'[[site]]\nname = "shop"\nhosts = ["shop.localhost"]\nupstream = "http://127.0.0.1:{site.port}"\n'
            f'[alerts]\nwebhook = "http://127.0.0.1:{site.port}/hook"\n[proxy]\naccess_log = false\nlisten = '
        )
        port = free_port()
        file.write_text(f'{common}"127.0.0.1:{port}"\n')
        async with running_proxy(load_config(file), without=frozenset({"set-cookies"})):
            url = f"http://shop.localhost:{port}/"
            file.write_text(
                f'{common}"127.0.0.1:{port}"\n[[schedule]]\nname = "weekly"\nkind = "prove"\npages = 1\n'
                f'states = ["reject"]\ncron = "0 4 * * 1"\nsites = ["{url}"]\n'
            )
            await first_seen(load_config(file))
            make_due(tmp_path)
            code, said, _ = await samtykke(tmp_path, "schedule", "run", "--once")
            assert (code, "! new: cookie set _gid (reject)" in said) == (1, True), said
            make_due(tmp_path)
            code, said, _ = await samtykke(tmp_path, "schedule", "run", "--once")
            assert (code, "new:" in said, "as before:" in said) == (0, False, True), said
            assert len(heard) == 1
            asked = ("--state", "reject", "--max-pages", "1", "--json", "-", "--no-log", "--report", "now.html")
            code, said, _ = await samtykke(tmp_path, "prove", url, *asked)
            [cell] = json.loads(said)["cells"]
            assert (code, cell["state"], cell["page"]) == (1, "reject", "/")
            assert ("cookie_set", "_gid") in {(leak["kind"], leak["subject"]) for leak in cell["leaks"]}
        async with running_proxy(load_config(file)):
            make_due(tmp_path)
            code, said, _ = await samtykke(tmp_path, "schedule", "run", "--once")
            assert (code, "gone: cookie set _gid (reject)" in said) == (0, True), said

    (header, body), (_, good_news) = heard
    secret = secret_of(load_config(file))
    at = int(header.partition("t=")[2].partition(",")[0])
    assert verify(header, body, secret.value, at)
    told = json.loads(body)
    assert (told["event"], told["schedule"], told["site"], told["gone"]) == ("proof_changed", "weekly", url, [])
    assert {"kind": "cookie_set", "subject": "_gid", "state": "reject"} in told["new"]
    assert json.loads(good_news)["new"] == []

    reports = sorted((tmp_path / "proofs").iterdir())
    assert [each.suffix for each in reports] == [".html", ".json"] * 3
    assert all(re.fullmatch(r"weekly-shop\.localhost-\d{8}T\d{6}Z\.\w+", each.name) for each in reports)
    assert told["digest"] in reports[0].read_text()
    with closing(sqlite3.connect(tmp_path / "consent.db")) as log:
        rows = log.execute("SELECT detail FROM consent_entry WHERE event = 'prove' ORDER BY seq").fetchall()
    digests = [json.loads(detail)["digest"] for (detail,) in rows]
    assert (digests[0], len(digests)) == (told["digest"], 3)
    command = re.search(r'^python3 -c "(.+)" < proof\.json$', (ROOT / "docs" / "audit.md").read_text(), re.MULTILINE)
    assert command
    checked = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", command[1]], input=reports[1].read_bytes(), check=True, stdout=-1
    )  # fmt: skip
    assert checked.stdout.decode().strip() == digests[0]


async def test_a_proof_of_a_site_that_is_not_configured_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(
        '[[schedule]]\nname = "x"\nkind = "prove"\ncron = "0 3 * * *"\nsites = ["http://other.localhost/"]\n'
    )
    code, _, errors = await samtykke(tmp_path, "schedule", "run", "--once")
    assert (code, "no [[site]] has the host of http://other.localhost/" in errors) == (2, True)
    code, out, _ = await samtykke(tmp_path, "schedule", "list", "--json", "-")
    assert (code, json.loads(out)[0]["kind"]) == (0, "prove")

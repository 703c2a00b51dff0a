"""`samtykke schedule run --once` with a real site, webhook and mail server: told on material changes only, once."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from site_server import Site, serve_site

from runtime.alerts import HEADER, verify


@dataclass
class Shop:
    """A site whose cookies can be changed, and the webhook that hears of it."""

    site: Site
    folder: Path
    cookies: str = ""
    heard: list[tuple[str, bytes, float]] = field(default_factory=list)

    async def run(self, *arguments: str) -> tuple[int, str]:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "samtykke", *arguments, cwd=self.folder, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        out, errors = await asyncio.wait_for(program.communicate(), 300)
        assert b"Traceback" not in errors, errors.decode()
        return program.returncode or 0, out.decode()

    async def once(self) -> tuple[int, str]:
        """Run what is due, made due by setting the ledger's clock back."""
        with sqlite3.connect(self.folder / "inventory-schedule.db") as ledger:
            ledger.execute("UPDATE run SET due = printf('2020-01-01T00:00:%02d+00:00', id)")
        ledger.close()
        return await self.run("schedule", "run", "--once")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with serve_site() as site:
        made = Shop(site, tmp_path)

        async def page(request: web.Request) -> web.Response:
            script = f"<script>{made.cookies}</script>"
            return web.Response(text=f"<!doctype html><title>Shop</title><p>Hi{script}", content_type="text/html")

        async def hook(request: web.Request) -> web.Response:
            made.heard.append((request.headers[HEADER], await request.read(), asyncio.get_running_loop().time()))
            return web.Response(status=204)

        site.handle("shop.localhost", "/", page)
        site.handle("127.0.0.1", "/hook", hook)
        (tmp_path / "samtykke.toml").write_text(
            f'[[schedule]]\nname = "often"\ncron = "0 3 * * *"\nsites = ["{site.base()}/"]\n'
            f'[alerts]\nwebhook = "http://127.0.0.1:{site.port}/hook"\n'
        )
        yield made


async def test_only_a_material_change_is_told_and_the_exit_code_says_so(shop: Shop) -> None:
    assert await shop.run("schedule", "run", "--once") == (0, "nothing is due\n")
    code, said = await shop.once()
    assert (code, "first scan" in said) == (0, True)
    assert await shop.run("schedule", "run", "--once") == (0, "nothing is due\n")
    shop.cookies = "document.cookie = 'theme=dark; max-age=86400'"
    code, said = await shop.once()
    assert (code, "theme" in said, shop.heard) == (0, True, [])
    shop.cookies += "; document.cookie = '_fbp=fb.1.1795174275000.123456789; max-age=7776000'"
    code, said = await shop.once()
    assert (code, "_fbp" in said) == (1, True)
    ((header, body, _),) = shop.heard
    told = json.loads(body)
    assert (told["event"], told["schedule"], told["site"]) == ("material_changes", "often", f"{shop.site.base()}/")
    assert [(change["kind"], change["name"]) for change in told["changes"]] == [("new", "_fbp")]
    _, shown = await shop.run("schedule", "secret")
    key, secret = shown.split()
    at = int(header.partition("t=")[2].partition(",")[0])
    assert f"key={key}" in header
    assert verify(header, body, bytes.fromhex(secret), at)
    assert await shop.once() == (0, f"{shop.site.base()}/: Nothing has changed.\n")
    assert len(shop.heard) == 1


async def test_a_site_that_is_down_has_not_lost_its_cookies(shop: Shop) -> None:
    async def down(request: web.Request) -> web.Response:
        return web.Response(status=503, text="Down for now", headers={"Retry-After": "0"})

    shop.cookies = "document.cookie = '_fbp=fb.1.1795174275000.123456789; max-age=7776000'"
    await shop.run("schedule", "run", "--once")
    assert "first scan" in (await shop.once())[1]
    page = shop.site.answers["shop.localhost", "/"]
    shop.site.answers["shop.localhost", "/"] = down
    code, said = await shop.once()
    assert (code, "answers 503" in said) == (0, True)
    shop.site.answers["shop.localhost", "/"] = page
    assert await shop.once() == (0, f"{shop.site.base()}/: Nothing has changed.\n")


async def test_a_site_is_scanned_past_the_proxy_under_its_own_name(shop: Shop) -> None:
    shop.cookies = "document.cookie = '_fbp=fb.1.1795174275000.123456789; max-age=7776000'"
    shop.site.answers["shop.example", "/"] = shop.site.answers["shop.localhost", "/"]
    (shop.folder / "samtykke.toml").write_text(
        '[[site]]\nhosts = ["shop.example"]\nupstream = "http://127.0.0.1:9"\n'
        '[[schedule]]\nname = "nightly"\ncron = "0 3 * * *"\nsites = ["http://shop.example/"]\n'
        f'chromium_args = ["--host-resolver-rules=MAP shop.example 127.0.0.1:{shop.site.port}"]\n'
    )
    await shop.run("schedule", "run", "--once")
    assert await shop.once() == (0, "http://shop.example/: first scan\n")
    code, said = await shop.run("policy", "build")
    assert (code, "1 cookies" in said) == (0, True)


async def test_what_is_scheduled_is_listed_with_its_next_run(shop: Shop) -> None:
    code, said = await shop.run("schedule", "list", "--json", "-")
    (entry,) = json.loads(said)
    assert (code, entry["name"], entry["next"][11:16]) == (0, "often", "03:00")
    code, said = await shop.run("schedule", "next")
    assert (code, "often" in said) == (0, True)


async def test_a_schedule_of_no_address_is_an_error_before_anything_runs(shop: Shop) -> None:
    (shop.folder / "samtykke.toml").write_text('[[schedule]]\nname = "x"\ncron = "0 3 * * *"\nsites = ["ftp://x/"]\n')
    code, _ = await shop.run("schedule", "run", "--once")
    assert code == 2

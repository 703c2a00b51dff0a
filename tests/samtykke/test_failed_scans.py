"""A scan that shows nothing of its site takes no scan's place: no policy is drafted from a site that was down."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from said import Said
from site_server import Site, serve_site

from policies.observation import PageVisit, Scan
from scanner.inventory import Inventory

Program = Callable[..., Awaitable[Said]]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve_site() as served:
        yield served


@pytest.fixture
def program(tmp_path: Path, site: Site) -> Program:
    (tmp_path / "samtykke.toml").write_text(
        f'[[site]]\nname = "shop"\nhosts = ["shop.localhost"]\nupstream = "{site.base()}"\n'
        f'[[schedule]]\nname = "often"\ncron = "* * * * *"\nsites = ["{site.base()}/"]\n'
    )

    async def run(*arguments: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "samtykke", *arguments, cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert b"Traceback" not in err, err.decode()
        return Said(process.returncode or 0, out.decode(), err.decode())

    return run


async def _scanned(program: Program, site: Site) -> Said:
    return await program("scan", f"{site.base()}/", "--mode", "static", "--json", "scan.json")


async def _down(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503, text="Back soon", headers={"Retry-After": "0"})


async def _gone(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_a_site_that_is_down_is_never_the_newest_scan(program: Program, site: Site) -> None:
    site.page("shop.localhost", "/", "<title>Shop</title>", Set_Cookie="_fbp=fb.1.2.3; Max-Age=7776000")
    assert (await _scanned(program, site)).code == 0
    before = await program("policy", "build")
    assert "1 cookies" in before.out

    site.handle("shop.localhost", "/", _down)
    down = await _scanned(program, site)
    assert (down.code, "answers 503" in down.err, "not kept" in down.err) == (0, True, True)
    site.handle("shop.localhost", "/", _gone)
    gone = await _scanned(program, site)
    assert gone.code == 3

    assert (await program("policy", "build")).out == before.out
    shown = json.loads((await program("inventory", "show", "--json", "-")).out)
    assert [entry["id"] for entry in shown["scans"]] == [1]
    assert [cookie["name"] for cookie in shown["newest"]["cookies"]] == ["_fbp"]


async def test_without_any_scan_that_showed_something_there_is_no_draft(program: Program, site: Site) -> None:
    site.handle("shop.localhost", "/", _down)
    assert (await _scanned(program, site)).code == 0
    done = await program("policy", "build")
    assert (done.code, "holds no scan" in done.err) == (2, True)


async def test_an_exported_scan_is_what_the_scan_wrote(program: Program, site: Site, tmp_path: Path) -> None:
    site.page("shop.localhost", "/", "<title>Shop</title><a href=/privacy>Privacy policy</a>")
    site.page("shop.localhost", "/privacy", "<title>Privacy</title>")
    assert (await _scanned(program, site)).code == 0
    written = json.loads((tmp_path / "scan.json").read_text())
    assert written["policy_links"]
    assert json.loads((await program("inventory", "export")).out) == written


async def test_no_policy_is_made_of_error_pages(program: Program, site: Site) -> None:
    site.handle("shop.localhost", "/", _down)
    done = await program("up", site.base())
    assert (done.code, "a policy cannot be made of error pages" in done.err) == (3, True)
    checked = await program("check", "--config", "samtykke-data/shop.localhost/samtykke.toml")
    assert "no published policy" in checked.out


async def test_a_failed_scan_of_an_older_inventory_stands_for_nothing(
    program: Program, site: Site, tmp_path: Path
) -> None:
    """Earlier versions kept them."""
    site.page("shop.localhost", "/", "<title>Shop</title>", Set_Cookie="_fbp=fb.1.2.3; Max-Age=7776000")
    assert (await _scanned(program, site)).code == 0
    failed = Scan(
        site=f"{site.base()}/", started="2099-01-01T00:00:00+00:00", mode="static",
        pages=(PageVisit(url=f"{site.base()}/", error="no answer"),),
    )  # fmt: skip
    async with await Inventory.open(f"sqlite:///{tmp_path / 'inventory.db'}") as inventory:
        await inventory.save(failed)
    assert "1 cookies" in (await program("policy", "build")).out
    shown = json.loads((await program("inventory", "show", "--json", "-")).out)
    assert [entry["id"] for entry in shown["scans"]] == [2, 1]
    assert [cookie["name"] for cookie in shown["newest"]["cookies"]] == ["_fbp"]
    assert json.loads((await program("inventory", "export")).out) == shown["newest"]

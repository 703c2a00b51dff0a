"""`samtykke scan` with several consent states: one report side by side; a state not reached is said, not assumed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from site_server import Site, serve_site

BANNER = """<!doctype html><html lang=en><title>Shop</title><body><p>Shop</p>
<div id=bar style="position:fixed;bottom:0">We use cookies. %REJECT% <button id=yes>Accept all</button></div><script>
const took = (value) => { document.cookie = 'banner_consent=' + value + ';path=/'; bar.remove(); };
const track = () => { document.cookie = '_fbp=fb.1.1795174275000.123456789;max-age=7776000;path=/'; };
document.cookie = '_pk_id.1.abcd=0123456789abcdef;max-age=33955200;path=/';
if (document.cookie.includes('banner_consent')) bar.remove();
if (document.cookie.includes('banner_consent=yes')) track();
document.getElementById('yes')?.addEventListener('click', () => { took('yes'); track(); });
document.getElementById('no')?.addEventListener('click', () => took('no'));
</script>"""
STATES = ("--consent", "none", "--consent", "reject", "--consent", "accept")


async def scan(site: Site, folder: Path, *arguments: str) -> tuple[int, str]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samtykke", "scan", f"{site.base()}/", *arguments, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    _, errors = await asyncio.wait_for(program.communicate(), 300)
    assert b"Traceback" not in errors, errors.decode()
    return program.returncode or 0, errors.decode()


async def test_three_states_are_one_report_that_names_who_broke_the_promise(tmp_path: Path) -> None:
    async with serve_site() as site:
        site.page("shop.localhost", "/", BANNER.replace("%REJECT%", "<button id=no>Reject all</button>"))
        code, _ = await scan(site, tmp_path, *STATES, "--report", "states.html", "--json", "states.json")
    assert code == 0
    states = json.loads((tmp_path / "states.json").read_text())
    assert [state["consent"] for state in states] == ["none", "reject", "accept"]
    stored = [{c["name"] for c in state["cookies"] if c["state"] == "stored"} for state in states]
    assert stored == [
        {"_pk_id.1.abcd"}, {"_pk_id.1.abcd", "banner_consent"}, {"_pk_id.1.abcd", "banner_consent", "_fbp"}
    ]  # fmt: skip
    assert states[1]["banners"][0]["pressed"] == ["Reject all"]
    page = (tmp_path / "states.html").read_text()
    assert "Matomo was active before any choice was made and after rejecting: _pk_id.1.abcd on shop.localhost" in page
    assert page.count("data:image/png;base64,") == 3


async def test_a_state_that_cannot_be_reached_leaves_the_others(tmp_path: Path) -> None:
    async with serve_site() as site:
        site.page("shop.localhost", "/", BANNER.replace("%REJECT%", ""))
        code, said = await scan(site, tmp_path, *STATES, "--json", "states.json")
        alone, why = await scan(site, tmp_path, "--consent", "reject")
    assert code == 0
    assert "--consent reject: " in said
    assert [state["consent"] for state in json.loads((tmp_path / "states.json").read_text())] == ["none", "accept"]
    assert (alone, "no button to reject (Accept all)" in why) == (3, True)

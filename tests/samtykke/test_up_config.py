"""`samtykke up --config FILE`: the operator's own config, scanned at its upstream under its own name, and served."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from pathlib import Path

from said import Run
from site_server import serve_site
from up_process import samtykke_up

CONFIG = """
[[site]]
name = "blog"
hosts = ["blog.example"]
upstream = "http://127.0.0.1:9"
[[site]]
name = "shop"
hosts = ["shop.example"]
upstream = "http://127.0.0.1:PORT"
[proxy]
listen = "127.0.0.1:8099"
[policy]
folder = "mine/"
"""
PAGE = "<!doctype html><html lang=en><title>Shop</title><script>document.cookie = '__utma=1;max-age=60'</script><p>Hi"


async def test_a_site_of_ones_own_config_is_scanned_published_and_served(tmp_path: Path) -> None:
    async with serve_site() as site:
        site.page("shop.example", "/", PAGE)
        (tmp_path / "mine.toml").write_text(CONFIG.replace("PORT", str(site.port)))

        def visited() -> str:
            with samtykke_up(tmp_path, "--config", "mine.toml", "--site", "shop", "--max-pages", "1") as up:
                port = re.search(r"http://shop\.example:(\d+)/", up.proxy)
                assert port, up.said
                assert f"The proxy listens on 127.0.0.1:{port[1]}: shop.example must lead there." in up.said
                assert "policy compare --config mine.toml --site shop" in up.said
                asked = urllib.request.Request(f"http://127.0.0.1:{port[1]}/", headers={"Host": "shop.example"})
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    page = str(answer.read(), "utf-8")
                assert up.stop() == 0
                return page

        assert 'id="samtykke-banner"' in await asyncio.to_thread(visited)
    policy = json.loads((tmp_path / "mine" / "shop.json").read_text())
    assert [cookie["name"] for cookie in policy["cookies"]] == ["__utma"]
    assert policy["contacts"] == []
    assert (tmp_path / "consent.db").exists()
    assert not (tmp_path / "samtykke-data").exists()


def test_what_the_config_does_not_hold_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(CONFIG.replace("PORT", "9"))
    said = {
        (): "several sites are configured: choose one with --site (blog, shop)",
        ("--site", "shp"): "no site 'shp'; configured: blog, shop",
        ("https://other.example/",): "mine.toml: no [[site]] has the host of https://other.example/",
        ("https://blog.example/", "--site", "shop"): "mine.toml: shop has not the host of https://blog.example/",
        ("--site", "shop", "--listen", "nowhere"): "--listen nowhere: ",
    }
    for arguments, words in said.items():
        done = run("up", "--config", "mine.toml", *arguments)
        assert done.code == 2
        assert words in done.err
    assert run("up", "--site", "shop").code == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.toml"]

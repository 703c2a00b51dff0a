"""`samtykke up --config FILE`: the operator's own config, scanned at its upstream under its own name, and served."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import urllib.request
from ipaddress import ip_address
from pathlib import Path

import pytest
from said import Run
from site_server import serve_site
from up_process import samtykke_up

from proxy.settings import SiteSettings
from samtykke import up as plans
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError
from samtykke.proving import direct_address
from scanner.addresses import addresses_for, resolver_for
from scanner.settings import ScanSettings

CONFIG = """
[[site]]
name = "blog"
hosts = ["blog.example"]
upstream = "http://127.0.0.1:9"
[[site]]
name = "shop"
hosts = ["shop.example"]
upstream = "http://127.0.0.1:PORT"
MORE
[proxy]
listen = "127.0.0.1:8099"
[policy]
folder = "mine/"
"""
UPSTREAM_HOST = 'upstream_host = "www.shop.example"\ndeclared = "https://shop.example/privacy?lang=en"'
PAGE = "<!doctype html><html lang=en><title>Shop</title><script>document.cookie = '__utma=1;max-age=60'</script><p>Hi"


def config(port: int, more: str = "") -> str:
    return CONFIG.replace("PORT", str(port)).replace("MORE", more)


async def test_a_site_of_ones_own_config_is_scanned_published_and_served(tmp_path: Path) -> None:
    async with serve_site() as site:
        site.page("shop.example", "/", PAGE)
        (tmp_path / "mine.toml").write_text(config(site.port, 'declared = "gone.html"'))

        def visited() -> str:
            with samtykke_up(tmp_path, "--config", "mine.toml", "--site", "shop", "--max-pages", "1") as up:
                port = re.search(r"http://shop\.example:(\d+)/", up.proxy)
                assert port, up.said
                assert f"The proxy listens on 127.0.0.1:{port[1]}: shop.example must lead there." in up.said
                assert "policy compare --config mine.toml --site shop" in up.said
                assert f"the privacy policy could not be read. {tmp_path}/gone.html: No such file" in up.said
                assert "set `declared`" not in up.said
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
    (tmp_path / "mine.toml").write_text(config(9))
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


async def test_a_site_asked_under_another_name_is_scanned_and_kept_under_it(tmp_path: Path) -> None:
    async with serve_site() as site:
        site.page("www.shop.example", "/", PAGE)
        site.page("www.shop.example", "/privacy", "<html lang=en><p>We use these cookies: Name: sid. Lifetime: 1 year.")
        (tmp_path / "mine.toml").write_text(config(site.port, UPSTREAM_HOST))

        def visited() -> None:
            arguments = ("--config", "mine.toml", "--site", "shop")
            with samtykke_up(tmp_path, *arguments, "--max-pages", "1") as up:
                assert (
                    f"Scanning http://www.shop.example/ as it is, without the proxy, at {site.base('127.0.0.1')}"
                    in up.said
                )
                assert "findings against https://shop.example/privacy?lang=en" in up.said
                assert re.search(r": .*\b__utma", up.said), up.said
                build = [*up.program, "policy", "build", *arguments]
                done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
                assert "1 cookies" in done.stdout, done.stderr
                assert up.stop() == 0

        await asyncio.to_thread(visited)
        assert site.to("www.shop.example", "/privacy")[-1].query_string == "lang=en"


@pytest.mark.parametrize(
    ("upstream", "upstream_host", "found"),
    [
        ("http://10.0.0.5:9080", "", ("http://shop.example/a", "MAP shop.example 10.0.0.5:9080")),
        ("http://[fd00::5]", "", ("http://shop.example/a", "MAP shop.example [fd00::5]:80")),
        ("http://shop.example:9080", "", ("http://shop.example:9080/a", "")),
        ("https://10.0.0.5", "www.shop.example", ("https://www.shop.example/a", "MAP www.shop.example 10.0.0.5:443")),
        ("http://inner:9", "Www.example:81", ("http://Www.example:81/a", "MAP www.example inner:9")),
        ("http://shop.example:9080", "shop.example", ("http://shop.example/a", "MAP shop.example shop.example:9080")),
        ("https://shop.example", "shop.example", ("https://shop.example/a", "")),
        ("http://127.0.0.1:9080", "shop.localhost", ("http://shop.localhost:9080/a", "")),
        ("http://shop:80", "shop.localhost", ("http://shop.localhost/a", "MAP shop.localhost shop:80")),
    ],
)
def test_the_site_itself_is_asked_under_its_own_name(upstream: str, upstream_host: str, found: tuple[str, str]) -> None:
    site = SiteSettings(hosts=("shop.example",), upstream=upstream, upstream_host=upstream_host)
    assert direct_address(site, "https://shop.example/a?b") == found


async def test_a_scan_may_visit_the_upstream_on_an_inner_network_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ScanSettings] = []

    async def scan_site(config: Config, settings: ScanSettings) -> None:
        asked.append(settings)
        raise UnreachableError("enough")

    monkeypatch.setattr("samtykke.commands.up.scan_site", scan_site)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(config(9).replace('127.0.0.1:9"', '10.0.0.5:9080"'))
    from samtykke.commands.up import _up

    with pytest.raises(UnreachableError, match="enough"):
        await _up(None, None, 0, 1, Path("mine.toml"), "shop")
    assert asked[0].url == "http://shop.example/"
    addresses = await addresses_for(asked[0], resolver_for(asked[0]))
    assert addresses.refusal(ip_address("10.0.0.5")) is None
    assert addresses.refusal(ip_address("10.0.0.6"))
    assert addresses.refusal(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("upstream", "found"),
    [
        ("http://localhost:80", {"127.0.0.1", "::1"}),
        ("http://[fd00::5]:80", {"fd00::5"}),
        ("http://93.184.215.14", set()),
        ("http://gone.invalid", set()),
    ],
)
async def test_only_inner_addresses_are_permitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: str, found: set[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(f'[[site]]\nhosts = ["shop.example"]\nupstream = "{upstream}"\n')
    assert set(await plans.inner_addresses(plans.plan_config(Path("mine.toml"), None, None, None))) == found


def test_an_explicit_listen_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(config(9))

    def listening(listen: str | None) -> list[str]:
        made = (
            plans.plan_demo(9080, listen),
            plans.plan_site("https://shop.example/", listen),
            plans.plan_config(Path("mine.toml"), None, "shop", listen),
        )
        return [plan.config.proxy.listen for plan in made]

    with pytest.raises(ConfigError, match="--listen nowhere: "):
        plans.plan_site("https://shop.example/", "nowhere")
    assert not (tmp_path / "samtykke-data").exists()
    assert listening(None) == [plans.LISTEN, plans.LISTEN, "127.0.0.1:8099"]
    assert listening("127.0.0.1:81") == ["127.0.0.1:81"] * 3
    monkeypatch.setenv("SAMTYKKE__PROXY__LISTEN", "0.0.0.0:8080")
    assert listening("127.0.0.1:82") == ["127.0.0.1:82"] * 3
    assert listening(None) == ["0.0.0.0:8080"] * 3

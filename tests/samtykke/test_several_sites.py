"""`--site NAME` where the config has several sites: answers and deeds keep to that site's scans, rows and policy."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from said import Run

from policies.observation import Scan
from proxy.consent.log import ConsentLog, Event
from runtime.keys import load_keys
from scanner.inventory import Inventory

CONFIG = """
[[site]]
name = "shop"
hosts = ["shop.example", "www.shop.example"]
upstream = "http://127.0.0.1:9"
declared = "shop.html"
[[site]]
name = "blog"
hosts = ["blog.example"]
upstream = "http://127.0.0.1:9"
"""
NOW = datetime.now(UTC)
NOTICES = {site: f"<p>What the {site} asks".encode() for site in ("shop", "blog", "old")}
HASHES = {site: sha256(content).hexdigest() for site, content in NOTICES.items()}


def scan(host: str, consent: str = "none", day: int = 1, *cookies: str) -> Scan:
    return Scan.model_validate(
        {
            "site": f"http://{host}/", "started": f"2026-01-{day:02}T00:00:00+00:00", "mode": "browser",
            "consent": consent, "pages": [{"url": f"http://{host}/", "status": 200}],
            "cookies": [{"name": name, "domain": host, "declared_lifetime": 60} for name in cookies],
        }
    )  # fmt: skip


def keep(folder: Path, *scans: Scan) -> None:
    async def save() -> None:
        async with await Inventory.open(f"sqlite:///{folder}/inventory.db") as inventory:
            for one in scans:
                await inventory.save(one)

    asyncio.run(save())


@pytest.fixture
def said(run: Run, tmp_path: Path) -> Run:
    """Commands in a folder with two sites, and a third that has rows but is configured no more."""
    (tmp_path / "samtykke.toml").write_text(CONFIG)
    run("key", "create")

    async def fill() -> None:
        log = await ConsentLog.open(
            f"sqlite:///{tmp_path}/consent.db",
            load_keys(tmp_path / "samtykke.key"),
            checkpoints=tmp_path / "checkpoints",
        )
        for site, content in NOTICES.items():
            await log.keep_notice(HASHES[site], content, "text/html")
            for age, shown in ((3000, HASHES[site]), (1, None)):
                await log.append(
                    Event(
                        "accept", NOW - timedelta(days=age), site, subject="visitor", purposes={"statistics": True},
                        language="en", surface="banner", method="button", notice=shown,
                    )
                )  # fmt: skip
        await log.close()

    asyncio.run(fill())
    return run


def test_show_keeps_to_the_site(said: Run) -> None:
    rows = json.loads(said("log", "show", "visitor", "--site", "blog", "--json", "-").out)
    assert [row["id"] for row in rows] == ["blog/1", "blog/2"]
    assert len(json.loads(said("log", "show", "visitor", "--json", "-").out)) == 6
    assert len(json.loads(said("log", "show", "visitor", "--site", "old", "--json", "-").out)) == 2


def test_verify_judges_one_chain_and_its_checkpoints(said: Run, tmp_path: Path) -> None:
    said("log", "checkpoint", "--site", "blog")
    one = json.loads(said("log", "verify", "--site", "shop", "--json", "-").out)
    assert (one["rows"], one["chains"], one["ok"]) == (2, 1, True)
    assert one["checkpoints"] == {"seen": 1, "matched": 1}
    blog = json.loads(said("log", "verify", "--site", "blog", "--json", "-").out)
    assert (blog["rows"], blog["checkpoints"]) == (3, {"seen": 2, "matched": 2})
    every = json.loads(said("log", "verify", "--json", "-").out)
    assert (every["rows"], every["chains"], every["checkpoints"]) == (7, 3, {"seen": 2, "matched": 2})


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE consent_entry SET language = 'xx' WHERE chain = 'blog' AND seq = 2",
        "DELETE FROM consent_entry WHERE chain = 'blog'",
        f"UPDATE consent_notice SET content = x'00' WHERE hash = '{HASHES['blog']}'",
    ],
)
def test_damage_to_one_site_is_found_there_and_not_elsewhere(said: Run, tmp_path: Path, damage: str) -> None:
    database = sqlite3.connect(tmp_path / "consent.db")
    with database:
        database.execute(damage)
    database.close()
    assert said("log", "verify", "--site", "shop").code == 0
    assert said("log", "verify", "--site", "blog").code == 1
    assert said("log", "verify").code == 1


def test_verify_of_an_export_keeps_to_the_site(said: Run) -> None:
    said("log", "export", "--output", "all.jsonl")
    found = json.loads(said("log", "verify", "--export", "all.jsonl", "--site", "old", "--json", "-").out)
    assert (found["rows"], found["chains"], found["ok"]) == (2, 1, True)
    done = said("log", "verify", "--export", "all.jsonl", "--site", "shp")
    assert (done.code, done.err.strip()) == (2, "no site 'shp'; configured: shop, blog")


def test_erase_forgets_him_on_one_site_only(said: Run) -> None:
    answer = json.loads(said("log", "erase", "visitor", "--site", "shop", "--json", "-").out)
    assert answer == {"subject": "visitor", "site": "shop", "rows": 2}
    left = json.loads(said("log", "show", "visitor", "--json", "-").out)
    assert {row["chain"] for row in left} == {"blog", "old"}
    again = said("log", "erase", "visitor", "--site", "shop", "--json", "-")
    assert (again.code, json.loads(again.out)["rows"]) == (1, 0)
    assert said("log", "verify").code == 0


def test_prune_keeps_to_the_site(said: Run) -> None:
    answer = json.loads(said("log", "prune", "--site", "blog", "--json", "-").out)
    assert (answer["site"], answer["rows"]) == ("blog", 1)
    assert datetime.fromisoformat(answer["before"]) < NOW - timedelta(days=1800)
    kept = [json.loads(line)["id"] for line in said("log", "export").out.splitlines()]
    assert "blog/1" not in kept
    assert {"shop/1", "old/1", "blog/2"} <= set(kept)
    assert json.loads(said("log", "prune", "--json", "-").out)["rows"] == 2
    assert said("log", "verify").code == 0


def test_checkpoint_signs_the_one_chain(said: Run, tmp_path: Path) -> None:
    answer = json.loads(said("log", "checkpoint", "--site", "shop", "--json", "-").out)
    assert answer["site"] == "shop"
    newest = json.loads(Path(answer["file"]).read_text().splitlines()[-1])
    assert list(newest["checkpoint"]["heads"]) == ["shop"]
    every = json.loads(said("log", "checkpoint", "--json", "-").out)
    assert every == {"file": answer["file"], "site": None}
    assert said("log", "verify").code == 0


def test_a_receipt_and_a_notice_of_another_site_are_not_found(said: Run) -> None:
    assert said("log", "receipt", "shop/2", "--site", "shop").code == 0
    assert said("log", "receipt", "shop/2", "--site", "blog").code == 1
    assert said("log", "notice", HASHES["shop"], "--site", "blog", "--output", "n.html").code == 1
    assert said("log", "notice", HASHES["shop"][:12], "--site", "shop", "--output", "n.html").code == 0


@pytest.mark.parametrize(
    "command",
    [
        "log verify", "log show visitor", "log receipt shop/1", f"log notice {HASHES['shop']}", "log erase visitor",
        "log prune", "log checkpoint", "log export", "log stats", "inventory diff 1 2", "policy read -",
    ],
)  # fmt: skip
def test_an_unknown_site_is_an_error_that_names_the_known(said: Run, tmp_path: Path, command: str) -> None:
    keep(tmp_path, scan("shop.example"), scan("shop.example"))
    done = said(*command.split(), "--site", "shp")
    assert (done.code, done.out) == (2, "")
    assert done.err.strip() == "no site 'shp'; configured: shop, blog"


def test_scans_of_another_site_are_not_compared(said: Run, tmp_path: Path) -> None:
    keep(tmp_path, scan("shop.example"), scan("www.shop.example", "none", 2, "sid"), scan("blog.example"))
    assert "sid" in said("inventory", "diff", "1", "2", "--site", "shop").out
    assert said("inventory", "diff", "1", "3").code == 0
    done = said("inventory", "diff", "1", "3", "--site", "shop")
    assert (done.code, done.err.strip()) == (
        2, "scan 3 is none of shop: `samtykke inventory show --site shop` lists them"
    )  # fmt: skip
    assert said("inventory", "export", "3", "--site", "shop").code == 2
    shown = json.loads(said("inventory", "show", "--site", "shop", "--json", "-").out)
    assert [entry["id"] for entry in shown["scans"]] == [2, 1]
    assert shown["newest"]["site"] == "http://www.shop.example/"


def test_scans_are_found_under_the_name_that_the_site_is_asked_under(run: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(
        '[[site]]\nname = "shop"\nhosts = ["shop.example.localhost"]\nupstream = "https://shop.example"\n'
        'upstream_host = "shop.example"\ndeclared = "shop.html"\n'
    )
    (tmp_path / "shop.html").write_text("<html lang=en><p>We use no cookies.</html>")
    keep(tmp_path, scan("shop.example", "none", 1, "seen"), scan("other.example", "none", 2))
    done = run("policy", "compare", "--json", "-")
    assert {finding["subject"] for finding in json.loads(done.out)["findings"]} >= {"seen"}


def test_read_takes_the_document_that_the_site_declares(said: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.html").write_text("<html lang=en><p>We use these cookies: Name: __utma. Lifetime: 1 year.</html>")
    read = json.loads(said("policy", "read", "--site", "shop", "--json", "-").out)
    assert [entry["name"] for entry in read["cookies"]] == ["__utma"]
    assert "set `declared`" in said("policy", "read", "--site", "blog").err
    assert said("policy", "read").err.strip().endswith("choose one with --site (shop, blog)")


def test_compare_falls_back_to_the_newest_scan_and_says_its_state(said: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.html").write_text("<html lang=en><p>We use no cookies.</html>")
    none = said("policy", "compare", "--site", "shop")
    assert none.code == 2
    assert "holds no scan of shop.example, www.shop.example yet" in none.err
    keep(
        tmp_path,
        scan("shop.example", "accept", 2, "late"),
        scan("shop.example", "reject", 1, "early"),
        scan("blog.example"),
    )
    done = said("policy", "compare", "--site", "shop", "--json", "-")
    assert {finding["subject"] for finding in json.loads(done.out)["findings"]} >= {"late"}
    assert done.err.strip() == (
        "no scan without a choice is kept: the newest, 2026-01-02T00:00:00+00:00, has consent accept"
    )
    keep(tmp_path, scan("shop.example", "none", 1, "first"))
    done = said("policy", "compare", "--site", "shop", "--json", "-")
    assert "late" not in done.out
    assert "first" in done.out
    assert done.err == ""

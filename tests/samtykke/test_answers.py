"""What scripts rely on: `--config` everywhere, deeds that answer as JSON, and defaults for JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer.main
from said import Run

from samtykke.cli import COMMANDS, app

SHOP = '[[site]]\nname = "shop"\nhosts = ["shop.example"]\nupstream = "http://127.0.0.1:9"\n'


def commands() -> list[str]:
    """Every command by its whole name. Typer keeps the classes of groups to itself."""
    found: list[str] = []
    group: Any = typer.main.get_command(app)
    for name in COMMANDS:
        command = group.get_command(None, name)
        found += [f"{name} {each}" for each in command.commands] if hasattr(command, "commands") else [name]
    return found


NEEDS = {
    "inventory diff": "1 2", "policy diff": "current draft", "prove": "http://shop.example/", "bypass": "on",
    "scan": "http://shop.example/", "explain": "cookie:a", "catalogue lookup": "_ga", "catalogue import": "x",
    "log show": "x", "log receipt": "shop/1", "log notice": "12345678", "log erase": "x", "log backup": "x",
    "log restore": "x", "policy read": "x", "catalogue forget": "x",
}  # fmt: skip


@pytest.mark.parametrize("command", commands())
def test_every_command_says_what_is_wrong_with_the_config_it_was_given(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "mine.toml").write_text("[proxy]\nlisen = 1\n")
    done = run(*command.split(), *NEEDS.get(command, "").split(), "--config", "mine.toml")
    assert (done.code, done.out) == (2, "")
    assert 'mine.toml: proxy.lisen: unknown key; did you mean "listen"?' in done.err


def test_publishing_answers_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(SHOP)
    draft = {
        "site": "shop", "hosts": ["shop.example"], "hash": "", "material": "",
        "cookies": [], "storage": [], "contacts": [], "vendors": [],
    }  # fmt: skip
    (tmp_path / "policy").mkdir()
    file = tmp_path / "policy" / "shop.draft.json"
    file.write_text(json.dumps(draft))
    first = json.loads(run("policy", "publish", "--json", "-").out)
    shown = json.loads(run("policy", "show", "--json", "-").out)
    assert first == {
        "site": "shop", "file": str(tmp_path / "policy" / "shop.json"), "hash": shown["hash"],
        "replaced": None, "material": False,
    }  # fmt: skip
    assert json.loads(run("policy", "publish", "--json", "-").out) == first
    contact = {"host": "tracker.example", "vendor": None, "purpose": "marketing", "tracker": True, "because": "x"}
    file.write_text(json.dumps(draft | {"contacts": [contact]}))
    second = json.loads(run("policy", "publish", "--json", "-").out)
    assert (second["replaced"], second["material"]) == (first["hash"], True)


def test_the_next_schedule_answers_as_json(run: Run, tmp_path: Path) -> None:
    nothing = json.loads(run("schedule", "next", "--json", "-").out)
    assert nothing == {"name": None, "kind": None, "cron": None, "sites": [], "next": None}
    (tmp_path / "samtykke.toml").write_text(
        '[[schedule]]\nname = "yearly"\ncron = "0 0 1 1 *"\nsites = ["http://shop.example/"]\n'
        '[[schedule]]\nname = "often"\ncron = "* * * * *"\nsites = ["http://shop.example/"]\n'
    )
    found = json.loads(run("schedule", "next", "--json", "-").out)
    assert (found["name"], found["kind"], found["cron"]) == ("often", "scan", "* * * * *")
    assert found.keys() == nothing.keys()
    assert run("schedule", "next").out.startswith(found["next"][:13])


def test_explain_takes_from_its_options_what_a_line_does_not_say(run: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(SHOP + 'exempt_paths = ["/checkout"]\n')

    def actions(kind: str, value: str, lines: list[dict[str, object]], *options: str) -> list[str]:
        text = "\n".join(json.dumps({"kind": kind, "value": value} | line) for line in lines)
        (tmp_path / "lines.jsonl").write_text(text)
        said = run("explain", "--json", "lines.jsonl", *options)
        return [json.loads(line)["action"] for line in said.out.splitlines()]

    by_consent: list[dict[str, object]] = [{}, {"consent": None}, {"consent": ["marketing"]}]
    assert actions("cookie", "__utma", by_consent) == ["strip", "strip", "strip"]
    assert actions("cookie", "__utma", by_consent, "--consent", "statistics") == ["allow", "allow", "strip"]
    by_page: list[dict[str, object]] = [{}, {"page": None}, {"page": "http://shop.example/"}]
    nobody = "https://cdn.nobody-knows.example/x.js"
    assert actions("url", nobody, by_page) == ["block", "block", "block"]
    assert actions("url", nobody, by_page, "--page", "http://shop.example/checkout") == ["allow", "allow", "block"]
    assert run("explain", "--json", "lines.jsonl", "--consent", "dance").code == 2

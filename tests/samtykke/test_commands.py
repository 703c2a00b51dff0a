"""The program as a script sees it: answers, JSON, exit codes, and clear words for what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from said import Run, Said
from typer.testing import CliRunner

from samtykke.cli import app as cli_app

MINIMAL = '[[site]]\nname = "shop"\nhosts = ["shop.example"]\nupstream = "http://127.0.0.1:9"\n'
SCAN: dict[str, Any] = {
    "site": "http://shop.example/",
    "started": "2026-01-01T00:00:00+00:00",
    "mode": "browser",
    "consent": "none",
    "pages": [{"url": "http://shop.example/", "status": 200}],
    "cookies": [
        {
            "name": "__utma",
            "domain": "shop.example",
            "declared_lifetime": 63072000,
            "set_by": [{"kind": "js", "url": "https://ssl.google-analytics.com/ga.js"}],
            "pages": ["http://shop.example/"],
        }
    ],
}
POLICY = "<html lang=en><p>We use these cookies: Name: __utma. Lifetime: 1 year. Set by Google Analytics.</p></html>"

COMMANDS = [
    "up", "scan", "serve", "bypass", "check", "explain", "prove",
    *(f"inventory {name}" for name in ("show", "export", "diff")),
    *(f"policy {name}" for name in ("read", "compare", "build", "publish", "show", "diff", "declaration")),
    *(f"catalogue {name}" for name in ("lookup", "stats", "import", "update")),
    *(f"key {name}" for name in ("create", "rotate")),
    *(f"log {name}" for name in ("verify", "show", "export", "stats", "receipt", "notice")),
    *(f"log {name}" for name in ("erase", "prune", "checkpoint")),
    *(f"schedule {name}" for name in ("list", "next", "run")),
]  # fmt: skip


GROUPS = ["", "inventory", "policy", "catalogue", "key", "log", "schedule"]


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_every_command_of_the_contract_has_help_with_an_example(command: str) -> None:
    done = CliRunner().invoke(cli_app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Example:" in done.output


def test_a_config_error_exits_2_and_names_file_and_key(program: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text("[proxy]\nlisen = 1\n")
    done = program("check")
    assert done.code == 2
    assert 'samtykke.toml: proxy.lisen: unknown key; did you mean "listen"?' in done.err


def test_check_says_what_is_in_force(run: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(MINIMAL)
    done = run("check")
    assert done.code == 0
    assert "no published policy" in done.out


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[consent]\nlanguages = ["xx"]\n', "languages: no texts in 'xx'"),
        ('[consent]\nstore = "mysql://log/x"\n', "consent.store"),
        ('[consent]\nkey_file = "samtykke.toml"\n', "consent.key_file"),
        ('[consent]\ntexts = "nowhere"\n', "nowhere: no such folder"),
        ('[consent]\ntexts = "."\nlanguages = ["xx"]\n', "language 'xx' has no text for"),
        ('[inventory]\nstore = "mysql://log/x"\n', "inventory.store"),
        ('[proxy]\ncertificate = "a.pem"\ncertificate_key = "b.pem"\n', "a.pem: No such file"),
        ('[proxy]\ncertificate = "samtykke.toml"\ncertificate_key = "samtykke.toml"\n', "are no PEM certificate"),
        ('[[schedule]]\nname = "n"\ncron = "0 3 * * *"\nsites = ["ftp://x/"]\n', "[[schedule]] n: ftp://x/"),
        (MINIMAL.replace("shop", "b") + 'declared = "no.html"\n', "site.declared of b: "),
    ],
)
def test_check_names_what_cannot_be_used(run: Run, tmp_path: Path, config: str, said: str) -> None:
    (tmp_path / "samtykke.toml").write_text(MINIMAL + config)
    for command in (["check"], ["check", "--json", "-"]):
        done = run(*command)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("samtykke.toml: ")
        assert said in done.err


def test_a_declared_file_is_looked_for_beside_the_config(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "privacy.html").write_text(POLICY)
    (tmp_path / "shop" / "samtykke.toml").write_text(f'{MINIMAL}declared = "privacy.html"\n')
    (tmp_path / "scan.json").write_text(json.dumps(SCAN))
    beside = ("--config", "shop/samtykke.toml")
    assert run("check", *beside).code == 0
    assert "__utma" in run("policy", "read", *beside).out
    assert run("policy", "compare", "--observed", "scan.json", *beside).code == 1


def test_check_says_everything_that_is_wrong_and_makes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "samtykke.toml"
    file.write_text(f'{MINIMAL}[proxy]\ncertificate = "a"\ncertificate_key = "b"\n[consent]\ntexts = "c"\n')
    assert len(run("check").err.splitlines()) == 2
    file.write_text(MINIMAL)
    assert run("check").code == 0
    assert list(tmp_path.iterdir()) == [file]


@contextmanager
def _nobody() -> Iterator[None]:
    """As a user without privileges: root may read everything."""
    if os.geteuid():
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def stranger(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Run]]:
    """A folder with one, `closed`, that whoever runs commands there may not look into; it holds a key of its own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    closed = folder / "closed"
    closed.mkdir()
    monkeypatch.chdir(folder)
    (folder / "samtykke.toml").write_text(MINIMAL)
    assert run("key", "create").code == 0
    for file in (folder / "samtykke.key", closed):
        file.chmod(0)

    def call(*arguments: str, stdin: str = "") -> Said:
        with _nobody():
            return run(*arguments, stdin=stdin)

    yield folder, call
    closed.chmod(0o700)
    shutil.rmtree(folder)


def test_check_only_remarks_on_what_this_user_may_not_read(stranger: tuple[Path, Run]) -> None:
    folder, run = stranger
    done = run("check")
    assert done.code == 0
    assert f"consent.key_file: {folder}/samtykke.key: Permission denied (this user may not read it" in done.err
    (folder / "samtykke.toml").write_text(
        f'{MINIMAL}[proxy]\ncertificate = "closed/a.pem"\ncertificate_key = "closed/b.pem"\n[consent]\n'
        'key_file = "closed/in/a.key"\ntexts = "closed/texts"\nstore = "sqlite:///closed/in/c.db"\n'
    )
    done = run("check")
    assert done.code == 0
    assert f"proxy.certificate {folder}/closed/a.pem: Permission denied (" in done.err
    assert f"consent.texts {folder}/closed/texts: Permission denied (" in done.err
    assert f"consent.key_file: {folder}/closed/in/a.key: Permission denied (" in done.err
    assert f"consent.store: {folder}/closed is no folder that this user may write to" in done.err


def test_a_key_that_others_may_read_is_wrong_whoever_asks(run: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(MINIMAL)
    run("key", "create")
    (tmp_path / "samtykke.key").chmod(0o644)
    done = run("check")
    assert (done.code, "other users may read" in done.err) == (2, True)


def test_folders_that_may_not_be_seen_are_named(stranger: tuple[Path, Run]) -> None:
    folder, run = stranger
    for target in ("closed/out.json", "closed/in/out.json", "out.json"):
        done = run("scan", "http://127.0.0.1:9/", "--json", target)
        if target == "out.json" and os.geteuid():
            continue  # the folder is this user's own
        assert (done.code, done.err) == (2, f"--json {target}: permission denied\n")
    done = run("check", "--config", "closed/samtykke.toml")
    assert (done.code, "Permission denied" in done.err) == (2, True)
    (folder / "samtykke.toml").write_text(f'{MINIMAL}[policy]\nfolder = "closed/policy"\n')
    done = run("check")
    assert (done.code, "Permission denied" in done.err) == (2, True)


def test_serve_names_the_certificate_that_is_missing(program: Run, tmp_path: Path) -> None:
    own = 'listen = "127.0.0.1:0"\ncertificate = "a.pem"\ncertificate_key = "b.pem"\n'
    (tmp_path / "samtykke.toml").write_text(f"{MINIMAL}[proxy]\n{own}")
    done = program("serve")
    assert (done.code, "proxy.certificate" in done.err, "a.pem" in done.err) == (2, True, True)


def test_lookup_answers_as_json(run: Run) -> None:
    done = run("catalogue", "lookup", "__utmz", "--json", "-")
    assert done.code == 0
    [answer] = json.loads(done.out)
    assert answer["query"] == "__utmz"
    assert answer["matches"][0]["vendor"] == "Google Analytics"
    assert answer["matches"][0]["lifetime"] == 15_768_000
    assert run("catalogue", "lookup", "no_such_name_at_all").code == 1


def test_lookup_knows_a_name_with_an_underscore_too_few(run: Run) -> None:
    [answer] = json.loads(run("catalogue", "lookup", "_utma", "--json", "-").out)
    first = answer["matches"][0]
    assert (first["name"], first["vendor"], first["confidence"]) == ("__utma", "Google Analytics", "medium")
    assert first["because"].startswith("_utma is __utma")


def test_explain_gives_verdict_and_reason(run: Run) -> None:
    done = run("explain", "https://www.google-analytics.com/analytics.js", "--page", "http://shop.example/")
    assert done.code == 0
    assert done.out.startswith("block: google-analytics.com belongs to Google Analytics")
    assert run("explain", "cookie:__utma", "--consent", "statistics").out.startswith("allow")
    assert run("explain", "inline:-", stdin="var _gaq = _gaq || [];").out.startswith("block")
    assert run("explain", "cookie:sid").out.startswith("allow: unknown cookie sid")
    assert run("explain", "not a url").code == 2


def test_explain_answers_ten_thousand_lines(program: Run) -> None:
    question = {"kind": "url", "type": "script", "page": "http://shop.example/", "consent": ["statistics"]}
    lines = "".join(
        json.dumps(question | {"value": f"https://host{n}.google-analytics.com/{n}.js"}) + "\n" for n in range(10_000)
    )
    done = program("explain", "--json", "-", stdin=lines)
    assert done.code == 0
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert len(answers) == 10_000
    assert {answer["action"] for answer in answers} == {"allow"}
    assert set(answers[0]) == {"action", "tracker", "vendor", "purpose", "because"}


def test_explain_names_the_line_that_makes_no_sense(run: Run) -> None:
    done = run("explain", "--json", "-", stdin='{"kind":"cookie","value":"a"}\n{"kind":"dance"}\n')
    assert done.code == 2
    assert "line 2" in done.err


def test_a_policy_is_read_and_compared(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.html").write_text(POLICY)
    (tmp_path / "scan.json").write_text(json.dumps(SCAN))
    read = json.loads(run("policy", "read", "policy.html", "--json", "-").out)
    assert [entry["name"] for entry in read["cookies"]] == ["__utma"]
    done = run("policy", "compare", "--declared", "policy.html", "--observed", "scan.json", "--json", "-")
    assert done.code == 1
    kinds = {finding["kind"] for finding in json.loads(done.out)["findings"]}
    assert {"lifetime_longer", "before_consent"} <= kinds


def test_help_shows_the_sections_of_a_config_as_they_are_written(run: Run) -> None:
    assert '[[site]]\n      hosts = ["shop.example"]\n' in run("check", "--help").out
    assert "[consent] retention_days" in run("log", "prune", "--help").out


def test_names_that_a_site_chose_are_shown_as_they_are_and_never_obeyed(run: Run, tmp_path: Path) -> None:
    """Brackets are markup to Rich, colons emoji, and escape sequences orders to a terminal."""
    names = ("x[/b]", "_gaq[cuid]", "[bold red]y", ":smile:")
    cookies = [{**SCAN["cookies"][0], "name": name} for name in names]
    keys = [
        {"kind": "local", "origin": "http://shop.example", "key": key, "pages": []}
        for key in ("\x1b[2Jgone\x9b2J", "x\nNothing differs.", "\u202etxet")
    ]
    scan = {**SCAN, "cookies": cookies, "storage": keys}
    (tmp_path / "policy.html").write_text(POLICY)
    (tmp_path / "scan.json").write_text(json.dumps(scan))
    done = run("policy", "compare", "--declared", "policy.html", "--observed", "scan.json")
    assert (done.code, done.err) == (0, "")
    shown = "".join(character for character in done.out if character not in " \n│")
    for name in (*names, "\\x1b[2Jgone\\x9b2J", "x\\x0aNothing differs.", "\\u202etxet"):
        assert name.replace(" ", "") in shown
    assert not {"\x1b", "\x9b", "\u202e"} & set(done.out)


@pytest.mark.parametrize("command", [["explain", "cookie:\x1b[2Jx\ny"], ["check", "--config", "\x1b[2Jx\ny.toml"]])
def test_answers_and_errors_obey_no_name_either(run: Run, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "samtykke.toml").write_text(MINIMAL)
    done = run(*command)
    assert "\x1b" not in done.out + done.err


def test_what_cannot_be_read_is_named(program: Run, tmp_path: Path) -> None:
    done = program("policy", "read", "nowhere.html")
    assert (done.code, done.err.strip()) == (2, "nowhere.html: No such file or directory")
    (tmp_path / "scan.json").write_text('{"site": 1}')
    (tmp_path / "policy.html").write_text(POLICY)
    done = program("policy", "compare", "--declared", "policy.html", "--observed", "scan.json")
    assert done.code == 2
    assert "scan.json: site" in done.err


def test_a_site_out_of_reach_exits_3(program: Run) -> None:
    done = program("scan", "http://127.0.0.1:9/", "--mode", "static", "--ignore-robots")
    assert done.code == 3
    assert "127.0.0.1" in done.err


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("scan", "--json"),
        ("scan", "--csv"),
        ("scan", "--har"),
        ("scan", "--report"),
        ("prove", "--json"),
        ("prove", "--report"),
    ],
)
def test_an_answer_that_cannot_be_written_is_said_before_anything_is_visited(
    run: Run, tmp_path: Path, command: str, option: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    nowhere = run(command, "http://127.0.0.1:9/", option, "nowhere/a.html")
    assert (nowhere.code, nowhere.err) == (2, f"{option} nowhere/a.html: no such folder\n")
    folder = run(command, "http://127.0.0.1:9/", option, "folder.html")
    assert (folder.code, folder.err) == (2, f"{option} folder.html: a folder, not a file\n")
    long = run(command, "http://127.0.0.1:9/", option, f"{'a' * 300}.html")
    assert (long.code, long.err) == (2, f"{option} {'a' * 300}.html: file name too long\n")


def test_keys_are_made_once_and_rotated(run: Run, tmp_path: Path) -> None:
    assert run("key", "create").code == 0
    assert (tmp_path / "samtykke.key").stat().st_mode & 0o777 == 0o600
    assert run("key", "create").code == 2
    done = run("key", "rotate")
    assert done.code == 0
    assert done.out.count("public key") == 2


def test_an_empty_log_verifies_and_a_missing_key_is_named(run: Run) -> None:
    done = run("log", "verify")
    assert done.code == 2
    assert "samtykke.key" in done.err
    run("key", "create")
    run("log", "checkpoint")
    done = run("log", "verify", "--json", "-")
    assert done.code == 0
    assert json.loads(done.out)["ok"] is True


def test_two_sites_with_one_host_are_refused(program: Run, tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(
        MINIMAL + MINIMAL.replace('"shop"', '"twin"') + '[proxy]\nlisten = "127.0.0.1:0"\n'
    )
    done = program("serve")
    assert done.code == 2
    assert "shop.example" in done.err

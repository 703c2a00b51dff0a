"""docs/policies.md does what it shows: its files are written, its commands run, their output compared."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from samtykke import cli

TEXT = (Path(__file__).parents[2] / "docs" / "policies.md").read_text("utf-8")
FILES = re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', TEXT, re.MULTILINE | re.DOTALL)
SESSIONS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_documented_commands_answer_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name, content in FILES:
        (tmp_path / name).write_text(content, "utf-8")
    assert {name for name, _ in FILES} == {"samtykke.toml", "mine.txt", "privacy.html", "scan.json"}
    for session in SESSIONS:
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE):
            monkeypatch.setattr(sys, "argv", shlex.split(command))
            code = 0
            try:
                cli.main()
            except SystemExit as ended:
                code = int(ended.code or 0)
            assert code in (0, 1), command
            said = capsys.readouterr()
            shown = [line.rstrip() for line in said.out.replace(str(tmp_path), ".").splitlines()]
            assert shown == [line.rstrip() for line in expected.splitlines()], command

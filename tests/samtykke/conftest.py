"""The program's commands, in this process and in one of their own, with the same answer."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from said import Said

from samtykke import cli


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Said]]:
    """`run("check", stdin="")`: a command in an empty folder, without the second that a process of its own takes."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["samtykke", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    yield call
    structlog.reset_defaults()  # `serve` and `up` set logging up for a process that ends with them


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Said]:
    """The same as a script does it: a process, its pipes and its exit code."""

    def call(*arguments: str, stdin: str = "") -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "samtykke", *arguments],
            input=stdin, capture_output=True, text=True, cwd=tmp_path, timeout=180, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    return call

"""How a command ends: exit codes, and answers as JSON where a script reads them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import typer

from samtykke.config import ConfigError

NO = 1
CONFIG = 2
UNREACHABLE = 3


class UnreachableError(RuntimeError):
    """The site, the database or the browser cannot be reached; the message names it."""


def check_target(option: str, target: str | None) -> None:
    """Raises ConfigError before long work for an answer that could not be written afterwards. Makes no file."""
    if not target or target == "-":
        return
    path = Path(target)
    folder = Path(os.path.realpath(path)).parent
    try:
        if not stat.S_ISDIR(_mode(folder)):
            raise ConfigError(f"--{option} {target}: no such folder")
        mode = _mode(path)
    except OSError as error:
        raise ConfigError(f"--{option} {target}: {(error.strerror or str(error)).lower()}") from error
    if stat.S_ISDIR(mode):
        raise ConfigError(f"--{option} {target}: a folder, not a file")
    if not os.access(path if mode else folder, os.W_OK if mode else os.W_OK | os.X_OK):
        raise ConfigError(f"--{option} {target}: permission denied")


def _mode(path: Path) -> int:
    """0 where nothing is there. Raises OSError where that cannot be seen."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def write_json(answer: Any, target: str) -> None:
    """One JSON document to a file, or to standard output for `-`. Raises ConfigError where it cannot be written."""
    text = json.dumps(answer, indent=1, ensure_ascii=False) + "\n"
    write_text(text, target)


def write_text(text: str, target: str) -> None:
    """Text to a file, or to standard output for `-`."""
    if target == "-":
        typer.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror}") from error

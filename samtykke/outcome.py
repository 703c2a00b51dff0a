"""How a command ends: exit codes, and answers as JSON where a script reads them."""

from __future__ import annotations

import json
import os
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
    if not path.resolve().parent.is_dir():
        raise ConfigError(f"--{option} {target}: no such folder")
    if path.is_dir():
        raise ConfigError(f"--{option} {target}: a folder, not a file")
    if not os.access(path if path.exists() else path.resolve().parent, os.W_OK):
        raise ConfigError(f"--{option} {target}: permission denied")


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

"""The options that every command shares, spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Config file (default: samtykke.toml if present).")
]
JsonTarget = Annotated[
    str | None, typer.Option("--json", metavar="-|FILE", help="Write the answer as JSON: - for standard output.")
]
SiteName = Annotated[
    str | None, typer.Option("--site", metavar="NAME", help="Which [[site]], where there are several.")
]


def group(name: str, about: str, example: str) -> typer.Typer:
    """A group of commands, with help as plain text: Rich would take `[[site]]` for markup."""
    return typer.Typer(name=name, help=f"{about}\n\nExample: {example}", no_args_is_help=True, rich_markup_mode=None)

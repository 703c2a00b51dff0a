"""One program, every command. Errors become one clear line and an exit code; a traceback is a defect."""

from __future__ import annotations

import sys

import typer

from samtykke import __version__
from samtykke.commands import (
    catalogue,
    check,
    explain,
    inventory,
    key,
    log,
    policy,
    prove,
    scan,
    schedule,
    serve,
    up,
)
from samtykke.config import ConfigError
from samtykke.outcome import CONFIG, UNREACHABLE, UnreachableError

app = typer.Typer(
    name="samtykke",
    help="Know your trackers, hold them against your policy, stop them until consent, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (up, scan, serve, check, explain, prove):
    module.register(app)
for group in (inventory, policy, catalogue, key, log, schedule):
    app.add_typer(group.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"samtykke {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Know your trackers, hold them against your policy, stop them until consent, and prove it."""


def main() -> None:
    """Run the program and exit with 0 (fine), 1 (the answer is no), 2 (usage or config), 3 (out of reach)."""
    try:
        app()
    except ConfigError as error:
        typer.echo(str(error), err=True)
        sys.exit(CONFIG)
    except UnreachableError as error:
        typer.echo(str(error), err=True)
        sys.exit(UNREACHABLE)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()

"""One program, every command. Errors become one clear line and an exit code; a traceback is a defect.

A command's module is imported when it is called: `samtykke key public` need not load a browser's driver.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from samtykke import __version__
from samtykke.config import ConfigError
from samtykke.outcome import CONFIG, UNREACHABLE, UnreachableError
from samtykke.plain import say

COMMANDS = {
    "up": "up", "scan": "scan", "serve": "serve", "bypass": "serve", "check": "check", "explain": "explain",
    "prove": "prove", "inventory": "inventory", "policy": "policy", "catalogue": "catalogue", "key": "key",
    "log": "log", "schedule": "schedule",
}  # fmt: skip
"""Each command or group of commands, as listed, and its module in `samtykke.commands`."""


class Commands(TyperGroup):
    """The commands by their names. Typer keeps the classes of contexts and commands to itself, hence Any."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"samtykke.commands.{COMMANDS[cmd_name]}")
        made = typer.Typer(add_completion=False, rich_markup_mode=None)
        if hasattr(module, "register"):
            module.register(made)
        else:
            made.add_typer(module.app)
        found = get_command(made)
        return found.commands[cmd_name] if isinstance(found, TyperGroup) else found


app = typer.Typer(
    name="samtykke",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it would take `[[site]]` for markup
    context_settings={"max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"samtykke {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Know your trackers, hold them against your policy, stop them until consent, and prove it.

    Example: samtykke up https://shop.example
    """


def main() -> None:
    """Run the program and exit with 0 (fine), 1 (the answer is no), 2 (usage or config), 3 (out of reach)."""
    try:
        app()
    except ConfigError as error:
        say(str(error), err=True)
        sys.exit(CONFIG)
    except UnreachableError as error:
        say(str(error), err=True)
        sys.exit(UNREACHABLE)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()

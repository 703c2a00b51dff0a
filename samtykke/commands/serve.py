"""`samtykke serve` and `samtykke bypass`: run the proxy, and switch enforcement off in an emergency."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from proxy.switch import set_bypass
from runtime.log import configure
from samtykke.commands.options import ConfigFile
from samtykke.config import ConfigError, load_config
from samtykke.serving import run_until_stopped, serve_until, state_folder


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(bypass)


def serve(
    workers: Annotated[int, typer.Option(help="Processes that share the port.")] = 1,
    config: ConfigFile = None,
) -> None:
    """Stand in front of the configured sites. SIGTERM or Ctrl-C stops after running requests have ended.

    Example: samtykke serve --config samtykke.toml
    """
    if workers != 1:
        raise ConfigError("--workers: more than one is not there yet")
    settings = load_config(config, required=True)
    if not settings.site:
        raise ConfigError("no [[site]] is configured: say at least hosts and upstream")
    configure()
    run_until_stopped(
        lambda: serve_until(settings, lambda address: typer.echo(f"listening on {address[0]}:{address[1]}"))
    )


def bypass(switch: Switch, config: ConfigFile = None) -> None:
    """Pass everything through unchanged (on) or enforce again (off). Takes effect within a second, without restart.

    Example: samtykke bypass on
    """
    folder = state_folder(load_config(config, required=True))
    try:
        set_bypass(folder, on=switch is Switch.ON)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}") from error
    typer.echo(f"bypass is {switch}: " + ("nothing is enforced" if switch is Switch.ON else "enforcing"))

"""`samtykke serve` and `samtykke bypass`: run the proxy, and switch enforcement off in an emergency."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from proxy.switch import set_bypass
from runtime.log import configure
from samtykke.commands.options import ConfigFile
from samtykke.config import Config, ConfigError, load_config
from samtykke.serving import serve_with_workers, state_folder


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(bypass)


def serve(
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1, max=256)] = 1,
    config: ConfigFile = None,
) -> None:
    """Stand in front of the configured sites. SIGTERM or Ctrl-C stops after running requests have ended.

    SIGHUP reads config and policies again without dropping a request. A worker that dies is replaced.

    Example: samtykke serve --workers 2 --config samtykke.toml
    """

    def load() -> Config:
        settings = load_config(config, required=True)
        if not settings.site:
            raise ConfigError("no [[site]] is configured: say at least hosts and upstream")
        return settings

    configure()
    code = serve_with_workers(load, workers, lambda address: typer.echo(f"listening on {address[0]}:{address[1]}"))
    raise typer.Exit(code)


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

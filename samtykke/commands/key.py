"""`samtykke key`: make and rotate the keys that sign cookies, tokens and checkpoints."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import typer

from runtime.keys import Keys, create_key_file, load_keys, rotate_key_file
from samtykke.commands.options import ConfigFile, group
from samtykke.config import Config, ConfigError, load_config

app = group("key", "The keys that sign cookies, tokens and checkpoints.", "samtykke key create")


@app.command()
def create(config: ConfigFile = None) -> None:
    """Make the key file (mode 0600). Refuses to replace one.

    Example: samtykke key create --config samtykke.toml
    """
    _say(load_config(config), create_key_file, "created")


@app.command()
def rotate(config: ConfigFile = None) -> None:
    """Sign with new keys from now on; what the old ones signed stays valid. Running servers pick it up on reload.

    Example: samtykke key rotate
    """
    _say(load_config(config), rotate_key_file, "rotated")


@app.command()
def public(config: ConfigFile = None) -> None:
    """The public keys, newest first, as ID=BASE64: what an auditor needs to check signatures. Deposit them elsewhere.

    Example: samtykke key public
    """
    path = load_config(config).consent.key_file
    try:
        keys = load_keys(load_config(config).path(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for key_id, raw in keys.public_keys.items():
        typer.echo(f"{key_id}={b64encode(raw).decode('ascii')}")


def _say(config: Config, change: Callable[[Path], Keys], done: str) -> None:
    path = config.path(config.consent.key_file)
    try:
        keys = change(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    typer.echo(f"{done} {path}; keep a copy apart from the database's copies")
    for key_id, public in keys.public_keys.items():
        typer.echo(f"public key {key_id}: {public.hex()}")

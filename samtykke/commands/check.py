"""`samtykke check`: is the config usable, and what does it say?"""

from __future__ import annotations

import typer

from samtykke.checking import not_writable, tried
from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import DEFAULT_FILE, ConfigError, load_config
from samtykke.outcome import write_json
from samtykke.wiring import rules_for


def register(app: typer.Typer) -> None:
    app.command()(check)


def check(config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Read the config and everything it names; say what is in force.

    A minimal file:

    \b
        [[site]]
        hosts = ["shop.example"]
        upstream = "http://127.0.0.1:9080"

    Example: samtykke check --config samtykke.toml
    """
    settings = load_config(config, required=True)
    wrong, unreadable = tried(settings)
    if wrong:
        raise ConfigError("\n".join(f"{config or DEFAULT_FILE}: {line}" for line in wrong))
    for line in (*unreadable, *not_writable(settings)):
        typer.echo(line, err=True)
    if json_target:
        write_json(settings.model_dump(mode="json"), json_target)
        return
    typer.echo(f"listen {settings.proxy.listen}, mode {settings.proxy.mode}, render {settings.proxy.render}")
    for site in settings.site:
        digest = rules_for(settings, site.name).policy_hash
        in_force = f"policy {digest[:16]}" if digest else "no published policy: enforced from the catalogue alone"
        typer.echo(f"site {site.name}: {', '.join(site.hosts)} -> {site.upstream}; {in_force}")
    if not settings.site:
        typer.echo("no [[site]] is configured: `serve` needs one")

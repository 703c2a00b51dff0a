"""`samtykke schedule`: crawls that run by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from croniter import croniter

from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import ConfigError, load_config
from samtykke.outcome import write_json

app = typer.Typer(name="schedule", help="Crawls that run by themselves.", no_args_is_help=True)


@app.command("list")
def list_schedules(config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Every [[schedule]] with its next run (UTC).

    Example: samtykke schedule list
    """
    now = datetime.now(UTC)
    entries = [
        {"name": entry.name, "cron": entry.cron, "sites": list(entry.sites), "next": _next(entry.cron, now)}
        for entry in load_config(config).schedule
    ]
    if json_target:
        write_json(entries, json_target)
        return
    for entry in entries:
        typer.echo(f"{entry['next']}  {entry['name']}  ({entry['cron']})  {', '.join(entry['sites'])}")


@app.command("next")
def next_run(config: ConfigFile = None) -> None:
    """When the next crawl is due (UTC).

    Example: samtykke schedule next
    """
    now = datetime.now(UTC)
    due = sorted((_next(entry.cron, now), entry.name) for entry in load_config(config).schedule)
    typer.echo(f"{due[0][0]}  {due[0][1]}" if due else "nothing is scheduled")


@app.command("run")
def run(config: ConfigFile = None) -> None:
    """Run what is due, for ever.

    Example: samtykke schedule run
    """
    load_config(config)
    raise ConfigError("schedule run: not there yet; call `samtykke scan URL` from cron meanwhile")


def _next(cron: str, now: datetime) -> str:
    due: datetime = croniter(cron, now).get_next(datetime)
    return due.isoformat(timespec="minutes")

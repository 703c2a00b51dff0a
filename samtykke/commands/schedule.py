"""`samtykke schedule`: crawls that run by themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import typer

from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import UnreachableError, write_json
from samtykke.scanning import changes_since_last, scan_site
from samtykke.serving import run_until_stopped
from samtykke.stores import open_ledger
from scanner.schedule import Schedule, run_forever
from scanner.settings import ScanSettings

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
    settings = load_config(config)
    if not settings.schedule:
        raise ConfigError("no [[schedule]] is configured")
    plans = [Schedule(entry.name, entry.cron, entry.sites) for entry in settings.schedule]
    run_until_stopped(lambda: _run(settings, plans))


async def _run(settings: Config, plans: list[Schedule]) -> None:
    ledger = await open_ledger(settings)
    try:
        await run_forever(
            plans, ledger, lambda plan: _scan_all(settings, plan), now=lambda: datetime.now(UTC), sleep=asyncio.sleep
        )
    finally:
        await ledger.close()


async def _scan_all(settings: Config, plan: Schedule) -> str:
    """Scan each site of a schedule and say what changed since its last scan."""
    said = []
    for url in plan.sites:
        try:
            scanned = await scan_site(settings, ScanSettings(url=url))
            said.append(f"{url}: {await changes_since_last(settings, scanned)}")
        except UnreachableError as error:
            said.append(str(error))
        typer.echo(said[-1])
    return "; ".join(said)


def _next(cron: str, now: datetime) -> str:
    return Schedule("", cron, ()).next_run(now).isoformat(timespec="minutes")

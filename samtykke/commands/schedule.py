"""`samtykke schedule`: crawls that run by themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from runtime.alerts import Channel, tell
from samtykke.alerting import alert_of, channels_of, secret_of
from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import NO, UnreachableError, write_json
from samtykke.scanning import changes_since_last, scan_settings, scan_site
from samtykke.serving import run_until_stopped
from samtykke.stores import open_ledger
from scanner.schedule import Schedule, run_due, run_forever

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
def run(
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, then end: 1 on material changes.")] = False,
    config: ConfigFile = None,
) -> None:
    """Run what is due, for ever: each scan is compared with the last one, and material changes are told ([alerts]).

    A schedule seen for the first time waits for its next time. Runs that were missed are caught up once.

    Example: samtykke schedule run
    """
    settings = load_config(config)
    if not settings.schedule:
        raise ConfigError("no [[schedule]] is configured")
    plans = [Schedule(entry.name, entry.cron, entry.sites) for entry in settings.schedule]
    for plan in plans:
        for url in plan.sites:
            scan_settings(url=url)
    channels = channels_of(settings)
    if not once:
        run_until_stopped(lambda: _run(settings, plans, channels))
    elif asyncio.run(_run_once(settings, plans, channels)):
        raise typer.Exit(NO)


@app.command("secret")
def secret(config: ConfigFile = None) -> None:
    """What a webhook's receiver verifies alerts with: the key's id and the secret as hex.

    Example: samtykke schedule secret
    """
    found = secret_of(load_config(config))
    typer.echo(f"{found.key} {found.value.hex()}")


async def _run(settings: Config, plans: list[Schedule], channels: list[Channel]) -> None:
    ledger = await open_ledger(settings)
    try:
        await run_forever(plans, ledger, Rounds(settings, channels).work, now=_now, sleep=asyncio.sleep)
    finally:
        await ledger.close()


async def _run_once(settings: Config, plans: list[Schedule], channels: list[Channel]) -> bool:
    """Were there material changes?"""
    ledger = await open_ledger(settings)
    rounds = Rounds(settings, channels)
    try:
        ran = await run_due(plans, ledger, rounds.work, _now)
    finally:
        await ledger.close()
    if not ran:
        typer.echo("nothing is due")
    return rounds.material


class Rounds:
    """Scans the sites of one schedule after the other, compares, tells. `material` once anything material changed."""

    def __init__(self, settings: Config, channels: list[Channel]) -> None:
        self._settings = settings
        self._channels = channels
        self.material = False

    async def work(self, plan: Schedule) -> str:
        """One run; gives what came of it in words."""
        said = []
        for url in plan.sites:
            try:
                said.append(f"{url}: {await self._one(plan, url)}")
            except UnreachableError as error:
                said.append(str(error))
            typer.echo(said[-1])
        return "; ".join(said)

    async def _one(self, plan: Schedule, url: str) -> str:
        scanned = await scan_site(self._settings, scan_settings(url=url))
        changes = await changes_since_last(self._settings, scanned)
        if changes is None or scanned.number is None:
            return "first scan"
        words = changes.in_words()
        if not changes.material:
            return words
        self.material = True
        alert = alert_of(plan.name, scanned.scan.site, scanned.number, changes)
        failures = await tell(alert, self._channels, now=_now, sleep=asyncio.sleep)
        return "\n".join([words, *(f"alert not delivered: {failure}" for failure in failures)])


def _now() -> datetime:
    return datetime.now(UTC)


def _next(cron: str, now: datetime) -> str:
    return Schedule("", cron, ()).next_run(now).isoformat(timespec="minutes")

"""`samtykke schedule`: scans and proofs that run by themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from runtime.alerts import Channel
from samtykke.alerting import channels_of, secret_of
from samtykke.commands.options import ConfigFile, JsonTarget, group
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import NO, write_json
from samtykke.rounds import Rounds, checked
from samtykke.serving import run_until_stopped
from samtykke.stores import open_ledger
from scanner.schedule import Schedule, run_due, run_forever

app = group("schedule", "Scans and proofs that run by themselves.", "samtykke schedule list")


@app.command("list")
def list_schedules(config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Every [[schedule]] with its next run (UTC).

    Example: samtykke schedule list
    """
    entries = _entries(load_config(config))
    if json_target:
        write_json(entries, json_target)
        return
    for entry in entries:
        typer.echo(f"{entry['next']}  {entry['kind']} {entry['name']}  ({entry['cron']})  {', '.join(entry['sites'])}")


@app.command("next")
def next_run(config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """When the next one is due (UTC).

    Example: samtykke schedule next
    """
    due = min(_entries(load_config(config)), key=lambda entry: (entry["next"], entry["name"]), default=None)
    if json_target:
        write_json(due or {"name": None, "kind": None, "cron": None, "sites": [], "next": None}, json_target)
        return
    typer.echo(f"{due['next']}  {due['name']}" if due else "nothing is scheduled")


@app.command("run")
def run(
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, then end: 1 where it got worse.")] = False,
    config: ConfigFile = None,
) -> None:
    """Run what is due, for ever, compare it with the last time and tell what matters ([alerts]).

    Told are a scan's material changes, and what leaks or is broken in a proof that did not or was not before.
    A schedule seen for the first time waits for its next time. Runs that were missed are caught up once.

    Example: samtykke schedule run
    """
    settings = load_config(config)
    if not settings.schedule:
        raise ConfigError("no [[schedule]] is configured")
    plans = checked(settings)
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
        await run_forever(plans, ledger, Rounds(settings, channels, ledger).work, now=_now, sleep=asyncio.sleep)
    finally:
        await ledger.close()


async def _run_once(settings: Config, plans: list[Schedule], channels: list[Channel]) -> bool:
    """Did anything get worse?"""
    ledger = await open_ledger(settings)
    rounds = Rounds(settings, channels, ledger)
    try:
        ran = await run_due(plans, ledger, rounds.work, _now)
    finally:
        await ledger.close()
    if not ran:
        typer.echo("nothing is due")
    return rounds.worse


def _now() -> datetime:
    return datetime.now(UTC)


def _entries(config: Config) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [
        {
            "name": entry.name,
            "kind": entry.kind,
            "cron": entry.cron,
            "sites": list(entry.sites),
            "next": _next(entry.cron, now),
        }
        for entry in config.schedule
    ]


def _next(cron: str, now: datetime) -> str:
    return Schedule("", cron, ()).next_run(now).isoformat(timespec="minutes")

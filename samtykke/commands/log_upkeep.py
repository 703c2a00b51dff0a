"""The commands of `samtykke log` that keep the log: erase, prune, checkpoint, backup, restore, upgrade."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from proxy.consent.log import ConsentLog, Verification, verify
from proxy.consent.log.backup import Copied, back_up, digest, schema
from proxy.consent.log.backup import restore as restored
from samtykke.commands.log_access import guarded, keys_of, with_log
from samtykke.commands.options import ConfigFile, JsonTarget, SiteName
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import NO, write_json


def register(app: typer.Typer) -> None:
    for command in (erase, prune, checkpoint, backup, restore, upgrade):
        app.command()(command)


def erase(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT")],
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Withdraw and forget who it was; choice, time and hashes stay, and the chain still verifies.

    Example: samtykke log erase 7f3a...
    """
    count = with_log(load_config(config), lambda log: log.erase(subject, site), site=site)
    if json_target:
        write_json({"subject": subject, "site": site, "rows": count}, json_target)
    else:
        typer.echo(f"{count} rows erased")
    if not count:
        raise typer.Exit(NO)


def prune(site: SiteName = None, config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Delete rows older than [consent] retention_days, leaving a signed boundary.

    Example: samtykke log prune
    """
    settings = load_config(config)
    before = datetime.now(UTC) - timedelta(days=settings.consent.retention_days)
    count = with_log(settings, lambda log: log.prune(before, site), site=site)
    if json_target:
        write_json({"before": before.isoformat(timespec="seconds"), "site": site, "rows": count}, json_target)
    else:
        typer.echo(f"{count} rows older than {before:%Y-%m-%d} deleted")


def checkpoint(site: SiteName = None, config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Sign the newest row of every chain now, outside the database.

    Example: samtykke log checkpoint
    """
    path = with_log(load_config(config), lambda log: log.checkpoint(site=site), site=site)
    if json_target:
        write_json({"file": path and str(path), "site": site}, json_target)
    else:
        empty = "the log is empty" if site is None else f"nothing is recorded of {site}"
        typer.echo(f"signed into {path}" if path else f"{empty}: nothing to sign")


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; it must not exist.")],
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Copy the whole log into a file while the proxy goes on writing, and check the copy.

    The copy is a SQLite log, also where the log is in PostgreSQL. Keep checkpoints and key file elsewhere, each apart.

    Example: samtykke log backup /backup/consent-2026-11-20.db
    """
    settings = load_config(config)

    async def run() -> tuple[Copied, Verification]:
        try:
            copied = await back_up(settings.store(settings.consent.store), target)
        except OSError as error:
            raise ConfigError(f"{target}: {error.strerror or 'is there already'}") from error
        return copied, await _verified(settings, f"sqlite:///{target.absolute()}")

    copied, found = guarded(run)
    answer = {"file": str(target), "sha256": digest(target), **copied.as_dict(), "ok": found.ok}
    if json_target:
        write_json(answer, json_target)
    else:
        typer.echo(f"{target}: {copied.rows} rows in {copied.chains} chains, {copied.notices} notices")
        typer.echo(f"SHA-256 {answer['sha256']}")
    _judge(found)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `log backup` made.")],
    config: ConfigFile = None,
) -> None:
    """Put a backup into the configured log, which must be empty, and check it against the checkpoints.

    Stop the proxy first. Exit 1 where checkpoints have seen more than the backup holds.

    Example: samtykke log restore /backup/consent-2026-11-20.db
    """
    settings = load_config(config)
    if not source.is_file():
        raise ConfigError(f"{source}: no such file")
    url = settings.store(settings.consent.store)

    async def run() -> tuple[Copied, Verification]:
        return await restored(source, url), await _verified(settings, url)

    copied, found = guarded(run)
    typer.echo(f"{copied.rows} rows in {copied.chains} chains, {copied.notices} notices restored from {source}")
    _judge(found)
    detail: dict[str, object] = {"restored": digest(source), "rows": copied.rows}
    path = with_log(settings, lambda log: log.checkpoint(detail))
    typer.echo(f"signed into {path}" if path else "the backup was empty")


def upgrade(config: ConfigFile = None) -> None:
    """Bring the log to this program's schema. Opening does so too; here it is said. Back up first.

    Example: samtykke log upgrade
    """
    settings = load_config(config)
    url = settings.store(settings.consent.store)
    before = guarded(lambda: schema(url))

    async def opened(_: ConsentLog) -> None:
        return None

    with_log(settings, opened)
    after = guarded(lambda: schema(url))
    typer.echo(f"schema {after}" + (", nothing to do" if before == after else f", was {before}"))


async def _verified(settings: Config, url: str) -> Verification:
    return await verify(url, keys_of(settings).public_keys, settings.path(settings.consent.checkpoints))


def _judge(found: Verification) -> None:
    """Say what does not fit and leave with 1."""
    if found.first_bad is None:
        typer.echo(f"intact: {found.checkpoints_matched} of {found.checkpoints_seen} checkpoints match")
        return
    typer.echo(f"NOT INTACT: {found.first_bad.what}", err=True)
    typer.echo(
        "If an older backup was restored on purpose, move the checkpoints aside, keep them, note why, "
        "then run `samtykke log checkpoint`.",
        err=True,
    )
    raise typer.Exit(NO)

"""`samtykke log`: what visitors were shown and chose, and whether the record is intact."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from proxy.consent.log import ConsentLog, LogUnavailable, Row, verify
from proxy.consent.log.export import Format, write_export
from proxy.consent.log.receipt import Controller, Terms, iso27560, kantara
from proxy.consent.log.statistics import as_json, chart_svg
from runtime.keys import Keys, load_keys
from samtykke.commands.options import ConfigFile, JsonTarget, SiteName
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import NO, UnreachableError, write_json, write_text
from samtykke.wiring import catalogue

app = typer.Typer(name="log", help="What visitors were shown and chose.", no_args_is_help=True)
Answer = TypeVar("Answer")
_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Since = Annotated[datetime | None, typer.Option("--from", formats=_DAYS, help="UTC, included.")]
Until = Annotated[datetime | None, typer.Option("--to", formats=_DAYS, help="UTC, not included.")]


@app.command("verify")
def verify_log(
    export_file: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Check an export instead of the database.")
    ] = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Is every row there, in order and unaltered? Exit 1 names the first bad row.

    Example: samtykke log verify
    """
    settings = load_config(config)
    source = export_file or settings.store(settings.consent.store)
    keys = _keys(settings)

    async def run() -> dict[str, object]:
        found = await verify(source, keys.public_keys, settings.path(settings.consent.checkpoints))
        return found.as_dict()

    answer = _guarded(run)
    if json_target:
        write_json(answer, json_target)
    else:
        _print_verification(answer)
    if not answer["ok"]:
        raise typer.Exit(NO)


@app.command()
def show(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The id that the visitor sees.")],
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Everything recorded of one visitor, oldest first.

    Example: samtykke log show 7f3a...
    """
    rows = _with_log(load_config(config), lambda log: log.rows_of(subject))
    if json_target:
        write_json([row.as_dict() for row in rows], json_target)
    else:
        print_rows(rows)
    if not rows:
        typer.echo(f"nothing is recorded of {subject}", err=True)
        raise typer.Exit(NO)


@app.command()
def export(
    begin: Since = None,
    end: Until = None,
    site: SiteName = None,
    format_: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    target: Annotated[str, typer.Option("--output", metavar="-|FILE")] = "-",
    config: ConfigFile = None,
) -> None:
    """All rows as JSON Lines or CSV, streamed, with a signed manifest that counts them (beside the file, or on stderr).

    Example: samtykke log export --from 2026-01-01 --format csv --output consent.csv
    """
    if format_ not in ("jsonl", "csv"):
        raise ConfigError(f"--format {format_}: write jsonl or csv")

    keys = _keys(load_config(config))
    form: Format = "csv" if format_ == "csv" else "jsonl"

    async def run(log: ConsentLog) -> dict[str, object]:
        rows = log.export(_utc(begin), _utc(end), site)
        try:
            with _opened(target) as file:
                return await write_export(rows, file.write, form, keys, begin=_utc(begin), end=_utc(end), site=site)
        except OSError as error:
            raise ConfigError(f"{target}: {error.strerror}") from error

    manifest = _with_log(load_config(config), run)
    if target == "-":
        typer.echo(json.dumps(manifest), err=True)
    else:
        write_json(manifest, f"{target}.manifest.json")
        typer.echo(f"{target}; its signed count is {target}.manifest.json", err=True)


@app.command()
def stats(
    begin: Since = None,
    end: Until = None,
    site: SiteName = None,
    config: ConfigFile = None,
    svg: Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Draw the days.")] = None,
    json_target: JsonTarget = None,
) -> None:
    """Choices by day, site, language and notice.

    Example: samtykke log stats --from 2026-01-01
    """
    days = _with_log(load_config(config), lambda log: log.stats(_utc(begin), _utc(end), site))
    if svg:
        write_text(chart_svg(days), svg)
    if json_target:
        write_json(as_json(days), json_target)
        return
    table = Table(*("day", "site", "language", "notice", "shown", "accept", "reject", "save", "withdraw"))
    for day in days:
        table.add_row(*(str(value)[:16] for value in day.as_dict().values()))
    Console().print(table)


@app.command()
def notice(
    digest: Annotated[str, typer.Argument(metavar="HASH", help="The notice's hash, as in a row.")],
    target: Annotated[str, typer.Option("--output", metavar="-|FILE")] = "-",
    config: ConfigFile = None,
) -> None:
    """The exact bytes of the notice that was shown.

    Example: samtykke log notice 3f2a... --output notice.html
    """
    found = _with_log(load_config(config), lambda log: log.notice(digest))
    if found is None:
        typer.echo(f"no notice {digest} is kept", err=True)
        raise typer.Exit(NO)
    if target == "-":
        sys.stdout.buffer.write(found.content)
        return
    try:
        Path(target).write_bytes(found.content)
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror}") from error


@app.command()
def erase(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT")], config: ConfigFile = None
) -> None:  # fmt: skip
    """Withdraw and forget who it was; choice, time and hashes stay, and the chain still verifies.

    Example: samtykke log erase 7f3a...
    """
    count = _with_log(load_config(config), lambda log: log.erase(subject))
    typer.echo(f"{count} rows erased")
    if not count:
        raise typer.Exit(NO)


@app.command()
def prune(config: ConfigFile = None) -> None:
    """Delete rows older than [consent] retention_days, leaving a signed boundary.

    Example: samtykke log prune
    """
    settings = load_config(config)
    before = datetime.now(UTC) - timedelta(days=settings.consent.retention_days)
    count = _with_log(settings, lambda log: log.prune(before))
    typer.echo(f"{count} rows older than {before:%Y-%m-%d} deleted")


@app.command()
def checkpoint(config: ConfigFile = None) -> None:
    """Sign the newest row of every chain now, outside the database.

    Example: samtykke log checkpoint
    """
    path = _with_log(load_config(config), lambda log: log.checkpoint())
    typer.echo(f"signed into {path}" if path else "the log is empty: nothing to sign")


@app.command()
def receipt(
    row_id: Annotated[str, typer.Argument(metavar="ID", help='A row, such as "shop/17".')],
    format_: Annotated[str, typer.Option("--format", help="iso27560 or kantara.")] = "iso27560",
    config: ConfigFile = None,
    json_target: JsonTarget = "-",
) -> None:
    """A receipt of one choice: ISO/IEC TS 27560 as DPV JSON-LD, or Kantara 1.1.

    Example: samtykke log receipt shop/17 --format kantara
    """
    forms = {"iso27560": iso27560, "kantara": kantara}
    if format_ not in forms:
        raise ConfigError(f"--format {format_}: write iso27560 or kantara")
    settings = load_config(config)

    async def find(log: ConsentLog) -> list[Row]:
        row = await log.row(row_id)
        if row is None:
            return []
        return [one for one in await log.rows_of(row.subject) if one.seq <= row.seq] if row.subject else [row]

    rows = _with_log(settings, find)
    if not rows:
        typer.echo(f"no row {row_id}", err=True)
        raise typer.Exit(NO)
    told = settings.controller
    site = next((site for site in settings.site if site.name == rows[-1].site), None)
    controller = Controller(told.name or rows[-1].site, told.org_number, told.contact, site.declared if site else "")
    vendors = {vendor.id: vendor.name for vendor in catalogue().vendors.values()}
    terms = Terms(settings.consent.lifetime_days * 86_400, vendors=vendors)
    try:
        write_json(forms[format_](rows, controller, terms), json_target or "-")
    except ValueError as error:
        raise ConfigError(f"{row_id}: {error}") from error


def print_rows(rows: list[Row]) -> None:
    table = Table("id", "time", "event", "purposes", "surface", "language", "notice", "policy")
    for row in rows:
        given = ", ".join(f"{'+' if granted else '-'}{purpose}" for purpose, granted in row.purposes.items())
        cells = (
            row.id,
            row.time,
            row.event,
            given,
            row.surface,
            row.language,
            (row.notice or "")[:12],
            (row.policy or "")[:12],
        )
        table.add_row(*(str(cell or "") for cell in cells))
    Console().print(table)


def _print_verification(answer: dict[str, object]) -> None:
    typer.echo(f"{answer['rows']} rows in {answer['chains']} chains: {'intact' if answer['ok'] else 'NOT INTACT'}")
    if bad := answer["first_bad"]:
        typer.echo(f"first bad row: {json.dumps(bad, ensure_ascii=False)}")
    typer.echo(f"checkpoints: {json.dumps(answer['checkpoints'])}")
    for remark in answer.get("remarks") or ():  # type: ignore[attr-defined]  # a list of sentences, where there are any
        typer.echo(f"  {remark}")


@contextmanager
def _opened(target: str) -> Iterator[IO[bytes]]:
    if target == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with open(target, "wb") as file:
        yield file


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _keys(settings: Config) -> Keys:
    path = settings.path(settings.consent.key_file)
    try:
        return load_keys(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _with_log(settings: Config, work: Callable[[ConsentLog], Awaitable[Answer]]) -> Answer:
    keys = _keys(settings)

    async def run() -> Answer:
        log = await ConsentLog.open(
            settings.store(settings.consent.store), keys, checkpoints=settings.path(settings.consent.checkpoints)
        )
        try:
            return await work(log)
        finally:
            await log.close()

    return _guarded(run)


def _guarded(run: Callable[[], Awaitable[Answer]]) -> Answer:
    async def once() -> Answer:
        return await run()

    try:
        return asyncio.run(once())
    except LogUnavailable as error:
        raise UnreachableError(f"the consent log is out of reach: {error}") from error
    except ValueError as error:
        raise ConfigError(f"consent.store: {error}") from error

"""`samtykke log`: what visitors were shown and chose, and whether the record is intact."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich import box
from rich.table import Table

from proxy.consent.log import ConsentLog, Notice, Row, verify
from proxy.consent.log.export import Format, write_export
from proxy.consent.log.receipt import Controller, Terms, iso27560, kantara
from proxy.consent.log.statistics import COUNTED, as_json, chart_svg
from proxy.consent.notice import inventory_of
from samtykke.commands import log_upkeep
from samtykke.commands.log_access import guarded, keys_of, with_log
from samtykke.commands.options import ConfigFile, JsonTarget, SiteName, group
from samtykke.config import ConfigError, load_config
from samtykke.outcome import NO, write_json, write_text
from samtykke.picture import pictures
from samtykke.terminal import Terminal
from scanner.browser import BrowserSettings

app = group("log", "What visitors were shown and chose.", "samtykke log verify")
log_upkeep.register(app)
_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Since = Annotated[datetime | None, typer.Option("--from", formats=_DAYS, help="UTC, included.")]
Until = Annotated[datetime | None, typer.Option("--to", formats=_DAYS, help="UTC, not included.")]


@app.command("verify")
def verify_log(
    export_file: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Check an export instead of the database.")
    ] = None,
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Is every row there, in order and unaltered? Exit 1 names the first bad row.

    Example: samtykke log verify
    """
    settings = load_config(config)
    source = export_file or settings.store(settings.consent.store)
    keys = keys_of(settings)

    async def run() -> dict[str, object]:
        found = await verify(source, keys.public_keys, settings.path(settings.consent.checkpoints), site=site)
        if site is not None and found.ok and not found.chains:
            settings.one_site(site)
        return found.as_dict()

    answer = guarded(run)
    if json_target:
        write_json(answer, json_target)
    else:
        _print_verification(answer)
    if not answer["ok"]:
        raise typer.Exit(NO)


@app.command()
def show(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The id that the visitor sees.")],
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Everything recorded of one visitor, oldest first.

    Example: samtykke log show 7f3a...
    """
    found = with_log(load_config(config), lambda log: log.rows_of(subject), site=site)
    rows = [row for row in found if site in (None, row.chain)]
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

    keys = keys_of(load_config(config))
    form: Format = "csv" if format_ == "csv" else "jsonl"

    async def run(log: ConsentLog) -> dict[str, object]:
        rows = log.export(_utc(begin), _utc(end), site)
        try:
            with _opened(target) as file:
                return await write_export(rows, file.write, form, keys, begin=_utc(begin), end=_utc(end), site=site)
        except OSError as error:
            raise ConfigError(f"{target}: {error.strerror}") from error

    manifest = with_log(load_config(config), run, site=site)
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
    """Choices by day, site, language and notice; opt-in is the share of choices that accepted everything.

    Example: samtykke log stats --from 2026-01-01
    """
    days = with_log(load_config(config), lambda log: log.stats(_utc(begin), _utc(end), site), site=site)
    if svg:
        write_text(chart_svg(days), svg)
    if json_target:
        write_json(as_json(days), json_target)
        return
    table = Table("day", "site", "language", "notice", box=box.SIMPLE)
    for name in (*COUNTED, "opt-in"):
        table.add_column(name, justify="right", no_wrap=True)
    for day in days:
        counts = (str(getattr(day, name)) for name in COUNTED)
        rate = f"{day.accept / day.decided:.0%}" if day.decided else ""
        table.add_row(day.day, day.site, day.language, (day.notice or "")[:12], *counts, rate)
    Terminal(width=None if sys.stdout.isatty() else 140).print(table)


@app.command()
def notice(
    digest: Annotated[str, typer.Argument(metavar="HASH", help="The notice's hash, as in a row, or its beginning.")],
    target: Annotated[str, typer.Option("--output", metavar="-|FILE", help="Where the HTML goes.")] = "-",
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="FOLDER", help="Take pictures instead: banner and settings, desktop and phone."),
    ] = None,
    site: SiteName = None,
    config: ConfigFile = None,
) -> None:
    """The exact bytes of the notice that was shown, or pictures of it taken in Chromium.

    Example: samtykke log notice 3f2a... --png evidence/
    """
    found = with_log(load_config(config), lambda log: log.notice(digest, site), site=site)
    if found is None:
        typer.echo(f"no notice {digest} is kept, or several begin so", err=True)
        raise typer.Exit(NO)
    try:
        if png is not None:
            _take_pictures(found, png)
        elif target == "-":
            sys.stdout.buffer.write(found.content)
        else:
            Path(target).write_bytes(found.content)
    except OSError as error:
        raise ConfigError(f"{png or target}: {error.strerror}") from error


def _take_pictures(notice: Notice, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in asyncio.run(pictures(notice.content, BrowserSettings())).items():
        path = folder / f"{notice.hash[:12]}-{name}.png"
        path.write_bytes(picture)
        typer.echo(f"{path}  SHA-256 {sha256(picture).hexdigest()}")


@app.command()
def receipt(
    row_id: Annotated[str, typer.Argument(metavar="ID", help='A row, such as "shop/17".')],
    format_: Annotated[str, typer.Option("--format", help="iso27560 or kantara.")] = "iso27560",
    site: SiteName = None,
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

    async def find(log: ConsentLog) -> tuple[list[Row], Notice | None]:
        row = await log.row(row_id)
        if row is None or site not in (None, row.chain):
            return [], None
        rows = [one for one in await log.rows_of(row.subject) if one.seq <= row.seq] if row.subject else [row]
        rows = [one for one in rows if site in (None, one.chain)]
        return rows, await log.notice(row.notice) if row.notice else None

    rows, notice = with_log(settings, find, site=site)
    if not rows:
        typer.echo(f"no row {row_id}", err=True)
        raise typer.Exit(NO)
    asks = settings.controller
    declared = next((each.declared for each in settings.site if each.name == rows[-1].site), "")
    controller = Controller(asks.name or rows[-1].site, asks.org_number, asks.contact, declared)
    terms = Terms(settings.consent.lifetime_days * 86_400)
    try:
        if notice is not None:
            told = inventory_of(notice.content)
            terms = replace(terms, purposes=told.purposes, vendors=told.vendors, vendor_purposes=told.vendor_purposes)
        write_json(forms[format_](rows, controller, terms), json_target or "-")
    except ValueError as error:
        raise ConfigError(f"{row_id}: {error}") from error


def print_rows(rows: list[Row]) -> None:
    table = Table("id", "time", "event", "purposes", "surface", "language", "notice", "policy", box=box.SIMPLE)
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
    Terminal(width=None if sys.stdout.isatty() else 160).print(table)


def _print_verification(answer: dict[str, Any]) -> None:
    typer.echo(f"{answer['rows']} rows in {answer['chains']} chains: {'intact' if answer['ok'] else 'NOT INTACT'}")
    if bad := answer["first_bad"]:
        typer.echo(f"first bad row: {json.dumps(bad, ensure_ascii=False)}")
    typer.echo(f"checkpoints: {json.dumps(answer['checkpoints'])}")
    for remark in answer["remarks"]:
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

"""`samtykke prove`: visit the site through the proxy in every consent state and name what leaks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import ConfigError, load_config
from samtykke.outcome import NO, check_target, write_json, write_text
from samtykke.proving import keep_digest, prove_site, site_of
from samtykke.terminal import Terminal, coloured
from scanner.prove import STATES, Proof
from scanner.report.proof import render_proof
from scanner.settings import ScanSettings


def register(app: typer.Typer) -> None:
    app.command("prove")(prove_url)


def prove_url(
    url: Annotated[str, typer.Argument(metavar="URL", help="The proxy's address.")],
    direct: Annotated[str | None, typer.Option(metavar="URL", help="The site without the proxy.")] = None,
    pages: Annotated[int, typer.Option("--pages", "--max-pages", min=1, help="Pages in the sample.")] = 4,
    state: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this kind of visitor; repeat.")] = None,
    report: Annotated[str | None, typer.Option(metavar="FILE.html", help="A report to show.")] = None,
    log: Annotated[bool, typer.Option(help="Keep the result's digest in the consent log.")] = True,
    allow_private: Annotated[list[str] | None, typer.Option(metavar="CIDR", help="Inner networks allowed.")] = None,
    chromium_arg: Annotated[list[str] | None, typer.Option(metavar="ARG", help="Further browser arguments.")] = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Visit the site through the proxy in every consent state: does anything leak?

    Undecided, after reject, after each purpose, after accept, with GPC, without JavaScript. Exit 1 on a leak.

    Example: samtykke prove http://shop.localhost:8080/
    """
    settings = load_config(config)
    check_target("report", report)
    check_target("json", json_target)
    if unknown := set(state or ()) - {each.name for each in STATES}:
        raise ConfigError(f"--state {sorted(unknown)[0]}: known are {', '.join(each.name for each in STATES)}")
    site = site_of(settings, url)
    try:
        asked = ScanSettings(
            url=url, allow_private=tuple(allow_private or ()), chromium_arguments=tuple(chromium_arg or ())
        )  # fmt: skip
    except ValidationError as error:
        raise ConfigError(f"{url}: {error.errors()[0]['msg']}") from error
    console = Terminal(stderr=True)
    work = prove_site(
        settings,
        asked,
        direct=direct,
        pages=pages,
        states=state or (),
        report=console.print,
    )
    proof = asyncio.run(work)
    if report:
        write_text(render_proof(proof, generated=datetime.now(UTC)), report)
    if log and site is not None:
        console.print(asyncio.run(keep_digest(settings, site, proof)))
    if json_target:
        write_json(proof.to_json(), json_target)
    else:
        print_proof(Terminal(), proof)
    if proof.leaks:
        raise typer.Exit(NO)


def print_proof(console: Terminal, proof: Proof) -> None:
    """One row a cell, then every leak and breakage by name."""
    table = Table(title=f"Proof of {proof.url} under policy {(proof.policy_hash or 'none')[:16]}")
    for heading in ("state", "page", "leaks", "broken", "unknown"):
        table.add_column(heading, overflow="fold")
    for cell in proof.cells:
        mark = coloured((str(len(cell.leaks)), "bold red") if cell.leaks else ("0", "green"))
        table.add_row(cell.state, cell.page, mark, str(len(cell.breakage)), str(len(cell.unknown)))
    console.print(table)
    for cell in proof.cells:
        for leak in cell.leaks:
            where = f" {cell.state} {cell.page}: {leak.kind} {leak.subject}: {leak.because}"
            console.print(coloured(("leak", "red"), where), soft_wrap=True)
        for broken in cell.breakage:
            console.print(coloured(("broken", "yellow"), f" {cell.state} {cell.page}: {broken}"), soft_wrap=True)
    console.print("Something leaks." if proof.leaks else "Nothing leaks.")

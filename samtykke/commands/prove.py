"""`samtykke prove`: visit the site through the proxy in every consent state and name what leaks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from policies.drafting import draft_policy
from policies.observation import Scan
from policies.rules import Rules
from policies.site_policy import in_force
from proxy.consent.log import ConsentLog, Event
from proxy.settings import SiteSettings
from samtykke.commands.log_access import with_log
from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import NO, UnreachableError, write_json, write_text
from samtykke.wiring import catalogue, site_rules
from scanner.choice import ChoiceError
from scanner.prove import Proof, Task, prove
from scanner.report.proof import render_proof
from scanner.settings import ScanSettings


def register(app: typer.Typer) -> None:
    app.command("prove")(prove_url)


def prove_url(
    url: Annotated[str, typer.Argument(metavar="URL", help="The proxy's address.")],
    direct: Annotated[str | None, typer.Option(metavar="URL", help="The site without the proxy.")] = None,
    pages: Annotated[int, typer.Option("--pages", "--max-pages", min=1, help="Pages in the sample.")] = 4,
    report: Annotated[str | None, typer.Option(metavar="FILE.html", help="A report to show.")] = None,
    log: Annotated[bool, typer.Option(help="Keep the result's digest in the consent log.")] = True,
    allow_private: Annotated[list[str] | None, typer.Option(metavar="CIDR", help="Inner networks allowed.")] = None,
    chromium_arg: Annotated[list[str] | None, typer.Option(metavar="ARG", help="Further browser arguments.")] = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Undecided, after reject, after each purpose, after accept, with GPC, without JavaScript. Exit 1 on a leak.

    Example: samtykke prove http://shop.localhost:8080/
    """
    settings = load_config(config)
    if report and not Path(report).resolve().parent.is_dir():
        raise ConfigError(f"--report {report}: no such folder")
    site = next((s for s in settings.site if _serves(s, url)), None)
    try:
        asked = ScanSettings(
            url=url, allow_private=tuple(allow_private or ()), chromium_arguments=tuple(chromium_arg or ())
        )  # fmt: skip
    except ValidationError as error:
        raise ConfigError(f"{url}: {error.errors()[0]['msg']}") from error
    source, mapping = (direct, "") if direct else direct_address(site, url)
    console = Console(stderr=True)
    try:
        proof = asyncio.run(
            prove(
                Task(asked, source, pages, mapping=mapping),
                lambda seen: _rules(settings, site, url, seen),
                now=lambda: datetime.now(UTC),
                report=lambda line: console.print(line, highlight=False),
            )
        )
    except (ChoiceError, OSError) as error:
        raise UnreachableError(str(error)) from error
    if report:
        write_text(render_proof(proof, generated=datetime.now(UTC)), report)
    if log and site is not None:
        console.print(keep_digest(settings, site, proof), highlight=False)
    if json_target:
        write_json(proof.to_json(), json_target)
    else:
        print_proof(Console(), proof)
    if proof.leaks:
        raise typer.Exit(NO)


def keep_digest(settings: Config, site: SiteSettings, proof: Proof) -> str:
    """Append the proof's digest to the site's chain in the consent log; says where it is, or why it is nowhere.

    Raises ConfigError, UnreachableError.
    """
    if not settings.path(settings.consent.key_file).exists():
        return "The digest is not logged: there is no key file yet."
    event = Event(
        "prove",
        datetime.now(UTC),
        site.name,
        path=urlsplit(proof.url).path or "/",
        surface="prove",
        method="samtykke prove",
        policy=proof.policy_hash,
        detail={
            "digest": proof.digest,
            "cells": len(proof.cells),
            "leaks": sum(len(cell.leaks) for cell in proof.cells),
            "broken": sum(len(cell.breakage) for cell in proof.cells),
        },
    )

    async def keep(log: ConsentLog) -> str:
        row = await log.append(event)
        return f"The digest {proof.digest[:16]} is row {row.id} of the consent log."

    return with_log(settings, keep)


def direct_address(site: SiteSettings | None, url: str) -> tuple[str, str]:
    """(where the site is without the proxy, Chromium's resolver rules to get there). Raises ConfigError.

    The site's own host name is kept, so that its cookies and links are what they are in production.
    """
    if site is None:
        raise ConfigError(f"no [[site]] has the host of {url}: say where the site is with --direct URL")
    upstream, asked = urlsplit(site.upstream), urlsplit(url)
    path = asked.path or "/"
    if site.upstream_host:
        return f"{site.upstream}{path}", ""
    host = asked.hostname or ""
    port = upstream.port or (443 if upstream.scheme == "https" else 80)
    if host == upstream.hostname or host.endswith(".localhost"):
        return f"{upstream.scheme}://{host}:{port}{path}", ""
    return f"{upstream.scheme}://{host}{path}", f"MAP {host} {upstream.hostname}:{port}"


def print_proof(console: Console, proof: Proof) -> None:
    """One row a cell, then every leak and breakage by name."""
    table = Table(title=f"Proof of {proof.url} under policy {(proof.policy_hash or 'none')[:16]}")
    for heading in ("state", "page", "leaks", "broken", "unknown"):
        table.add_column(heading, overflow="fold")
    for cell in proof.cells:
        mark = f"[bold red]{len(cell.leaks)}[/]" if cell.leaks else "[green]0[/]"
        table.add_row(cell.state, cell.page, mark, str(len(cell.breakage)), str(len(cell.unknown)))
    console.print(table)
    for cell in proof.cells:
        for leak in cell.leaks:
            console.print(
                f"[red]leak[/] {cell.state} {cell.page}: {leak.kind} {leak.subject}: {leak.because}", soft_wrap=True
            )
        for broken in cell.breakage:
            console.print(f"[yellow]broken[/] {cell.state} {cell.page}: {broken}", soft_wrap=True)
    console.print("Something leaks." if proof.leaks else "Nothing leaks.")


def _serves(site: SiteSettings, url: str) -> bool:
    return urlsplit(url).hostname in site.own_names


def _rules(config: Config, site: SiteSettings | None, url: str, seen: Scan) -> Rules:
    """The published policy's rules, or those drafted from what the site itself has just shown."""
    if site is not None and (rules := site_rules(config, site)).policy is not None:
        return rules
    host = urlsplit(url).hostname or ""
    draft = draft_policy([seen], catalogue(), site=site.name if site else host, hosts=[host])
    return Rules.for_site(in_force(draft, None), catalogue(), hosts=[host])

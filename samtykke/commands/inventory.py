"""`samtykke inventory`: what the scans found, and what changed between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from policies.lifetime import in_words
from policies.observation import Scan
from samtykke.commands.options import ConfigFile, JsonTarget, SiteName, group
from samtykke.config import Config, ConfigError, load_config
from samtykke.outcome import NO, write_json
from samtykke.plain import say
from samtykke.stores import open_inventory
from samtykke.terminal import Terminal
from scanner.changes import Changes, compare
from scanner.inventory import Entry, Inventory

app = group("inventory", "What the scans found.", "samtykke inventory show")
Answer = TypeVar("Answer")


@app.command()
def show(site: SiteName = None, config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """List the scans, and everything in the newest one.

    Example: samtykke inventory show
    """
    settings = load_config(config)
    hosts = site_hosts(settings, site)

    async def read(inventory: Inventory) -> tuple[list[dict[str, object]], Scan | None]:
        found = await scans_of(inventory, hosts)
        entries: list[dict[str, object]] = [
            {"id": entry.id, "site": entry.site, "started": entry.started, "mode": entry.mode,
             "consent": entry.consent, "pages": entry.pages, "failed": entry.failed, "cookies": entry.cookies}
            for entry in found
        ]  # fmt: skip
        return entries, await _newest(inventory, found)

    entries, newest = with_inventory(settings, read)
    if json_target:
        write_json({"scans": entries, "newest": newest and newest.model_dump(mode="json")}, json_target)
        return
    console = Terminal()
    table = Table("scan", "site", "started", "mode", "consent", "pages", "failed", "cookies", title="Scans")
    for entry in entries:
        table.add_row(*(str(value) for value in entry.values()))
    console.print(table)
    if newest:
        print_cookies(console, newest)


@app.command()
def export(
    number: Annotated[int | None, typer.Argument(metavar="SCAN", help="Id of a scan; default: the newest.")] = None,
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = "-",
) -> None:
    """A scan as JSON, as `scan --json` wrote it.

    Example: samtykke inventory export --json scan.json
    """
    settings = load_config(config)
    hosts = site_hosts(settings, site)

    async def read(inventory: Inventory) -> Scan | None:
        if number is not None:
            await _must_be_of(inventory, settings, site, number)
            return await inventory.load(number)
        return await _newest(inventory, await scans_of(inventory, hosts))

    found = with_inventory(settings, read)
    if found is None:
        raise ConfigError("the inventory holds no scan yet: run `samtykke scan URL`")
    write_json(found.model_dump(mode="json"), json_target or "-")


@app.command()
def diff(
    before: Annotated[int, typer.Argument(metavar="A", help="Id of the earlier scan.")],
    after: Annotated[int, typer.Argument(metavar="B", help="Id of the later scan.")],
    fail_on_material: Annotated[bool, typer.Option(help="Exit 1 where consent must be asked again.")] = False,
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """What is new, gone, longer-lived or changed between two scans.

    Example: samtykke inventory diff 1 2 --fail-on-material
    """
    settings = load_config(config)

    async def read(inventory: Inventory) -> Changes:
        await _must_be_of(inventory, settings, site, before, after)
        return compare(await inventory.essence(before), await inventory.essence(after))

    changes = with_inventory(settings, read)
    if json_target:
        write_json(changes.model_dump(mode="json") | {"material": changes.material}, json_target)
    else:
        say(changes.in_words())
    if fail_on_material and changes.material:
        raise typer.Exit(NO)


def site_hosts(config: Config, name: str | None) -> tuple[str, ...]:
    """The hosts that scans of a configured site are kept under; none for all."""
    if name is None and len(config.site) != 1:
        return ()
    return config.one_site(name).own_names


async def scans_of(inventory: Inventory, hosts: Sequence[str]) -> list[Entry]:
    """The scans of a site by any of its hosts, all where none is given; the newest first."""
    if not hosts:
        return await inventory.scans()
    found = {entry.id: entry for host in hosts for entry in await inventory.scans(host)}
    return sorted(found.values(), key=lambda entry: (entry.started, entry.id), reverse=True)


async def _newest(inventory: Inventory, entries: Sequence[Entry]) -> Scan | None:
    """The first of these that showed anything of its site."""
    number = next((entry.id for entry in entries if entry.reached), None)
    return None if number is None else await inventory.load(number)


async def _must_be_of(inventory: Inventory, config: Config, name: str | None, *numbers: int) -> None:
    """With a site's name, the scans of these ids must be its own. Raises ConfigError."""
    if name is None:
        return
    known = {entry.id for entry in await scans_of(inventory, site_hosts(config, name))}
    for number in numbers:
        if number not in known:
            raise ConfigError(f"scan {number} is none of {name}: `samtykke inventory show --site {name}` lists them")


def with_inventory(config: Config, work: Callable[[Inventory], Awaitable[Answer]]) -> Answer:
    """Open the configured inventory, work, close. Raises UnreachableError, and ConfigError for an unknown scan."""

    async def run() -> Answer:
        async with await open_inventory(config) as inventory:
            return await work(inventory)

    try:
        return asyncio.run(run())
    except LookupError as error:
        raise ConfigError(str(error)) from error


def print_cookies(console: Terminal, scan: Scan) -> None:
    """The cookie table: name, who, what for, how long asked for, who set it, where it ended."""
    table = Table(title=f"Cookies of {scan.site}, {scan.started} ({scan.mode}, consent {scan.consent})")
    for heading in ("name", "domain", "vendor", "purpose", "asked for", "set by", "state"):
        table.add_column(heading, overflow="fold")
    for cookie in scan.cookies:
        life = (
            "session"
            if cookie.session
            else "?"
            if cookie.declared_lifetime is None
            else in_words(cookie.declared_lifetime)
        )
        setter = cookie.set_by[0].url if cookie.set_by else ""
        row = (cookie.name, cookie.domain, cookie.vendor or "-", cookie.purpose or "-", life, setter, cookie.state)
        table.add_row(*row)
    console.print(table)

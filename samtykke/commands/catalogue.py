"""`samtykke catalogue`: what is known about a name or host, how much is known at all, and lists from elsewhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from policies.catalogue import Catalogue, Match
from policies.declared.names import look_alikes
from policies.imports import Fact, Imported, ImportFailedError, Imports
from policies.purpose import CONSENTABLE, Purpose
from samtykke.commands.options import ConfigFile, JsonTarget, group
from samtykke.config import ConfigError, ListSettings, load_config
from samtykke.documents import MAX_BYTES
from samtykke.imported import import_bytes, import_folder, imports_of, update
from samtykke.outcome import NO, UnreachableError, write_json
from samtykke.terminal import Terminal

app = group("catalogue", "What is known about trackers.", "samtykke catalogue lookup _ga")


@app.command()
def lookup(
    names: Annotated[list[str], typer.Argument(metavar="NAME|HOST..", help="Cookie names, storage keys or hosts.")],
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Who a cookie, key or host belongs to; what was imported is told last.

    Example: samtykke catalogue lookup __utmz _fbp www.google-analytics.com
    """
    catalogue = Catalogue.load()
    imports = imports_of(load_config(config))
    found = {name: _find(catalogue, imports, name) for name in names}
    if json_target:
        write_json([{"query": name, "matches": matches} for name, matches in found.items()], json_target)
    else:
        table = Table("query", "name", "vendor", "purpose", "lifetime", "because", "sure")
        for name, matches in found.items():
            for match in matches:
                table.add_row(name, *("-" if fact is None else str(fact) for fact in match.values()))
            if not matches:
                table.add_row(name, "unknown")
        Terminal().print(table)
    if not any(found.values()):
        raise typer.Exit(NO)


@app.command()
def stats(config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """How many vendors, hosts, cookie patterns, keys and signatures are known, and what was imported.

    Example: samtykke catalogue stats
    """
    files = Catalogue.load().files
    totals: Counter[str] = Counter()
    for file in files.values():
        totals.update(
            hosts=len(file.host), paths=len(file.path), cookies=len(file.cookie),
            storage=len(file.storage), inline=len(file.inline),
        )  # fmt: skip
    purposes = Counter(file.purpose.value for file in files.values())
    answer: dict[str, Any] = {"vendors": len(files), **totals, "purposes": dict(purposes)}
    imported = import_folder(load_config(config)).documents()
    if json_target:
        write_json(answer | {"imports": [_summary(each) for each in imported]}, json_target)
        return
    answer["purposes"] = ", ".join(f"{purpose} {count}" for purpose, count in purposes.most_common())
    for name, count in answer.items():
        typer.echo(f"{name:10} {count}")
    for each in imported:
        typer.echo(f"imported   {each.name}: {_counts(each)}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Any of the formats; told by its content.")],
    name: Annotated[str, typer.Option("--name", help="What verdicts call it (default: the file's name).")] = "",
    purpose: Annotated[
        str | None, typer.Option("--purpose", help="What all of it is for: preferences, statistics or marketing.")
    ] = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Take a list from elsewhere: Open Cookie Database, Adblock rules, Disconnect's services.json, IAB disclosures.

    Example: samtykke catalogue import easyprivacy.txt --purpose marketing
    """
    settings = load_config(config)
    wanted = ListSettings.model_construct(
        url=str(file), name=name or file.name, purpose=_purpose(purpose), sha256=""
    )  # fmt: skip
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{file}: longer than {MAX_BYTES} bytes")
    try:
        document = import_bytes(data, wanted)
    except ImportFailedError as error:
        raise ConfigError(str(error)) from error
    path = import_folder(settings).keep(document)
    if json_target:
        write_json(_summary(document), json_target)
        return
    typer.echo(f"{path}: {document.format}, {_counts(document)}")
    for reason, count in sorted(document.skipped.items()):
        typer.echo(f"  left out {count}: {reason}")


@app.command("update")
def update_(config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Fetch the lists of `[catalogue] lists`; a list that fails keeps its last good copy. Exit 3 where one failed.

    Example: samtykke catalogue update
    """
    settings = load_config(config)
    if not settings.catalogue.lists:
        raise ConfigError('no lists to update: name them in samtykke.toml, [catalogue] lists = ["https://..."]')
    updates = asyncio.run(update(import_folder(settings), settings.catalogue.lists))
    if json_target:
        found = [
            {"name": each.name, "outcome": each.outcome, "because": each.because}
            | {"kept": _summary(each.kept) if each.kept else None}
            for each in updates
        ]
        write_json({"lists": found}, json_target)
    else:
        for each in updates:
            counts = f" ({_counts(each.kept)})" if each.kept else ""
            typer.echo(f"{each.outcome:9} {each.name}{counts}: {each.because}")
    if failed := [each.name for each in updates if each.outcome == "failed"]:
        raise UnreachableError(f"could not update {', '.join(failed)}")


@app.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `catalogue stats` calls it.")],
    config: ConfigFile = None,
) -> None:
    """Remove an import. Exit 1 where there is none of this name.

    Example: samtykke catalogue forget easyprivacy.txt
    """
    if not import_folder(load_config(config)).forget(name):
        typer.echo(f"nothing called {name} was imported", err=True)
        raise typer.Exit(NO)


def _purpose(name: str | None) -> Purpose | None:
    if name is None:
        return None
    if name not in CONSENTABLE:
        raise ConfigError(f"--purpose {name}: write {', '.join(CONSENTABLE)}")
    return Purpose(name)


def _counts(document: Imported) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in document.counts().items()) or "nothing"


def _summary(document: Imported) -> dict[str, Any]:
    return {
        "name": document.name,
        "source": document.source,
        "format": document.format,
        "sha256": document.sha256,
        "purpose": document.purpose,
        "counts": document.counts(),
        "skipped": document.skipped,
    }


def _find(catalogue: Catalogue, imports: Imports, name: str) -> list[dict[str, Any]]:
    found = [*catalogue.match_cookie(name), *catalogue.match_storage(name)]
    if name.startswith("_") and all(match.confidence == "low" for match in found):
        found = [*_alike(catalogue, name), *found]
    if "." in name and (host := catalogue.match_host(name.lower())):
        found.append(host)
    return [*map(_as_json, found), *map(_fact_as_json, imports.named(name))]


def _alike(catalogue: Catalogue, name: str) -> list[Match]:
    """What policies write with an underscore too few or too many: `_utma` for `__utma`."""
    for other in look_alikes(name)[1:]:
        matches = [match for match in catalogue.match_cookie(other) if match.confidence != "low"]
        if matches:
            because = f"{name} is {other} with another number of underscores"
            return [replace(match, confidence="medium", because=f"{because}; {match.because}") for match in matches]
    return []


def _fact_as_json(fact: Fact) -> dict[str, Any]:
    return {
        "name": fact.tracker,
        "vendor": fact.vendor,
        "purpose": fact.purpose,
        "lifetime": fact.lifetime,
        "because": fact.because,
        "confidence": "medium" if fact.decides else "low",
    }


def _as_json(match: Match) -> dict[str, Any]:
    return {
        "name": match.tracker,
        "vendor": match.vendor_name,
        "purpose": match.purpose,
        "lifetime": match.lifetime,
        "because": match.because,
        "confidence": match.confidence,
    }

"""`samtykke catalogue`: what is known about a name or host, and how much is known at all."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from policies.catalogue import Catalogue, Match
from samtykke.commands.options import JsonTarget
from samtykke.outcome import NO, write_json

app = typer.Typer(name="catalogue", help="What is known about trackers.", no_args_is_help=True)


@app.command()
def lookup(
    names: Annotated[list[str], typer.Argument(metavar="NAME|HOST..", help="Cookie names, storage keys or hosts.")],
    json_target: JsonTarget = None,
) -> None:
    """Who a cookie, key or host belongs to.

    Example: samtykke catalogue lookup __utmz _fbp www.google-analytics.com
    """
    catalogue = Catalogue.load()
    found = {name: [_as_json(match) for match in _find(catalogue, name)] for name in names}
    if json_target:
        write_json([{"query": name, "matches": matches} for name, matches in found.items()], json_target)
    else:
        table = Table("query", "name", "vendor", "purpose", "lifetime", "because", "sure")
        for name, matches in found.items():
            for match in matches:
                table.add_row(name, *("-" if fact is None else str(fact) for fact in match.values()))
            if not matches:
                table.add_row(name, "unknown")
        Console().print(table)
    if not any(found.values()):
        raise typer.Exit(NO)


@app.command()
def stats(json_target: JsonTarget = None) -> None:
    """How many vendors, hosts, cookie patterns, keys and signatures are known.

    Example: samtykke catalogue stats
    """
    files = Catalogue.load().files
    totals: Counter[str] = Counter()
    for file in files.values():
        totals.update(
            hosts=len(file.host), paths=len(file.path), cookies=len(file.cookie),
            storage=len(file.storage), inline=len(file.inline),
        )  # fmt: skip
    answer = {"vendors": len(files), **totals, "purposes": dict(Counter(file.purpose for file in files.values()))}
    if json_target:
        write_json(answer, json_target)
        return
    for name, count in answer.items():
        typer.echo(f"{name:10} {count}")


def _find(catalogue: Catalogue, name: str) -> list[Match]:
    found = [*catalogue.match_cookie(name), *catalogue.match_storage(name)]
    if "." in name and (host := catalogue.match_host(name.lower())):
        found.append(host)
    return found


def _as_json(match: Match) -> dict[str, Any]:
    return {
        "name": match.tracker,
        "vendor": match.vendor_name,
        "purpose": match.purpose,
        "lifetime": match.lifetime,
        "because": match.because,
        "confidence": match.confidence,
    }

"""Score the packaged catalogue's look-up on the Open Cookie Database. Writes the figures and the misses into the docs.

Run `SAMTYKKE_TEST_DATA=... python -m bench.catalogue_score`. The database is read from there and never copied: only
names that the catalogue does not know are written down, to be looked into. A name is known where the catalogue gives
any match; its purpose agrees where one of the matches has the purpose that the database's category stands for (its
Functional, Necessary and Security stand for necessary or preferences, which it does not tell apart).
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from policies.catalogue import Catalogue
from policies.imports import Imported, read_import
from policies.imports.model import ImportedName
from policies.purpose import Purpose

DOCUMENT = Path(__file__).parents[1] / "docs" / "catalogue.md"
BEGIN, END = "<!-- score: begin -->", "<!-- score: end -->"
LOOSE = frozenset({Purpose.NECESSARY, Purpose.PREFERENCES})


@dataclass
class Score:
    asked: int = 0
    known: int = 0
    agreeing: int = 0
    per_purpose: dict[str, Counter[str]] = field(default_factory=dict)
    misses: set[str] = field(default_factory=set)

    def add(self, purpose: Purpose | None, *, known: bool, agrees: bool) -> None:
        counts = self.per_purpose.setdefault(purpose or "functional, necessary, security", Counter())
        counts.update(asked=1, known=int(known), agreeing=int(agrees))
        self.asked += 1
        self.known += known
        self.agreeing += agrees


def score(database: Imported, catalogue: Catalogue) -> Score:
    result = Score()
    for entry in (*database.cookies, *database.storage):
        found = [match for name in _as_seen(entry) for match in _matches(catalogue, name, entry.hosts)]
        wanted = LOOSE if entry.purpose is None else frozenset({entry.purpose})
        result.add(entry.purpose, known=bool(found), agrees=any(match.purpose in wanted for match in found))
        if not found:
            result.misses.add(entry.match)
    return result


def _matches(catalogue: Catalogue, name: str, hosts: Iterable[str]) -> list[object]:
    return [*catalogue.match_cookie(name, hosts), *catalogue.match_storage(name, hosts)]


def _as_seen(entry: ImportedName) -> tuple[str, ...]:
    """The name as a browser would show it: a wildcard filled with what might stand there."""
    if "*" not in entry.match:
        return (entry.match,)
    return entry.match.replace("*", "1a2b3c"), entry.match.replace("*", "")


def report(result: Score) -> str:
    rows = [
        f"| {name} | {counts['asked']} | {_share(counts['known'], counts['asked'])} "
        f"| {_share(counts['agreeing'], counts['known'])} |"
        for name, counts in sorted(result.per_purpose.items())
    ]
    names = ", ".join(f"`{_plain(name)}`" for name in sorted(result.misses, key=str.casefold))
    lines = [
        BEGIN,
        f"Of {result.asked:,} names, {result.known:,} ({_share(result.known, result.asked)}) are known by the packaged "
        f"catalogue; for {_share(result.agreeing, result.known)} of those both agree about the purpose.",
        "",
        "| the database's purpose | names | known | of those, same purpose |",
        "| --- | ---: | ---: | ---: |",
        *rows,
        "",
        f"<details><summary>The {len(result.misses):,} names that are not known</summary>",
        "",
        names,
        "",
        "</details>",
        END,
    ]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _plain(name: str) -> str:
    return re.sub(r"[`|<>\s]", "?", name)


def main() -> None:
    folder = os.environ.get("SAMTYKKE_TEST_DATA")
    if not folder:
        sys.exit("SAMTYKKE_TEST_DATA names no folder: the database is read from there")
    file = Path(folder) / "open-cookie-database.csv"
    database = read_import(file.read_bytes(), name=file.name)
    result = score(database, Catalogue.load())
    text = DOCUMENT.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{DOCUMENT}: the marks {BEGIN} and {END} are missing")
    DOCUMENT.write_text(before + report(result) + after, "utf-8")
    print(f"{result.known} of {result.asked} known, {result.agreeing} with the same purpose")


if __name__ == "__main__":
    main()

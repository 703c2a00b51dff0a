"""Open Cookie Database, as CSV and as JSON by platform. Pure.

Its "Functional", "Necessary" and "Security" do not tell what is strictly necessary from what is convenient, so they
become no purpose: such a cookie is known by name, and judged as the operator judges unknown ones.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.imports.gathered import Gathered
from policies.imports.model import ImportedName, ImportFailedError
from policies.lifetime_words import read_lifetime
from policies.purpose import Purpose

PURPOSES: Mapping[str, Purpose | None] = {
    "analytics": Purpose.STATISTICS,
    "marketing": Purpose.MARKETING,
    "personalization": Purpose.PREFERENCES,
    "preferences": Purpose.PREFERENCES,
    "functional": None,
    "security": None,
    "necessary": None,
}
COLUMNS = {
    "cookie / data key name": "name",
    "category": "category",
    "platform": "platform",
    "domain": "domain",
    "description": "about",
    "retention period": "lifetime",
    "data controller": "vendor",
    "wildcard match": "wildcard",
}
KEYS = {
    "cookie": "name",
    "category": "category",
    "domain": "domain",
    "description": "about",
    "retentionPeriod": "lifetime",
    "dataController": "vendor",
    "wildcardMatch": "wildcard",
}
REQUIRED = ("name", "category")

_HOST = re.compile(r"(?<![\w@-])\.?((?:[a-z0-9-]+\.)+[a-z]{2,})\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"<[^<>]*>|%[A-Z_]+%")
_STORAGE = re.compile(r"\b(?:local|session)\s*storage\b", re.IGNORECASE)


def is_csv(text: str) -> bool:
    header = text.partition("\n")[0].casefold()
    return "," in header and "cookie / data key name" in header


def read_csv(text: str, name: str, found: Gathered) -> None:
    """Every row, by its header. Raises ImportFailedError naming the column that is missing or the row at fault."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [COLUMNS.get(cell.strip().casefold(), "") for cell in next(rows)]
        for key in REQUIRED:
            if key not in header:
                wanted = next(column for column, known in COLUMNS.items() if known == key)
                raise ImportFailedError(f'{name}: line 1: there is no column "{wanted}"')
        for row in rows:
            if row:
                _add(dict(zip(header, row, strict=False)), f"line {rows.line_num}", name, found)
    except csv.Error as error:
        raise ImportFailedError(f"{name}: line {rows.line_num}: {error}") from error


def is_json(document: Any) -> bool:
    first = next(_entries(document), None)
    return first is not None and "cookie" in first[2]


def read_json(document: Any, name: str, found: Gathered) -> None:
    for platform, origin, entry in _entries(document):
        values = {}
        for key, known in KEYS.items():
            value = entry.get(key, "")
            if not isinstance(value, str | int) and value is not None:
                raise ImportFailedError(f"{name}: {origin}: {key}: expected text, found {type(value).__name__}")
            values[known] = "" if value is None else str(value)
        for key in ("cookie", "category"):
            if key not in entry:
                raise ImportFailedError(f"{name}: {origin}: {key}: missing")
        _add({"platform": platform, **values}, origin, name, found)


def _entries(document: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(platform, origin, entry) of a document by platform, or of a plain list."""
    groups = document.items() if isinstance(document, Mapping) else [("", document)]
    for platform, entries in groups:
        for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
            if isinstance(entry, Mapping):
                yield platform, f"{platform}/{number}" if platform else f"entry {number}", entry


def _add(row: Mapping[str, str], origin: str, name: str, found: Gathered) -> None:
    category = row.get("category", "").strip().casefold()
    match = _glob(row.get("name", ""), wildcard=row.get("wildcard", "").strip() in {"1", "true", "True"})
    if not match.strip("*? "):
        found.skip("matches everything" if match.strip() else "without a name")
        return
    if category not in PURPOSES:
        found.skip(f"unknown category {category or '(none)'}")
        return
    life = read_lifetime(row.get("lifetime", ""))
    entry = ImportedName(
        match=match,
        vendor=(row.get("platform") or row.get("vendor") or "").strip(),
        purpose=PURPOSES[category],
        lifetime=life.seconds if life else None,
        session=bool(life and life.session),
        hosts=_hosts(row.get("domain", "")),
        about=" ".join(row.get("about", "").split()),
        origin=origin,
    )
    storage = _STORAGE.search(f"{row.get('lifetime', '')} {row.get('about', '')}")
    (found.storage if storage else found.cookies).append(entry)


def _glob(name: str, *, wildcard: bool) -> str:
    glob = _PLACEHOLDER.sub("*", name.strip())
    return glob + "*" if wildcard and not glob.endswith("*") else glob


def _hosts(domain: str) -> tuple[str, ...]:
    """The hosts a domain cell names: `.bing.com (3rd party) or .microsoft.com (3rd party)` names two."""
    return tuple(dict.fromkeys(host.lower() for host in _HOST.findall(domain)))

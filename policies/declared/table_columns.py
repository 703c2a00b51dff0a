"""Which column of a table holds what, and whether the table is about cookies. Pure.

Headings decide; where they say nothing, what stands in the columns does: a column of names beside a column of
lifetimes. Prices, opening hours and categories of data are neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from policies.catalogue import Catalogue
from policies.declared.document import Document, Table
from policies.declared.recognise import known, looks_strong
from policies.declared.sections import about_cookies
from policies.declared.table_grid import Grid
from policies.declared.words import COOKIE_WORD, Role, role_of
from policies.lifetime_words import read_lifetime


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what."""

    roles: tuple[Role | None, ...]
    headings: tuple[str, ...]
    body: int
    """The first row that is no heading."""

    def of(self, role: Role) -> list[int]:
        return [column for column, found in enumerate(self.roles) if found == role]


def columns_of(document: Document, grid: Grid, catalogue: Catalogue) -> Columns | None:
    """Read the headings; where no row of headings names a name's column, look at what the columns hold."""
    for number, row in enumerate(grid[:3]):
        headings = tuple(document.of(cell) for cell in row)
        if len({(cell.start, cell.end) for cell in row}) < 2 and len(row) > 1:
            continue
        roles = [role_of(heading) for heading in headings]
        told = {role for role in roles if role not in (None, "other")}
        all_headings = all(cell.header for cell in row if cell.end > cell.start)
        if any(reads_as_name(heading, catalogue) for heading in headings) and not all_headings:
            break
        if len(told) >= 2 or (told and all_headings):
            return _completed(document, grid, Columns(tuple(roles), headings, number + 1), catalogue)
        if all_headings and len(row) > 1:
            return _completed(document, grid, Columns(tuple(roles), headings, number + 1), catalogue)
    width = len(grid[0])
    return _completed(document, grid, Columns((None,) * width, ("",) * width, 0), catalogue)


def reads_as_name(text: str, catalogue: Catalogue) -> bool:
    """One word that stands out as a name, or that is known and heads no column."""
    return " " not in text.strip() and (
        looks_strong(text.strip()) or (role_of(text) is None and known(text.strip(), catalogue))
    )


def _completed(document: Document, grid: Grid, columns: Columns, catalogue: Catalogue) -> Columns | None:
    """Find the columns of names and lifetimes by what they hold, where no heading names them."""
    roles = list(columns.roles)
    body = grid[columns.body :]
    if not body:
        return None

    def share(column: int, test: Callable[[str], bool]) -> float:
        filled = [document.of(row[column]) for row in body if document.of(row[column]).strip()]
        return sum(test(text) for text in filled) / len(filled) if filled else 0.0

    def holds_name(text: str) -> bool:
        pieces = [piece for piece in re.split(r"[\s,;]+", text[:400]) if piece]
        listed = len(re.split(r"\s*[,;\n]\s*", text.strip()))
        names = sum(looks_strong(piece) or (listed == len(pieces) and known(piece, catalogue)) for piece in pieces)
        return bool(pieces) and (looks_strong(pieces[0]) or names >= 0.5 * listed > 0)

    def holds_lifetime(text: str) -> bool:
        return len(text) < 60 and read_lifetime(text) is not None

    names = [column for column, role in enumerate(roles) if role == "name"]
    if len(names) > 1:
        best = max(names, key=lambda column: (share(column, holds_name), -column))
        for column in names:
            if column != best:
                roles[column] = "vendor" if "name" not in columns.headings[column].casefold() else None
    elif not names:
        open_columns = [column for column, role in enumerate(roles) if role not in ("lifetime", "other")]
        best = max(open_columns, key=lambda column: (share(column, holds_name), -column), default=-1)
        if best >= 0 and share(best, holds_name) >= 0.5:
            roles[best] = "name"
        else:
            return None
    if "lifetime" not in roles:
        free = [column for column, role in enumerate(roles) if role in (None, "category")]
        best = max(free, key=lambda column: share(column, holds_lifetime), default=-1)
        if best >= 0 and share(best, holds_lifetime) >= 0.5:
            roles[best] = "lifetime"
    return Columns(tuple(roles), columns.headings, columns.body)


def is_about_cookies(document: Document, table: Table, grid: Grid, columns: Columns, catalogue: Catalogue) -> bool:
    column = columns.of("name")[0]
    heading = columns.headings[column]
    texts = [document.of(row[column]).strip() for row in grid[columns.body :]]
    texts = [text for text in dict.fromkeys(texts) if text]
    if not texts:
        return False
    firsts = [text.split()[0].rstrip(",;") for text in texts]
    familiar = sum(known(first, catalogue) for first in firsts)
    strong = sum(looks_strong(first) or known(first, catalogue) for first in firsts)
    single = sum(len(re.split(r"[,\n]", text)[0].split()) == 1 for text in texts) / len(texts)
    helpful = {role for role in columns.roles if role in ("lifetime", "vendor", "purpose", "category", "domain")}
    if familiar >= 0.5 * len(texts):
        return True
    if "other" in columns.roles and not familiar:
        return False
    if COOKIE_WORD.search(heading):
        return bool(helpful) and (strong > 0 or single >= 0.5)
    near = about_cookies(table.path, catalogue, *columns.headings, table.caption, table.lead)
    somewhere = bool(COOKIE_WORD.search(" ".join((document.title, *table.path))))
    if strong >= 0.5 * len(texts):
        return near or familiar > 0 or (somewhere and len(helpful) >= 2)
    if not near:
        return False
    if strong:
        return single >= 0.3
    return bool(heading) and "lifetime" in helpful and (single == 1 or (len(helpful) >= 2 and single >= 0.6))

"""A table's entries: one row per cookie, or, in a table turned on its side, one column per cookie. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.catalogue import Catalogue
from policies.declared.document import Cell, Document
from policies.declared.recognise import is_name
from policies.declared.table_columns import Columns, reads_as_name
from policies.declared.table_grid import Grid
from policies.declared.words import Role, role_of


@dataclass(slots=True)
class Row:
    """The cells of one entry by role, each as (text, heading)."""

    quote_start: int
    quote_end: int
    cells: dict[Role, list[tuple[Cell, str]]] = field(default_factory=dict)
    rest: list[Cell] = field(default_factory=list)


def rows_of(document: Document, grid: Grid, columns: Columns, catalogue: Catalogue) -> list[Row | str]:
    """The entries of a table; a string is a row that spans it all and speaks of those below."""
    rows: list[Row | str] = []
    column = columns.of("name")[0]
    for line in grid[columns.body :]:
        distinct = {(cell.start, cell.end) for cell in line if document.of(cell).strip()}
        if not distinct:
            continue
        if len(distinct) == 1 and len(line) > 1:
            text = document.of(next(cell for cell in line if document.of(cell).strip())).strip()
            if not (line[column].end > line[column].start and line[column].columns == 1 and is_name(text, catalogue)):
                rows.append(text)
                continue
        if all(
            role_of(document.of(cell)) == columns.roles[number]
            for number, cell in enumerate(line)
            if cell.end > cell.start
        ):
            continue
        # from the name on, so that a cell merged from above does not stretch the quote
        entry = Row(line[column].start, max(cell.end for cell in line if cell.end > cell.start))
        for number, cell in enumerate(line):
            if number and cell is line[number - 1]:
                continue
            if role := columns.roles[number]:
                entry.cells.setdefault(role, []).append((cell, columns.headings[number]))
            else:
                entry.rest.append(cell)
        rows.append(entry)
    return rows


def turned_rows(document: Document, grid: Grid, catalogue: Catalogue) -> list[Row | str] | None:
    """A table whose headings stand in its first column: one cookie per further column, or one cookie in all.

    Above the headings a corner may be left empty: then the names stand beside it.
    """
    if len(grid) < 2 or len(grid[0]) < 2:
        return None
    roles = [role_of(document.of(row[0])) for row in grid]
    above = [document.of(cell) for cell in grid[0]]
    if "name" not in roles and not above[0].strip() and all(reads_as_name(text, catalogue) for text in above[1:]):
        roles[0] = "name"
    told = [role for role in roles if role not in (None, "other")]
    if roles.count("name") < 1 or len(set(told)) < 2 or len(told) < 0.6 * len(grid):
        return None
    if sum(role not in (None, "other") for role in map(role_of, above)) >= 2:
        return None
    rows: list[Row | str] = []
    blocks: list[list[int]] = []
    for number, role in enumerate(roles):
        # a table may hold one group of rows per cookie
        if role == "name" or not blocks:
            blocks.append([])
        blocks[-1].append(number)
    for block in blocks:
        for column in range(1, len(grid[0])):
            cells = [(roles[number], grid[number][column], document.of(grid[number][0])) for number in block]
            name = next((cell for role, cell, _ in cells if role == "name"), None)
            if name is None or name.start == name.end or (column > 1 and name is grid[block[0]][column - 1]):
                continue
            ends = [cell.end for _, cell, _ in cells]
            entry = Row(grid[block[0]][0].start if len(grid[0]) == 2 else name.start,
                        max(ends) if len(grid[0]) == 2 else name.end)  # fmt: skip
            for role, cell, heading in cells:
                if role:
                    entry.cells.setdefault(role, []).append((cell, heading))
            rows.append(entry)
    return rows

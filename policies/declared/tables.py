"""Cookies from tables, whichever way they are laid out. Pure.

A table is a cookie table by its headings, or, where they say nothing, by what stands in its columns: a column of names
beside a column of lifetimes. Prices, opening hours and categories of data are neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from policies.catalogue import Catalogue
from policies.declared.model import DeclaredCookie
from policies.declared.recognise import Named, is_name, known, looks_strong, names_in_cell
from policies.declared.sections import about_cookies
from policies.declared.site import Site
from policies.declared.text import Cell, Document, Table
from policies.declared.vendors import mentions, vendor_of_heading, vendor_written
from policies.declared.words import COOKIE_WORD, Role, kind_named, purpose_described, purpose_named, role_of
from policies.lifetime_words import SaidLifetime, read_lifetime, unit_named
from policies.purpose import Purpose

Grid = list[list[Cell]]
_WIDEST = 40


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which column holds what."""

    roles: tuple[Role | None, ...]
    headings: tuple[str, ...]
    body: int
    """The first row that is no heading."""

    def columns(self, role: Role) -> list[int]:
        return [column for column, found in enumerate(self.roles) if found == role]


@dataclass(slots=True)
class _Section:
    """What rows that span the table have said about the rows below them."""

    vendor: str | None = None
    purpose: Purpose | None = None


@dataclass(slots=True)
class Row:
    """The cells of one entry by role, each as (text, heading)."""

    quote_start: int
    quote_end: int
    cells: dict[Role, list[tuple[Cell, str]]] = field(default_factory=dict)
    rest: list[Cell] = field(default_factory=list)


def cookies_in_tables(document: Document, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """Every cookie that any table of the document declares, in the order of the text."""
    found: list[DeclaredCookie] = []
    for table in document.tables:
        found.extend(_cookies(document, table, catalogue, site))
    return found


def _cookies(document: Document, table: Table, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    grid = _grid(table)
    if not grid or len(grid[0]) < 1:
        return []
    turned = _turned(document, grid)
    if turned is not None:
        return _entries(document, table, turned, catalogue, site)
    layout = _layout(document, grid, catalogue)
    if layout is None or not _is_about_cookies(document, table, grid, layout, catalogue):
        return []
    return _entries(document, table, _rows(document, grid, layout, table, catalogue), catalogue, site)


def _grid(table: Table) -> Grid:
    """Rows of equal width, merged cells repeated wherever they reach."""
    held: dict[int, tuple[Cell, int]] = {}
    grid: Grid = []
    for row in table.rows:
        line: list[Cell] = []
        cells = iter(row)
        column = 0
        while column < _WIDEST:
            if column in held:
                cell, left = held[column]
                line.append(cell)
                if left > 1:
                    held[column] = (cell, left - 1)
                else:
                    del held[column]
                column += 1
                continue
            following = next(cells, None)
            if following is None:
                if any(later > column for later in held):
                    column += 1
                    line.append(Cell(row[-1].end, row[-1].end))
                    continue
                break
            for _ in range(min(following.columns, _WIDEST - column)):
                line.append(following)
                if following.rows > 1:
                    held[column] = (following, following.rows - 1)
                column += 1
        grid.append(line)
    width = max(map(len, grid), default=0)
    for line in grid:
        end = line[-1].end if line else table.start
        line.extend(Cell(end, end) for _ in range(width - len(line)))
    return grid


def _layout(document: Document, grid: Grid, catalogue: Catalogue) -> _Layout | None:
    """Read the headings; where no row of headings names a name's column, look at what the columns hold."""
    for number, row in enumerate(grid[:3]):
        headings = tuple(document.of(cell) for cell in row)
        if len({(cell.start, cell.end) for cell in row}) < 2 and len(row) > 1:
            continue
        roles = [role_of(heading) for heading in headings]
        told = {role for role in roles if role not in (None, "other")}
        all_headings = all(cell.header for cell in row if cell.end > cell.start)
        if any(_reads_as_name(heading, catalogue) for heading in headings) and not all_headings:
            break
        if len(told) >= 2 or (told and all_headings):
            return _complete(document, grid, _Layout(tuple(roles), headings, number + 1), catalogue)
        if all_headings and len(row) > 1:
            return _complete(document, grid, _Layout(tuple(roles), headings, number + 1), catalogue)
    width = len(grid[0])
    return _complete(document, grid, _Layout((None,) * width, ("",) * width, 0), catalogue)


def _reads_as_name(text: str, catalogue: Catalogue) -> bool:
    return " " not in text.strip() and (
        looks_strong(text.strip()) or (role_of(text) is None and known(text.strip(), catalogue))
    )


def _complete(document: Document, grid: Grid, layout: _Layout, catalogue: Catalogue) -> _Layout | None:
    """Find the columns of names and lifetimes by what they hold, where no heading names them."""
    roles = list(layout.roles)
    body = grid[layout.body :]
    if not body:
        return None

    def share(column: int, test: object) -> float:
        filled = [document.of(row[column]) for row in body if document.of(row[column]).strip()]
        return sum(bool(test(text)) for text in filled) / len(filled) if filled else 0.0  # type: ignore[operator]  # a predicate

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
                roles[column] = "vendor" if "name" not in layout.headings[column].casefold() else None
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
    return _Layout(tuple(roles), layout.headings, layout.body)


def _is_about_cookies(document: Document, table: Table, grid: Grid, layout: _Layout, catalogue: Catalogue) -> bool:
    column = layout.columns("name")[0]
    heading = layout.headings[column]
    texts = [document.of(row[column]).strip() for row in grid[layout.body :]]
    texts = [text for text in dict.fromkeys(texts) if text]
    if not texts:
        return False
    firsts = [text.split()[0].rstrip(",;") for text in texts]
    familiar = sum(known(first, catalogue) for first in firsts)
    strong = sum(looks_strong(first) or known(first, catalogue) for first in firsts)
    single = sum(len(re.split(r"[,\n]", text)[0].split()) == 1 for text in texts) / len(texts)
    helpful = {role for role in layout.roles if role in ("lifetime", "vendor", "purpose", "category", "domain")}
    if familiar >= 0.5 * len(texts):
        return True
    if "other" in layout.roles and not familiar:
        return False
    if COOKIE_WORD.search(heading):
        return bool(helpful) and (strong > 0 or single >= 0.5)
    near = about_cookies(table.path, catalogue, *layout.headings, table.caption, table.lead)
    somewhere = bool(COOKIE_WORD.search(" ".join((document.title, *table.path))))
    if strong >= 0.5 * len(texts):
        return near or familiar > 0 or (somewhere and len(helpful) >= 2)
    if not near:
        return False
    if strong:
        return single >= 0.3
    return bool(heading) and "lifetime" in helpful and len(helpful) >= 2 and single >= 0.6


def _rows(document: Document, grid: Grid, layout: _Layout, table: Table, catalogue: Catalogue) -> list[Row | str]:
    """The entries of a table; a string is a row that spans it all and speaks of those below."""
    rows: list[Row | str] = []
    column = layout.columns("name")[0]
    for line in grid[layout.body :]:
        distinct = {(cell.start, cell.end) for cell in line if document.of(cell).strip()}
        if not distinct:
            continue
        if len(distinct) == 1 and len(line) > 1:
            text = document.of(next(cell for cell in line if document.of(cell).strip())).strip()
            if not (line[column].end > line[column].start and line[column].columns == 1 and is_name(text, catalogue)):
                rows.append(text)
                continue
        own = [cell for cell in line if cell.end > cell.start]
        if all(
            role_of(document.of(cell)) == layout.roles[number]
            for number, cell in enumerate(line)
            if cell.end > cell.start
        ):
            continue
        first = line[column]
        start = min((cell.start for cell in own if cell.start >= _line_start(document, first)), default=first.start)
        end = max(cell.end for cell in own)
        entry = Row(min(start, first.start), end)
        for number, cell in enumerate(line):
            if number and cell is line[number - 1]:
                continue
            if role := layout.roles[number]:
                entry.cells.setdefault(role, []).append((cell, layout.headings[number]))
            else:
                entry.rest.append(cell)
        rows.append(entry)
    return rows


def _line_start(document: Document, cell: Cell) -> int:
    """Where the row of a cell begins, so that a cell merged from above does not stretch the quote."""
    return cell.start


def _turned(document: Document, grid: Grid) -> list[Row | str] | None:
    """A table whose headings stand in its first column: one cookie per further column, or one cookie in all."""
    if len(grid) < 2 or len(grid[0]) < 2:
        return None
    roles = [role_of(document.of(row[0])) for row in grid]
    told = [role for role in roles if role not in (None, "other")]
    if roles.count("name") < 1 or len(set(told)) < 2 or len(told) < 0.6 * len(grid):
        return None
    if sum(role not in (None, "other") for role in map(role_of, map(document.of, grid[0]))) >= 2:
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


def _entries(
    document: Document, table: Table, rows: list[Row | str], catalogue: Catalogue, site: Site
) -> list[DeclaredCookie]:
    above = [text for text in (table.caption, *reversed(table.path)) if text]
    vendor_above = next((vendor for text in above if (vendor := vendor_of_heading(text, catalogue, site))), None)
    if vendor_above is None and table.lead.rstrip().endswith(":"):
        named = {mention.known: mention.name for mention in mentions(table.lead, 0, len(table.lead), catalogue)}
        vendor_above = next(iter(named.values())) if len(named) == 1 else None
    purpose_above = next((purpose for text in above if (purpose := purpose_named(text))), None)
    kind_above = next((kind for text in above[:2] if (kind := kind_named(text))), None)
    section = _Section()
    found: list[DeclaredCookie] = []
    for row in rows:
        if isinstance(row, str):
            vendor, purpose = vendor_of_heading(row, catalogue, site), purpose_named(row)
            section = _Section(vendor, purpose or (section.purpose if vendor else None))
            continue
        for cookie in _entry(document, row, catalogue, site):
            facts: dict[str, object] = {}
            if cookie.vendor is None and not _own_said(document, row, site):
                facts["vendor"] = section.vendor or vendor_above
            if cookie.purpose is None:
                facts["purpose"] = section.purpose or purpose_above or _described(document, row)
            if cookie.kind == "cookie" and kind_above and not _says_cookie(document, row):
                facts["kind"] = kind_above
            found.append(cookie.model_copy(update={key: value for key, value in facts.items() if value}))
    return found


def _own_said(document: Document, row: Row, site: Site) -> bool:
    """Does the vendor's cell say something, if only that it is the site itself?"""
    return any(document.of(cell).strip(" -–") for cell, _ in row.cells.get("vendor", []))


def _says_cookie(document: Document, row: Row) -> bool:
    return any(re.search(r"(?i)\bhttp|\bcookie", document.of(cell)) for cell, _ in row.cells.get("category", []))


def _described(document: Document, row: Row) -> Purpose | None:
    texts = [document.of(cell) for cell, _ in row.cells.get("purpose", [])] + [document.of(cell) for cell in row.rest]
    return next((purpose for text in texts if (purpose := purpose_described(text))), None)


_FIRST_PARTY = re.compile(
    r"(?i)^\W*(?:1st|first|førstepart\w*|förstapart\w*|erstanbieter\w*|first)[\s-]*(?:party|part)?\W*$"
)
_OPENING = re.compile(r"^([^.:–\n]{2,40})(?:[.:–\n]|\s-\s|$)")


def _entry(document: Document, row: Row, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """The cookies of one row. Several names with as many lines of lifetimes take one each."""
    name_cell, _ = row.cells["name"][0]
    names = names_in_cell(document.text, name_cell.start, name_cell.end, catalogue)
    if not names:
        return []
    lives = [
        said for cell, heading in row.cells.get("lifetime", []) for said in _lives(document.of(cell), heading, names)
    ]
    if not lives:
        lives = _lives_elsewhere(document, row)
    vendor = _vendor(document, row, catalogue, site)
    purpose = _purpose(document, row)
    kinds = " ".join(document.of(cell) for role in ("category", "lifetime") for cell, _ in row.cells.get(role, []))
    kind = kind_named(kinds) or kind_named(document.text[name_cell.start : name_cell.end])
    found = []
    for number, named in enumerate(names):
        said = lives[number] if len(lives) == len(names) else lives[0] if len(lives) == 1 else None
        found.append(
            DeclaredCookie(
                name=named.name,
                lifetime=said.seconds if said else None,
                session=bool(said and said.session),
                lifetime_text=said.text if said else None,
                vendor=vendor,
                purpose=purpose,
                kind=kind or "cookie",
                quote=document.text[row.quote_start : row.quote_end],
                position=row.quote_start,
            )
        )
    return found


def _lives(text: str, heading: str, names: list[Named]) -> list[SaidLifetime]:
    """What a lifetime's cell says, in the cell's own words: one for all, or one for each name."""
    lines = [line.strip() for line in re.split(r"\n|;|,\s(?=\D)", text) if line.strip()]
    if not lines:
        return []
    unit = unit_named(heading)
    if len(names) > 1:
        told = [line for named in names for line in lines if named.name in line]
        each = told if len(told) == len(names) else lines
        said = [read_lifetime(line.replace(named.name, ""), unit) for line, named in zip(each, names, strict=False)]
        if len(each) == len(names) and all(said):
            return [SaidLifetime(one.seconds, one.session, line) for one, line in zip(said, each, strict=True) if one]
    whole = " ".join(text.split())
    said_all = read_lifetime(whole, unit)
    return [SaidLifetime(said_all.seconds, said_all.session, whole) if said_all else SaidLifetime(None, False, whole)]


def _lives_elsewhere(document: Document, row: Row) -> list[SaidLifetime]:
    """A lifetime in another column: a type that says "session", a description that ends with one."""
    for cell, _ in row.cells.get("category", []):
        if (said := read_lifetime(document.of(cell))) and (said.seconds is not None or said.session):
            return [said]
    for cell in [cell for cell, _ in row.cells.get("purpose", [])] + row.rest:
        said = read_lifetime(document.of(cell))
        if said and said.seconds is not None:
            return [said]
    return []


def _vendor(document: Document, row: Row, catalogue: Catalogue, site: Site) -> str | None:
    if any(_FIRST_PARTY.match(document.of(cell)) for cell, _ in row.cells.get("vendor", [])):
        return None
    for cell, _ in row.cells.get("vendor", []):
        if vendor := vendor_written(document.of(cell), catalogue, site):
            return vendor
    if row.cells.get("vendor"):
        return None
    for cell, _ in row.cells.get("domain", []):
        text = document.of(cell)
        if found := vendor_of_heading(text.replace(".", " "), catalogue, site):
            return found
    name_cell, _ = row.cells["name"][0]
    if found := vendor_of_heading(document.of(name_cell), catalogue, site):
        return found
    for cell, _ in row.cells.get("category", []):
        if found := vendor_of_heading(document.of(cell), catalogue, site):
            return found
    for cell in [cell for cell, _ in row.cells.get("purpose", [])] + row.rest:
        if found := vendor_of_heading(document.of(cell), catalogue, site):
            return found
    return None


def _purpose(document: Document, row: Row) -> Purpose | None:
    for cell, _ in row.cells.get("category", []):
        if purpose := purpose_named(document.of(cell)):
            return purpose
    for cell, _ in row.cells.get("purpose", []):
        opening = _OPENING.match(document.of(cell))
        if opening and len(opening[1].split()) <= 4 and (purpose := purpose_named(opening[1])):
            return purpose
    return None

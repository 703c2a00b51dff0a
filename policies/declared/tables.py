"""Cookies from tables, whichever way they are laid out. Pure.

What an entry leaves out is filled in from around it: a row that spans the table, the caption, the headings above.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.catalogue import Catalogue
from policies.declared.document import Document, Table
from policies.declared.model import DeclaredCookie
from policies.declared.recognise import Named, names_in_cell
from policies.declared.site import Site
from policies.declared.table_columns import columns_of, is_about_cookies
from policies.declared.table_grid import grid_of
from policies.declared.table_rows import Row, rows_of, turned_rows
from policies.declared.vendors import mentions, vendor_of_heading, vendor_written
from policies.declared.words import kind_named, purpose_described, purpose_named
from policies.lifetime_words import SaidLifetime, read_lifetime, unit_named
from policies.purpose import Purpose

_FIRST_PARTY = re.compile(
    r"(?i)^\W*(?:1st|first|førstepart\w*|förstapart\w*|erstanbieter\w*|first)[\s-]*(?:party|part)?\W*$"
)
_OPENING = re.compile(r"^([^.:–\n]{2,40})(?:[.:–\n]|\s-\s|$)")


@dataclass(slots=True)
class _Section:
    """What rows that span the table have said about the rows below them."""

    vendor: str | None = None
    purpose: Purpose | None = None


def cookies_in_tables(document: Document, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """Every cookie that any table of the document declares, in the order of the text."""
    found: list[DeclaredCookie] = []
    for table in document.tables:
        found.extend(_cookies(document, table, catalogue, site))
    return found


def _cookies(document: Document, table: Table, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    grid = grid_of(table)
    if not grid or len(grid[0]) < 1:
        return []
    turned = turned_rows(document, grid, catalogue)
    if turned is not None:
        return _entries(document, table, turned, catalogue, site)
    columns = columns_of(document, grid, catalogue)
    if columns is None or not is_about_cookies(document, table, grid, columns, catalogue):
        return []
    return _entries(document, table, rows_of(document, grid, columns, catalogue), catalogue, site)


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
            if cookie.vendor is None and not _own_said(document, row):
                facts["vendor"] = section.vendor or vendor_above
            if cookie.purpose is None:
                facts["purpose"] = section.purpose or purpose_above or _described(document, row)
            if cookie.kind == "cookie" and kind_above and not _says_cookie(document, row):
                facts["kind"] = kind_above
            found.append(cookie.model_copy(update={key: value for key, value in facts.items() if value}))
    return found


def _own_said(document: Document, row: Row) -> bool:
    """Does the vendor's cell say something, if only that it is the site itself?"""
    return any(document.of(cell).strip(" -–") for cell, _ in row.cells.get("vendor", []))


def _says_cookie(document: Document, row: Row) -> bool:
    return any(re.search(r"(?i)\bhttp|\bcookie", document.of(cell)) for cell, _ in row.cells.get("category", []))


def _described(document: Document, row: Row) -> Purpose | None:
    texts = [document.of(cell) for cell, _ in row.cells.get("purpose", [])] + [document.of(cell) for cell in row.rest]
    return next((purpose for text in texts if (purpose := purpose_described(text))), None)


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
        if len(lines) != len(names) and "\n" not in text:
            each = [part for part in re.split(r"\s*[,;/]\s*", text.strip()) if part]
            said = [read_lifetime(part, unit) for part in each]
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

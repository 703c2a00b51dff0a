"""Tables that are written without table elements: rows of `div`s under a row of headings. Pure.

A row of headings is an element whose children name columns, a name's and a lifetime's or purpose's among them. What
follows it with as many children are its rows. They get the roles of a table (WAI-ARIA 1.2), which the reader knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from policies.declared.words import role_of

_ROWS = ("div", "ul", "li", "section", "article", "dl", "p", "span")
_LONGEST_HEADING = 60
_MOST_WORDS = 4
_FEWEST, _MOST = 2, 9


def mark_grids(soup: BeautifulSoup) -> None:
    """Set roles on every such table of the page, in place."""
    for header in soup.find_all(_ROWS):
        cells = _cells(header)
        if header.get("role") or not _names_columns(cells) or header.parent is None or header.parent.get("role"):
            continue
        rows = _rows_below(header, len(cells))
        if not rows or role_of(_heading(_cells(rows[0])[0])):
            # a label with its value above another one is a card's
            continue
        table = soup.new_tag("div", attrs={"role": "table"})
        header.insert_before(table)
        for row in (header, *rows):
            for cell in _cells(row):
                cell["role"] = "columnheader" if row is header else "cell"
            row["role"] = "row"
            table.append(row.extract())


def _cells(row: Tag) -> list[Tag]:
    """The elements that a row consists of; none where text stands beside them, or too few or too many."""
    cells: list[Tag] = []
    for child in row.children:
        if isinstance(child, Tag):
            cells.append(child)
        elif isinstance(child, NavigableString) and child.strip():
            return []
        if len(cells) > _MOST:
            return []
    return cells if len(cells) >= _FEWEST else []


def _names_columns(cells: list[Tag]) -> bool:
    roles = []
    for cell in cells:
        heading = _heading(cell)
        if not heading or (role := role_of(heading)) is None:
            return False
        roles.append(role)
    return roles.count("name") == 1 and ("lifetime" in roles or "purpose" in roles) and len(set(roles)) == len(roles)


def _heading(cell: Tag) -> str:
    """A cell's text; nothing where it is too long for a heading, or in pieces: a label beside its value is a card's."""
    texts = list(islice(cell.stripped_strings, 2))
    short = len(texts) == 1 and len(texts[0]) <= _LONGEST_HEADING and len(texts[0].split()) <= _MOST_WORDS
    return texts[0] if short else ""


def _rows_below(header: Tag, width: int) -> list[Tag]:
    """The header's next siblings; where it stands alone in a head of its own, what stands in the next body.

    One element that is no row may stand between two rows: a rule, or the heading of a group.
    """
    following: Iterator[object] = header.next_siblings
    if header.find_next_sibling() is None and header.parent and (body := header.parent.find_next_sibling()):
        following = iter(body.children)
    rows: list[Tag] = []
    strangers = 0
    for element in following:
        if not isinstance(element, Tag):
            continue
        strangers = 0 if len(_cells(element)) == width else strangers + 1
        if not strangers:
            rows.append(element)
        elif strangers > 1:
            break
    return rows

"""A document: one text, and where its headings, paragraphs, list items and tables stand in it. Data only.

`Document.text` is what every position counts in. Blocks and cells are spans of it in reading order; nothing is ever
quoted that is not a slice of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "paragraph", "item", "term", "definition", "caption"]


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text. `path`: the headings above it, the innermost last. `marked`: spans set in bold, code and such."""

    kind: Kind
    start: int
    end: int
    path: tuple[str, ...] = ()
    marked: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    start: int
    end: int
    header: bool = False
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells as written; `lead` is the line just before the table, `caption` its own."""

    rows: tuple[tuple[Cell, ...], ...]
    path: tuple[str, ...] = ()
    caption: str = ""
    lead: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    title: str = ""
    lang: str = ""
    """What the markup says of itself; texts are often in another language than that."""
    blocks: tuple[Block, ...] = ()
    tables: tuple[Table, ...] = ()

    def of(self, span: Block | Cell) -> str:
        return self.text[span.start : span.end]

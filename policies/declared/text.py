"""A document as text with its structure: headings, paragraphs, list items, tables. No I/O.

`Document.text` is what every position counts in. Blocks and cells are spans of it in reading order; nothing is ever
quoted that is not a slice of it. Every format becomes markup first (`sources`), so there is one reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from policies.declared.markup import safe_markup
from policies.declared.words import listed

Kind = Literal["heading", "paragraph", "item", "term", "definition", "caption"]
LONGEST_TEXT = 400_000
LONGEST_SENTENCE = 2_000
MOST_CELLS = 200_000


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


INLINE = listed(
    """a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q s samp small span
    strike strong sub sup time tt u var wbr input"""
)
_MARKS = listed("b strong em i code kbd samp tt mark var dt label")
_KINDS: dict[str, Kind] = {"li": "item", "dt": "term", "dd": "definition", "figcaption": "caption",
                           "caption": "caption"}  # fmt: skip
_LEVELS = {f"h{level}": level for level in range(1, 7)} | {"summary": 7, "legend": 7, "button": 7}
_BOLD_LINE = 8
_SKIPPED = frozenset({"head", "nav"})
_OUTSIDE = frozenset({"footer", "aside"})
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


class _Run:
    """Text in the making, white space collapsed, line breaks kept."""

    __slots__ = ("length", "marks", "parts", "pending")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.pending = ""
        self.marks: list[tuple[int, int]] = []

    def add(self, text: str) -> None:
        words = text.translate(_INVISIBLE).split()
        if not words:
            if text:
                self.space()
            return
        if text[0].isspace():
            self.space()
        piece = " ".join(words)
        if self.length:
            piece = self.pending + piece
        self.pending = " " if text[-1].isspace() else ""
        self.parts.append(piece)
        self.length += len(piece)

    def space(self) -> None:
        self.pending = self.pending or " "

    def line(self) -> None:
        self.pending = "\n"


@dataclass(slots=True)
class _Grid:
    rows: list[list[tuple[_Run, bool, int, int]]] = field(default_factory=list)
    caption: _Run | None = None
    cells: int = 0


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.blocks: list[Block] = []
        self.tables: list[Table] = []
        self.headings: list[tuple[int, str]] = []
        self.path: tuple[str, ...] = ()
        self.run = _Run()

    @property
    def full(self) -> bool:
        return self.length >= LONGEST_TEXT

    def end_block(self, kind: Kind, level: int = 0) -> None:
        run, self.run = self.run, _Run()
        if not run.length or self.full:
            return
        text = "".join(run.parts)[: LONGEST_TEXT - self.length]
        start = self.length
        marked = tuple((start + a, start + min(b, len(text))) for a, b in run.marks[:200] if a < min(b, len(text)))
        if not level and kind == "paragraph" and len(text) < 80 and "\n" not in text and marked[:1] == (
            (start, start + len(text)),
        ):  # fmt: skip
            kind, level = "heading", _BOLD_LINE
        if level:
            kind = "heading"
            while self.headings and self.headings[-1][0] >= level:
                self.headings.pop()
        self.blocks.append(Block(kind, start, start + len(text), self.path_now(), marked))
        if level and len(text) <= 200:
            self.headings.append((level, text))
        self.path = self.path_now()
        self.parts.append(text + "\n")
        self.length += len(text) + 1

    def path_now(self) -> tuple[str, ...]:
        path = tuple(text for _, text in self.headings)
        return self.path if path == self.path else path

    def end_table(self, grid: _Grid) -> None:
        lead = ""
        if self.blocks:
            last = self.blocks[-1]
            lead = "".join(self.parts[-1:])[:-1] if last.end == self.length - 1 else ""
        if self.full or not any(run.length for row in grid.rows for run, *_ in row):
            return
        caption = ""
        if grid.caption and grid.caption.length:
            caption = "".join(grid.caption.parts)[:300]
            self.run = grid.caption
            self.end_block("caption")
        start = self.length
        rows = []
        for row in grid.rows:
            cells = []
            for number, (run, header, columns, spans) in enumerate(row):
                text = "".join(run.parts)[:20_000]
                cells.append(Cell(self.length, self.length + len(text), header, columns, spans))
                end = "\n" if number == len(row) - 1 else "\t"
                self.parts.append(text + end)
                self.length += len(text) + 1
            if cells:
                rows.append(tuple(cells))
            if self.full:
                break
        self.tables.append(Table(tuple(rows), self.path_now(), caption, lead[:600], start))

    def document(self, title: str, lang: str) -> Document:
        return Document("".join(self.parts), title, lang, tuple(self.blocks), tuple(self.tables))


def read_markup(html: str) -> Document:
    """Markup to a document. Takes any text; bounded in time and memory."""
    soup = BeautifulSoup(safe_markup(html), "html.parser")
    title = soup.title.get_text(" ", strip=True)[:300] if soup.title else ""
    lang = str(soup.html.get("lang") or "")[:2].lower() if soup.html else ""
    main = soup.find("main") or soup.find(role="main")
    if main and len(main.get_text(strip=True)) > 200:
        document = _read(main, frozenset(), title, lang)
    else:
        document = _read(soup, _OUTSIDE, title, lang)
        if len(document.text) < 200:
            document = _read(soup, frozenset(), title, lang)
    return document


def _events(root: Tag) -> Iterator[tuple[bool, Tag | str]]:
    """Elements opening (True) and closing (False), and texts, without recursion."""
    stack: list[tuple[Tag, Iterator[object]]] = [(root, iter(root.contents))]
    while stack:
        tag, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if stack:
                yield False, tag
        elif isinstance(child, Tag):
            yield True, child
            stack.append((child, iter(child.contents)))
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield True, str(child)


def _layout_tables(root: Tag) -> frozenset[int]:
    """Tables that hold tables: layout, not data."""
    found: set[int] = set()
    inside: list[int] = []
    for opening, node in _events(root):
        if isinstance(node, Tag) and _role(node) == "table":
            if opening:
                if inside:
                    found.add(inside[-1])
                inside.append(id(node))
            else:
                inside.pop()
    return frozenset(found)


_ROLES = {"table": "table", "grid": "table", "row": "row", "cell": "cell", "gridcell": "cell",
          "columnheader": "header", "rowheader": "header"}  # fmt: skip
_TABLE_TAGS = {"table": "table", "tr": "row", "td": "cell", "th": "header"}


def _role(tag: Tag) -> str:
    return _TABLE_TAGS.get(tag.name) or _ROLES.get(str(tag.get("role") or ""), "")


def _span(tag: Tag, name: str) -> int:
    value = str(tag.get(name) or "1")
    return max(1, min(int(value), 500)) if value.isascii() and value.isdigit() and len(value) < 6 else 1


class _Reader:
    """Events in, blocks and tables out."""

    def __init__(self, layout: frozenset[int], outside: frozenset[str]) -> None:
        self.writer = _Writer()
        self.layout = layout
        self.outside = outside
        self.kinds: list[tuple[Kind, int]] = [("paragraph", 0)]
        self.grid: _Grid | None = None
        self.cell: _Run | None = None
        self.marks: list[tuple[_Run, int]] = []
        self.skipping = 0
        self.after_inline = False

    @property
    def run(self) -> _Run:
        return self.cell or self.writer.run

    def text(self, text: str) -> None:
        if self.skipping or (self.grid and not self.cell):
            return
        self.run.add(text)
        self.after_inline = False

    def open(self, tag: Tag) -> None:
        name = tag.name
        if name in _SKIPPED or name in self.outside or self.skipping:
            self.skipping += 1
            return
        role = _role(tag)
        if role and not (self.layout and id(tag) in self.layout) and self._open_table(tag, role):
            return
        if name in INLINE:
            if self.after_inline and name != "wbr":
                # two labels side by side are two words, however close the markup sets them
                self.run.space()
            if name in _MARKS:
                self.marks.append((self.run, self.run.length))
            return
        self.after_inline = False
        if name == "br":
            self.run.line()
            return
        if name == "caption" and self.grid is not None:
            self.grid.caption = self.cell = _Run()
            return
        self._boundary()
        self.kinds.append(self._kind(name))
        if name in _MARKS:
            self.marks.append((self.run, self.run.length))

    def _kind(self, name: str) -> tuple[Kind, int]:
        if name in _LEVELS:
            return "heading", _LEVELS[name]
        if name in _KINDS:
            return _KINDS[name], 0
        outer = self.kinds[-1]
        return outer if not outer[1] else ("paragraph", 0)

    def _open_table(self, tag: Tag, role: str) -> bool:
        if role == "table" and self.grid is None:
            self.writer.end_block(*self.kinds[-1])
            self.grid = _Grid()
            return True
        if self.grid is None or self.grid.cells > MOST_CELLS:
            return False
        if role == "row":
            self.grid.rows.append([])
            return True
        if role in ("cell", "header"):
            self.cell = _Run()
            self.grid.cells += 1
            if not self.grid.rows:
                self.grid.rows.append([])
            self.grid.rows[-1].append((self.cell, role == "header", _span(tag, "colspan"), _span(tag, "rowspan")))
            return True
        return False

    def close(self, tag: Tag) -> None:
        if self.skipping:
            self.skipping -= 1
            return
        name = tag.name
        role = _role(tag)
        if role and id(tag) not in self.layout and self.grid is not None:
            if role == "table":
                grid, self.grid, self.cell = self.grid, None, None
                self.writer.end_table(grid)
            elif role in ("cell", "header"):
                self.cell = None
            return
        if name in _MARKS and self.marks:
            run, start = self.marks.pop()
            if run.length > start:
                run.marks.append((start + (1 if start else 0) * _leading(run, start), run.length))
        if name in INLINE:
            self.after_inline = True
            return
        self.after_inline = False
        if name == "br":
            return
        if name == "caption" and self.grid is not None:
            self.cell = None
            return
        self._boundary()
        if len(self.kinds) > 1:
            self.kinds.pop()

    def _boundary(self) -> None:
        if self.cell is not None:
            self.cell.line()
        elif self.grid is None:
            self.writer.end_block(*self.kinds[-1])


def _leading(run: _Run, start: int) -> int:
    """How many characters of space stand at the start of a mark."""
    length = run.length
    for part in reversed(run.parts):
        length -= len(part)
        if length <= start:
            return 1 if part[start - length : start - length + 1].isspace() else 0
    return 0


def _read(root: Tag, outside: frozenset[str], title: str, lang: str) -> Document:
    reader = _Reader(_layout_tables(root), outside)
    for opening, node in _events(root):
        if isinstance(node, str) and not isinstance(node, Tag):
            reader.text(node)
        elif isinstance(node, Tag):
            if opening:
                reader.open(node)
            else:
                reader.close(node)
        if reader.writer.full:
            break
    reader._boundary()
    return reader.writer.document(title, lang)


_SENTENCE_END = re.compile(
    r"(?<!\b[A-ZÆØÅÄÖ])(?<!\b(?i:nr|mr|dr|jf|bl|kl|ca|vs|jr))(?<!\b(?i:mfl|osv|inc|ltd|bzw|mva|org|art|abs|lit))"
    r"(?<!\b(?:z\.B|e\.g|i\.e|m\.m|o\.l))(?<!\b(?:bl\.a|t\.ex|m\.fl))(?<!\b(?:f\.eks|d\.v\.s))"
    r"[.!?…]+[)\"'»”’]*(?=\s+[^\sa-zæøåäöüß]|\s*$|\n)|\n",
)


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentences of text[start:end] as spans without surrounding space; a line break ends one."""
    position = start
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, end)]
    for stop in [*ends, end]:
        while stop > position:
            # what has no full stop is cut at a space, so that no reader meets an endless sentence
            cut = (
                stop if stop - position <= LONGEST_SENTENCE else text.rfind(" ", position, position + LONGEST_SENTENCE)
            )
            cut = cut if cut > position else position + LONGEST_SENTENCE
            if span := trimmed(text, position, cut):
                yield span
            position = cut


def trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A span without the white space at its ends; None where nothing is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    right = len(piece.rstrip())
    return (start + left, start + right) if right > left else None

"""A page's elements to a `Document`: what a browser would show of it, in reading order. No I/O.

Every format becomes markup first (`sources`), so there is one reader. It keeps to `main` where the page has one, leaves
navigation out, and takes a table that holds tables for layout. No recursion, bounded in time and memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from policies.declared.document import Document, Kind
from policies.declared.grids import mark_grids
from policies.declared.markup import safe_markup
from policies.declared.words import listed
from policies.declared.writing import Run, TableRuns, Writer

MOST_CELLS = 200_000
_INLINE = listed(
    """a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q s samp small span
    strike strong sub sup time tt u var wbr input"""
)
_MARKS = listed("b strong em i code kbd samp tt mark var dt label")
_KINDS: dict[str, Kind] = {"li": "item", "dt": "term", "dd": "definition", "figcaption": "caption",
                           "caption": "caption"}  # fmt: skip
_LEVELS = {f"h{level}": level for level in range(1, 7)} | {"summary": 7, "legend": 7, "button": 7}
_SKIPPED = frozenset({"head", "nav"})
_OUTSIDE = frozenset({"footer", "aside"})


def read_markup(html: str) -> Document:
    """Markup to a document. Takes any text; bounded in time and memory."""
    soup = BeautifulSoup(safe_markup(html), "html.parser")
    mark_grids(soup)
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
        self.writer = Writer()
        self.layout = layout
        self.outside = outside
        self.kinds: list[tuple[Kind, int]] = [("paragraph", 0)]
        self.grid: TableRuns | None = None
        self.cell: Run | None = None
        self.marks: list[tuple[Run, int]] = []
        self.skipping = 0
        self.after_inline = False

    @property
    def run(self) -> Run:
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
        if name in _INLINE:
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
            self.grid.caption = self.cell = Run()
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
            self.grid = TableRuns()
            return True
        if self.grid is None or self.grid.cells > MOST_CELLS:
            return False
        if role == "row":
            self.grid.rows.append([])
            return True
        if role in ("cell", "header"):
            self.cell = Run()
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
        if name in _INLINE:
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


def _leading(run: Run, start: int) -> int:
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

"""A document in the making: runs of text become blocks, grids of runs become tables. No I/O.

White space is collapsed as a browser shows it, and only line breaks are kept. Nothing is written past `LONGEST_TEXT`
characters. A short paragraph that is bold from end to end counts as a heading.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.declared.document import Block, Cell, Document, Kind, Table

LONGEST_TEXT = 400_000
_BOLD_LINE = 8
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


class Run:
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
class TableRuns:
    """A table in the making: each cell as (its text, is it a heading, columns, rows it reaches over)."""

    rows: list[list[tuple[Run, bool, int, int]]] = field(default_factory=list)
    caption: Run | None = None
    cells: int = 0


class Writer:
    """Takes text through `run`; `end_block` and `end_table` say what it was."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.blocks: list[Block] = []
        self.tables: list[Table] = []
        self.headings: list[tuple[int, str]] = []
        self.path: tuple[str, ...] = ()
        self.run = Run()

    @property
    def full(self) -> bool:
        return self.length >= LONGEST_TEXT

    def end_block(self, kind: Kind, level: int = 0) -> None:
        run, self.run = self.run, Run()
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

    def end_table(self, grid: TableRuns) -> None:
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

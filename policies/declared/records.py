"""Find the records of a text: a name, and the labelled values that belong to it. Pure.

A record ("Name: _utmz. Lifetime: 180 days.") stands on one line or over several blocks. A name opens it; it counts once
a label, a lifetime or the catalogue has confirmed that it is about cookies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from policies.catalogue import Catalogue
from policies.declared.document import Block, Document
from policies.declared.labels import Line, label_alone, label_start, labels_in, spoken_label
from policies.declared.recognise import Named, is_name, known, looks_strong, names_in_cell, strong_names
from policies.declared.running_text import life_in
from policies.declared.sections import about_cookies
from policies.declared.spans import Span, trimmed
from policies.declared.words import COOKIE_WORD, Role, role_of


@dataclass(slots=True)
class Record:
    """Labelled values that belong to one or several names. `sure`: a label or lifetime has confirmed it."""

    names: list[Named]
    block: Block
    start: int
    end: int
    sure: bool
    values: dict[Role, list[tuple[Span, str]]] = field(default_factory=dict)
    free: list[Span] = field(default_factory=list)


def records_of(document: Document, catalogue: Catalogue) -> tuple[list[Record], frozenset[int]]:
    """Every confirmed record, and which blocks they took (by where a block starts)."""
    records: list[Record] = []
    open_record: Record | None = None
    waiting: Role | None = None
    used: list[tuple[Record, Block]] = []
    for line in _lines(document):
        text = document.text[line.start : line.end]
        about = about_cookies(line.block.path, catalogue, *(() if line.block.path else (document.title,)))
        if waiting and role_of(text) is None:
            # the label stood alone on the line before
            if waiting == "name":
                names = names_in_cell(document.text, line.start, line.end, catalogue)
                open_record = Record(names, line.block, line.start, line.end, False) if names else None
                if open_record:
                    records.append(open_record)
            elif open_record:
                open_record.values.setdefault(waiting, []).append(((line.start, line.end), ""))
                open_record.sure = True
                open_record.end = line.end
            waiting = None
            if open_record:
                used.append((open_record, line.block))
            continue
        waiting = None
        if (alone := label_alone(text)) and (alone == "name" or open_record):
            waiting = alone
            if alone == "name":
                open_record = None
            if open_record:
                used.append((open_record, line.block))
            continue
        labels = labels_in(document.text, line) or spoken_label(
            document.text, line, catalogue, inside=open_record is not None
        )
        title = (
            _title(document, line, catalogue, about=about) if not any(role == "name" for role, *_ in labels) else None
        )
        if title and (line.first or line.block.kind != "heading"):
            open_record = Record(title[0], line.block, line.start, line.end, False)
            records.append(open_record)
            used.append((open_record, line.block))
            if title[1]:
                open_record.free.append(title[1])
            labels = [label for label in labels if label[1][0] >= title[0][-1].end]
        elif line.block.kind == "heading":
            open_record = None
            continue
        for role, value, heading in labels:
            if role == "name":
                names = names_in_cell(document.text, *value, catalogue)
                open_record = Record(names, line.block, line.start, value[1], True) if names else None
                if open_record:
                    open_record.start = max(line.start, label_start(document.text, line.start, value[0]))
                    records.append(open_record)
                    used.append((open_record, line.block))
            elif open_record:
                open_record.values.setdefault(role, []).append((value, heading))
                open_record.end = max(open_record.end, value[1])
                open_record.sure = True
                used.append((open_record, line.block))
        if not labels and not title and open_record and len(text) < 1500:
            same = line.block is open_record.block or line.block.kind == "definition"
            follows = (
                open_record.block.kind == "heading"
                and not open_record.values
                and not next(strong_names(document.text, line.start, line.end, catalogue), None)
            )
            if same or follows:
                open_record.free.append((line.start, line.end))
                open_record.end = line.end
                used.append((open_record, line.block))
            else:
                open_record = None
    leads = _leads(document)
    kept = [
        record
        for record in records
        if record.names and _confirmed(document, record, catalogue, leads.get(record.block.start, ""))
    ]
    sure = {id(record) for record in kept}
    taken = frozenset(block.start for record, block in used if id(record) in sure)
    return kept, taken


def _lines(document: Document) -> Iterator[Line]:
    for block in document.blocks:
        position = block.start
        first = True
        for piece in document.of(block).split("\n"):
            if span := trimmed(document.text, position, position + len(piece)):
                yield Line(*span, block, first)
                first = False
            position += len(piece) + 1


def _title(
    document: Document, line: Line, catalogue: Catalogue, *, about: bool
) -> tuple[list[Named], Span | None] | None:
    """Names that open a line and that the rest of it is about: "_ga", "_ga (2 years): counts", "sid - your login"."""
    text = document.text
    head = re.match(
        r"[\"'«“`]?(?P<name>[^\s:,()\"'»”`]+(?:\s*(?:,|/|\band\b|\bog\b|\boch\b|\bund\b)\s*_[^\s:,()]+)*)[\"'»”`]?",
        text[line.start : line.end],
    )
    if not head:
        return None
    start, end = line.start + head.start("name"), line.start + head.end("name")
    bare = text[start:end].rstrip(".,;:")
    rest = text[line.start + head.end() : line.end]
    marked = any(a <= start < b and b - a < 130 for a, b in line.block.marked)
    whole = not rest.strip(" :.") or bool(re.match(r"\s*(?:[:(–—]|-\s|,)", rest))
    if not whole and not (marked and line.block.kind == "item"):
        return None
    if catalogue.match_vendor(bare) and next(strong_names(text, end, line.end, catalogue), None):
        return None  # "Intercom: intercom-id-* (9 months)"
    pieces = [piece for piece in re.split(r"\s*(?:,|/|\band\b|\bog\b|\boch\b|\bund\b)\s*", bare) if piece]
    names = []
    at = start
    for piece in pieces:
        at = text.find(piece, at, line.end)
        strong = looks_strong(piece) or (len(piece) > 2 and known(piece, catalogue) and (about or marked))
        if not strong and not (
            about and marked and is_name(piece, catalogue) and (line.block.kind != "heading" or len(pieces) == 1)
        ):
            return None
        names.append(Named(piece, at, at + len(piece), strong))
        at += len(piece)
    if not names:
        return None
    span = trimmed(text, line.start + head.end(), line.end)
    if span and text[span[0]] in ":–—-,":
        span = trimmed(text, span[0] + 1, span[1])
    return names, span


def _leads(document: Document) -> dict[int, str]:
    """What stands above each list's items and leads to them ("We use the following cookies:"), by an item's start."""
    leads: dict[int, str] = {}
    above = ""
    for block in document.blocks:
        if block.kind == "item":
            leads[block.start] = above
        else:
            above = document.of(block)
            above = above if above.endswith(":") else ""
    return leads


def _confirmed(document: Document, record: Record, catalogue: Catalogue, lead: str) -> bool:
    """Has a label, a lifetime, or the name itself shown that this is about cookies?"""
    text = document.text
    if any(known(named.name, catalogue) for named in record.names):
        return True
    near = about_cookies(record.block.path, catalogue, text[record.start : record.end], lead)
    somewhere = bool(COOKIE_WORD.search(" ".join((document.title, *record.block.path))))
    strong = all(named.strong for named in record.names)
    if record.sure:
        return near or strong or (somewhere and "lifetime" in record.values)
    life = any(life_in(text[start:end]) for start, end in record.free)
    return (near and (life or strong)) or (somewhere and strong and life)

"""Plain text, and text taken from a PDF, to markup: paragraphs, lists, headings, columns. No I/O.

Columns are told by two or more spaces under a line that has them too. A row goes on over the next lines while its
first column stays empty.
"""

from __future__ import annotations

import html
import re

_GAP = re.compile(r" {2,}|\t+")
_ITEM = re.compile(r"^\s*(?:[•·●○▪■–*o-]|\d{1,2}[.)])\s+(.*)$")
_PAGE = re.compile(
    r"^\s*(?:side|page|sida|seite|pagina)?\s*\d{1,3}\s*(?:(?:av|of|/|von|van|de|af)\s*\d{1,3})?\s*$", re.I
)
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}(?:\.\d{1,2})*\.?|[A-Z]\.)\s+\S+(?:\s\S+)*$")
_LONGEST_HEADING = 80
_LONGEST_LINE = 5_000


def layout_to_html(text: str) -> str:
    """Lines to markup. Takes any text."""
    lines = [
        line.rstrip()[:_LONGEST_LINE] if line[:400].strip() else line.strip()[:_LONGEST_LINE]
        for line in text.replace("\f", "\n\n").split("\n")
    ]
    out: list[str] = []
    number = 0
    while number < len(lines):
        end, table = _table(lines, number)
        if table:
            out.append(table)
            number = end
            continue
        end = number
        while end < len(lines) and lines[end].strip():
            end += 1
            if _GAP.search(lines[end - 1].strip()) and end > number + 1 and _table(lines, end - 1)[1]:
                end -= 1
                break
        if end > number:
            out.extend(_paragraph(lines[number:end], alone=_alone(lines, number, end)))
        number = max(end, number + 1)
    return "\n".join(out)


def _alone(lines: list[str], start: int, end: int) -> bool:
    return end - start == 1 and any(line.strip() for line in lines[end : end + 3])


def _paragraph(lines: list[str], *, alone: bool) -> list[str]:
    if len(lines) == 1 and _PAGE.match(lines[0].strip()):
        return []
    first = lines[0].strip()
    if (
        alone
        and len(first) <= _LONGEST_HEADING
        and not first.endswith((".", ",", ";", "?", "!"))
        and not _ITEM.match(first)
    ) and ": " not in first:
        return [f"<h3>{html.escape(first.rstrip(':'))}</h3>"]
    out: list[str] = []
    run: list[str] = []
    item = False
    wide = max(map(len, lines))
    if len(lines) > 1 and _opens(first, lines[1].strip(), wide):
        out.append(f"<h3>{html.escape(first.rstrip(':'))}</h3>")
        lines = lines[1:]

    def flush() -> None:
        if run:
            text = html.escape("\n".join(run)).replace("\n", " ") if item else _lines(run, wide)
            out.append(f"<li>{text}</li>" if item else f"<p>{text}</p>")
            run.clear()

    for line in lines:
        if found := _ITEM.match(line):
            flush()
            item = True
            run.append(found[1])
        else:
            run.append(line.strip())
    flush()
    return out


def _opens(first: str, second: str, wide: int) -> bool:
    """A short line without a full stop above a longer one is the heading of its paragraph."""
    return (
        3 < len(first) < min(0.6 * wide, _LONGEST_HEADING)
        and len(second) > 1.3 * len(first)
        and first[-1] not in ".,;:?!"
        and first[0].isupper()
        and second[0].isupper()
        and not _ITEM.match(first)
        and ": " not in first
    )


_ENTRY = re.compile(r"^\S{2,60}\s+[–—-]\s")
_LABEL = re.compile(r"^[^\W\d][^:.]{0,30}:\s")


def _lines(lines: list[str], wide: int) -> str:
    """Lines that were wrapped flow together; short ones and labelled ones stay lines."""
    out = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        entries = _ENTRY.match(line) and _ENTRY.match(following)
        wrapped = len(line) > max(0.6 * wide, 40) and following and not entries and not _LABEL.match(following)
        out.append(html.escape(line) + (" " if wrapped else "<br/>" if following else ""))
    return "".join(out)


def _starts(line: str) -> list[int]:
    """Where the columns of a line begin."""
    expanded = line.expandtabs(8)
    starts = [len(expanded) - len(expanded.lstrip())]
    starts += [match.end() for match in _GAP.finditer(expanded.rstrip()) if match.start() > starts[0]]
    return starts


def _table(lines: list[str], number: int) -> tuple[int, str]:
    """A table that begins at this line: (the line after it, markup), or (number, "")."""
    header = lines[number]
    if not header.strip() or not _GAP.search(header.strip()):
        return number, ""
    if _NUMBERED.match(header):
        return number, ""
    if "\t" in header.strip():
        return _tabbed(lines, number)
    starts = _starts(header)
    rows: list[list[str]] = []
    end = number
    blank = 0
    fitting = 0
    while end < len(lines):
        line = lines[end].expandtabs(8)
        if not line.strip():
            blank += 1
            if blank > 2:
                break
            end += 1
            continue
        if _PAGE.match(line.strip()):
            end += 1
            continue
        own = _starts(line)
        matching = sum(any(abs(start - begin) <= 2 for begin in starts) for start in own)
        if matching < len(own) or (len(own) == 1 and own[0] <= starts[0] + 2 and (blank or len(line) > starts[1] + 20)):
            break
        split = _split(line, starts)
        if split[0] or not rows:
            rows.append(split)
            fitting += len(own) > 1
        else:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], split, strict=True)]
        blank = 0
        end += 1
    if fitting < 2 or len(rows) < 2:
        return number, ""
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return end, f"<table>{body}</table>"


def _split(line: str, starts: list[int]) -> list[str]:
    """A line cut at the columns' beginnings, moved to where a word begins."""
    cuts = [0]
    for start in starts[1:]:
        near = [place for place in range(start - 2, start + 3)
                if 0 < place < len(line) and line[place] != " " and line[place - 1] == " "]  # fmt: skip
        cuts.append(min(near, key=lambda place: abs(place - start)) if near else start)
    return [line[begin:stop].strip() for begin, stop in zip(cuts, [*cuts[1:], len(line)], strict=True)]


def _tabbed(lines: list[str], number: int) -> tuple[int, str]:
    rows = []
    end = number
    while end < len(lines) and "\t" in lines[end].strip():
        rows.append([cell.strip() for cell in re.split(r"\t+", lines[end].strip())])
        end += 1
    if len(rows) < 2:
        return number, ""
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return end, f"<table>{body}</table>"

"""Markdown to markup: headings, lists, tables, emphasis, code, links. MDX and front matter tolerated. No I/O.

As much Markdown as policies use and no more; markup inside it passes as it is.
"""

# a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_FRONT_MATTER = re.compile(r"\A(?:---|\+\+\+)[ \t]*\n(.{0,20000}?)\n(?:---|\+\+\+)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title\s*[:=]\s*[\"']?(.{1,200}?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_MODULE_LINE = re.compile(r"^(?:import\s.+\bfrom\b.+|import\s+[\"'].+|export\s+(?:const|default|let)\b.*)$")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_ITEM = re.compile(r"^(\s*)(?:[-*+•]|\d{1,3}[.)])[ \t]+(.*)$")
_RULE = re.compile(r"^ {0,3}(?:[-*_][ \t]*){3,}$")
_DIVIDER = re.compile(r"^\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_GRID_LINE = re.compile(r"^\s*\+(?:[-=]+\+)+\s*$")

_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)(.{1,300}?)(?<!`)\1(?!`)")
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,200})\]\([^()\s]{0,500}(?:\s+\"[^\"\n]{0,200}\")?\)")
_LINK = re.compile(
    r"\[([^\[\]\n]{1,500})\]\(<?[^()\s]{0,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,500})?>?(?:\s+\"[^\"\n]{0,200}\")?\)"
)
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,300})\]\[[^\[\]\n]{0,100}\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>]{1,500}[.@][^\s<>]{1,200})>")
_STRONG = re.compile(r"(?<!\\)(\*\*|__)(?=[^\s*])(.{1,400}?)(?<=[^\s\\])\1")
_EMPHASIS = re.compile(r"(?<![\w\\*])\*(?=[^\s*])([^*\n]{1,300}?)(?<=[^\s\\*])\*(?![\w*])")
_UNDERSCORED = re.compile(r"(?<![\w\\])_(?=[^\s_])([^_\n]{1,300}?)(?<=[^\s\\_])_(?!\w)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_ATTRIBUTE_LIST = re.compile(r"\{[:#.][^{}\n]{0,100}\}\s*$")


def front_matter(text: str) -> tuple[str, str]:
    """(title, the text after its front matter); the title is "" where there is none."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return "", text
    title = _TITLE.search(match[1])
    return (title[1] if title else ""), text[match.end() :]


def markdown_to_html(text: str) -> str:
    """Markdown to markup that says the same. Takes any text."""
    lines = text.expandtabs(4).split("\n")
    return "\n".join(_blocks(lines))


def _blocks(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    items: list[str] = []
    number = 0

    def flush() -> Iterator[str]:
        if paragraph:
            yield f"<p>{inline(_join(paragraph))}</p>"
            paragraph.clear()
        if items:
            yield "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"
            items.clear()

    while number < len(lines):
        line = lines[number]
        number += 1
        stripped = line.strip()
        if not stripped:
            if paragraph or (
                items and not (number < len(lines) and (_ITEM.match(lines[number]) or lines[number][:2] == "  "))
            ):
                yield from flush()
            continue
        if _FENCE.match(line):
            yield from flush()
            while number < len(lines) and not _FENCE.match(lines[number]):
                yield f"<p>{html.escape(lines[number])}</p>"
                number += 1
            number += 1
            continue
        if heading := _HEADING.match(line):
            yield from flush()
            level = len(heading[1])
            yield f"<h{level}>{inline(_ATTRIBUTE_LIST.sub('', heading[2]))}</h{level}>"
            continue
        if paragraph and len(paragraph) == 1 and (under := _UNDERLINE.match(line)) and "|" not in paragraph[0]:
            level = 1 if under[1][0] == "=" else 2
            title = paragraph.pop()
            yield from flush()
            yield f"<h{level}>{inline(title)}</h{level}>"
            continue
        if "|" in line and number < len(lines) and _DIVIDER.match(lines[number]) and "-" in lines[number]:
            yield from flush()
            rows = [line]
            number += 1
            while number < len(lines) and "|" in lines[number]:
                rows.append(lines[number])
                number += 1
            yield table(rows)
            continue
        if _GRID_LINE.match(line):
            yield from flush()
            rows = []
            while number < len(lines) and (lines[number].lstrip()[:1] in ("|", "+")):
                if lines[number].lstrip()[0] == "|":
                    rows.append(lines[number])
                number += 1
            yield table(rows)
            continue
        if _RULE.match(line) or _MODULE_LINE.match(line):
            yield from flush()
            continue
        if item := _ITEM.match(line):
            if paragraph:
                yield from flush()
            items.append(item[2])
            continue
        if items:
            items[-1] += "\n" + stripped if items[-1].endswith(("  ", "\\")) else " " + stripped
            if line.endswith("  "):
                items[-1] += "  "
            continue
        if stripped.startswith(": ") and paragraph:
            term = inline(_join(paragraph))
            paragraph.clear()
            yield f"<dl><dt>{term}</dt><dd>{inline(stripped[2:])}</dd></dl>"
            continue
        paragraph.append(re.sub(r"^ {0,3}>+\s?", "", line))
    yield from flush()


def _join(lines: list[str]) -> str:
    out = []
    for line in lines:
        hard = line.endswith(("  ", "\\"))
        out.append(line.rstrip().removesuffix("\\").strip() + ("<br/>" if hard else " "))
    return "".join(out)


def table(rows: list[str]) -> str:
    """Pipe rows, the first being the heading."""
    out = ["<table>"]
    for index, row in enumerate(rows):
        tag = "td" if index else "th"
        out.append("<tr>" + "".join(f"<{tag}>{inline(cell)}</{tag}>" for cell in cells(row)) + "</tr>")
    out.append("</table>")
    return "".join(out)


def cells(row: str) -> list[str]:
    """The cells of a pipe row; a bar in code or behind a backslash is text."""
    row = row.strip()
    row = row[1:] if row.startswith("|") else row
    row = row[:-1] if row.endswith("|") and not row.endswith("\\|") else row
    row = re.sub(r"`[^`\n]{1,200}`", lambda match: match[0].replace("|", "\0"), row)
    return [cell.replace("\\|", "|").replace("\0", "|").strip() for cell in re.split(r"(?<!\\)\|", row)]


def inline(text: str) -> str:
    """Emphasis, code and links of one block."""
    kept: list[str] = []

    def keep(markup: str) -> str:
        kept.append(markup)
        return f"\x01{len(kept) - 1}\x02"

    text = text.replace("\x01", "").replace("\x02", "")
    text = _CODE.sub(lambda match: keep(f"<code>{html.escape(match[2].strip())}</code>"), text)
    text = _ESCAPED.sub(lambda match: keep(html.escape(match[1])), text)
    text = _IMAGE.sub(lambda match: match[1], text)
    text = _LINK.sub(lambda match: match[1], text)
    text = _REFERENCE.sub(lambda match: match[1], text)
    text = _AUTOLINK.sub(lambda match: keep(html.escape(match[1])), text)
    text = _STRONG.sub(_strong, text)
    text = _EMPHASIS.sub(lambda match: f"<em>{match[1]}</em>", text)
    text = _UNDERSCORED.sub(
        lambda match: f"<em>{match[1]}</em>" if " " in match[1] or match[1].isalpha() else match[0], text
    )
    return re.sub(r"\x01(\d+)\x02", lambda match: kept[int(match[1])], text)


def _strong(match: re.Match[str]) -> str:
    if match[1] == "__" and (not match[2][:1].isalpha() or match.string[match.end() : match.end() + 1].isalnum()
                             or "__" in match[2] or match[2].startswith("utm")):  # fmt: skip
        # `__utma, __utmb` is a list of names, not something set in bold
        return match[0]
    return f"<strong>{match[2]}</strong>"

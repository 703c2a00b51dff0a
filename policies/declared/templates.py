"""Page templates (Nunjucks, Jinja, Liquid, JSX): statements go, tables written as data become tables. No I/O.

Design systems write a table as a macro call: `{{ govukTable({head: [{text: "Name"}], rows: [[{text: "_ga"}]]}) }}`.
Whatever the macro is called, an object with `rows` is a table and its `head` and `caption` are what they say.
"""

from __future__ import annotations

import re

_STATEMENT = re.compile(r"\{%.{0,20000}?%\}|\{#.{0,20000}?#\}", re.DOTALL)
_CALL = re.compile(r"\{\{-?\s*[\w.]{1,60}\s*\(\s*(?=[{\[])")
_VALUE = re.compile(r"\{\{[^{}]{0,300}\}\}")
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.){0,5000}"|'(?:[^'\\]|\\.){0,5000}'|`(?:[^`\\]|\\.){0,5000}`)
    |(?P<mark>[\[\]{}:,])|(?P<word>[^\s\[\]{}:,"'`()]+)|(?P<end>[()]))""",
    re.VERBOSE,
)
_DEEPEST = 20
Value = "str | list[Value] | dict[str, Value]"


def expand_templates(text: str) -> str:
    """The text without template statements, its data tables as markup."""
    if "{%" not in text and "{{" not in text and "{#" not in text:
        return text
    text = _STATEMENT.sub(" ", text)
    out = []
    position = 0
    for call in _CALL.finditer(text):
        if call.start() < position:
            continue
        value, end = parse(text, call.end())
        closing = text.find("}}", end, end + 200)
        out.append(text[position : call.start()])
        out.append(as_markup(value))
        position = closing + 2 if closing >= 0 else end
    out.append(text[position:])
    return _VALUE.sub(" ", "".join(out))


def parse(text: str, start: int) -> tuple[object, int]:
    """A JavaScript-like literal at `start`: nested lists, dicts and strings, and where it ends. Never raises."""
    root: list[object] = []
    stack: list[list[object] | dict[str, object]] = [root]
    keys: list[str | None] = [None]
    position = start
    while (match := _TOKEN.match(text, position)) and not match["end"]:
        position = match.end()
        mark = match["mark"]
        if mark in ("[", "{"):
            child: list[object] | dict[str, object] = [] if mark == "[" else {}
            _put(stack[-1], keys, child)
            if len(stack) > _DEEPEST:
                break
            stack.append(child)
            keys.append(None)
        elif mark in ("]", "}"):
            stack.pop()
            keys.pop()
            if len(stack) <= 1:
                break
        elif mark is None:
            word = match["word"] or re.sub(r"\\(.)", r"\1", match["string"][1:-1])
            if isinstance(stack[-1], dict) and keys[-1] is None:
                keys[-1] = word
            else:
                _put(stack[-1], keys, word)
    return (root[0] if root else ""), position


def _put(holder: list[object] | dict[str, object], keys: list[str | None], value: object) -> None:
    if isinstance(holder, list):
        holder.append(value)
    elif keys[-1] is not None:
        holder[keys[-1]] = value
        keys[-1] = None


def as_markup(value: object) -> str:
    """A table where the value is one; nothing otherwise."""
    if not isinstance(value, dict) or not isinstance(rows := value.get("rows"), list):
        return " "
    head = value.get("head") or value.get("header") or value.get("headers") or value.get("columns")
    lines = [_row(head, "th")] if isinstance(head, list) else []
    lines += [_row(row, "td") for row in rows if isinstance(row, list)]
    caption = _text(value.get("caption"))
    return f"<table><caption>{caption}</caption>{''.join(lines)}</table>" if lines else " "


def _row(row: list[object], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in row) + "</tr>"


def _text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("text") or value.get("html") or value.get("label") or ""
    return value if isinstance(value, str) else ""

"""Shorten the names that a script of ours declares, so that it costs a visitor less. Pure; minified text in and out.

A declared name is changed wherever it stands for a variable; properties, keys and text stay. Two names may become one
only where no statement of the outermost function uses both. Made for our own scripts' dialect (no classes, labels,
`var` or nested templates); the tests run its output in a real browser.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Literal

_TOKEN = re.compile(
    r"""(?P<word>[A-Za-z_$][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    |(?P<template>`(?:\\.|[^`\\])*`)
    |(?P<pattern>/(?![*/])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/[a-z]*)
    |(?P<blank>\s+)
    |(?P<sign>=>|\.\.\.|\?\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_HOLE = re.compile(r"\$\{([^{}]*)\}")
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """arguments async await break case catch class const continue debugger default delete do else enum export
        extends false finally for function if import in instanceof let new null of return static super switch this
        throw true try typeof undefined var void while with yield""",
    )
)
_BEFORE_PATTERN = frozenset("(,=:[!&|?{};+-*%<>~^") | {"=>", "...", "return", "typeof", "in", "of", "case", "&&", ""}
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

_BLOCK_AFTER = frozenset({")", "=>", "else", "try", "finally", "catch", "do", ";", "{", "}", ""})

_OUTERMOST = 2
"""How many brackets are open in the body of `(function () { ... })()`."""

Token = tuple[str, str]
Role = Literal["variable", "property", "shorthand", "other"]


def tokens(script: str) -> Iterator[Token]:
    """Kind and text of each token; a `/` is a division unless a regular expression may stand there.

    Raises ValueError for what no token of ours begins with.
    """
    at, before = 0, ""
    while at < len(script):
        match = _TOKEN.match(script, at)
        if match is None:
            raise ValueError(f"no token at {script[at : at + 20]!r}")
        kind, text = str(match.lastgroup), match[0]
        if kind == "pattern" and before not in _BEFORE_PATTERN:
            kind, text = "sign", "/"
        at += len(text)
        if kind != "blank":
            before = text
        yield kind, text


def shorten(script: str) -> str:
    """The same script with shorter names. Stable: the same text gives the same bytes."""
    solid = [token for token in tokens(script) if token[0] != "blank"]
    declared = _declared(solid)
    uses = _uses(script)
    rivals: dict[str, set[str]] = {name: set() for name in declared}
    for together in [*_statements(script), _outermost(solid)]:
        names = together & declared
        for name in names:
            rivals[name] |= names
    chosen: dict[str, str] = {}
    for name, _ in uses.most_common():
        if name in declared:
            taken = {chosen.get(rival) for rival in rivals[name]}
            chosen[name] = next(
                each for each in _short_names() if each not in taken and each not in uses.keys() - declared
            )
    return _renamed(script, chosen)


def _statements(script: str) -> Iterator[set[str]]:
    """The names in each statement of the outermost function. Two statements share only what that function declares,
    so a name inside one may look like a name inside another."""
    depth, names = 0, set[str]()
    for (kind, text), role in _roles(script):
        depth += (text in {"(", "[", "{"}) - (text in {")", "]", "}"}) if kind == "sign" else 0
        if kind == "template":
            for hole in _HOLE.findall(text):
                names |= set(_uses(hole))
        elif role in {"variable", "shorthand"}:
            names.add(text)
        if text == ";" and depth == _OUTERMOST:
            yield names
            names = set()
    yield names


def _outermost(solid: list[Token]) -> set[str]:
    """What the outermost function declares itself, its parameters included."""
    depth, names = 0, set[str]()
    for i, (kind, text) in enumerate(solid):
        depth += (text in {"(", "[", "{"}) - (text in {")", "]", "}"}) if kind == "sign" else 0
        if kind == "word" and (depth, text) in {(_OUTERMOST, "const"), (_OUTERMOST, "let"), (1, "function")}:
            names |= _words(solid[i + 1 : _closing(solid, i + 1) + 1])
    return names


def _renamed(script: str, names: dict[str, str]) -> str:
    out = []
    for (kind, text), role in _roles(script):
        if kind == "template":
            text = _HOLE.sub(lambda hole: "${" + _renamed(hole[1], names) + "}", text)
        elif role == "variable":
            text = names.get(text, text)
        elif role == "shorthand" and text in names:
            text = f"{text}:{names[text]}"
        out.append(text)
    return "".join(out)


def _uses(script: str) -> Counter[str]:
    """How often each name stands for a variable."""
    uses: Counter[str] = Counter()
    for (kind, text), role in _roles(script):
        if kind == "template":
            for hole in _HOLE.findall(text):
                uses += _uses(hole)
        elif role in {"variable", "shorthand"}:
            uses[text] += 1
    return uses


def _roles(script: str) -> Iterator[tuple[Token, Role]]:
    """What each word stands for, by what is around it. Blank space has no role."""
    found = list(tokens(script))
    solid = [i for i, token in enumerate(found) if token[0] != "blank"]
    place = {i: n for n, i in enumerate(solid)}
    text_of = [found[i][1] for i in solid] + [""]
    brackets: list[str] = []
    for i, token in enumerate(found):
        n = place.get(i)
        if n is None:
            yield token, "other"
            continue
        before, text, after = text_of[n - 1] if n else "", text_of[n], text_of[n + 1]
        if text in {"(", "["}:
            brackets.append(text)
        elif text == "{" and token[0] == "sign":
            brackets.append("block" if before in _BLOCK_AFTER else "object")
        elif text in {")", "]", "}"} and token[0] == "sign" and brackets:
            brackets.pop()
        role: Role = "other"
        if token[0] == "word" and text not in _RESERVED:
            in_object = bool(brackets) and brackets[-1] == "object" and before in {"{", ","}
            role = _role(before, after, in_object=in_object)
        yield token, role


def _role(before: str, after: str, *, in_object: bool) -> Role:
    if before in {".", "?."} or (in_object and after in {":", "("}):
        return "property"
    return "shorthand" if in_object and after in {",", "}", "="} else "variable"


def _declared(solid: list[Token]) -> set[str]:
    """Names after const, let or function, in a destructured list, or among an arrow's or method's parameters."""
    declared: set[str] = set()
    for i, (kind, text) in enumerate(solid):
        if text in {"const", "let", "function"} and kind == "word":
            declared |= _words(solid[i + 1 : _closing(solid, i + 1) + 1])
        elif text == "=>":
            declared |= _words(solid[_opening(solid, i - 1) : i])
        elif text == ")" and i + 1 < len(solid) and solid[i + 1][1] == "{":
            start = _opening(solid, i)
            if solid[start - 1][1] not in {"if", "for", "while", "switch"}:
                declared |= _words(solid[start:i])
    return declared


def _words(part: list[Token]) -> set[str]:
    """A parameter's default may name others' things: what is no declaration is renamed only if declared elsewhere."""
    words = set()
    for n, (kind, text) in enumerate(part):
        if kind == "word" and text not in _RESERVED and (n == 0 or part[n - 1][1] in {"(", ",", "[", "{", "...", ":"}):
            words.add(text)
    return words


def _closing(solid: list[Token], start: int) -> int:
    depth = 0
    for i in range(start, len(solid)):
        depth += (solid[i][1] in {"(", "[", "{"}) - (solid[i][1] in {")", "]", "}"})
        if depth <= 0:
            return i
    raise ValueError("unbalanced brackets")


def _opening(solid: list[Token], end: int) -> int:
    depth = 0
    for i in range(end, -1, -1):
        depth += (solid[i][1] in {")", "]", "}"}) - (solid[i][1] in {"(", "[", "{"})
        if depth <= 0:
            return i
    raise ValueError("unbalanced brackets")


def _short_names() -> Iterator[str]:
    yield from _LETTERS
    for number in count():
        for letter in _LETTERS:
            yield f"{letter}{number}"

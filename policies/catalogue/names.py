"""Indexes whose cost does not grow with what they hold. No I/O.

A glob is found through its literal head or tail in a dict, so a look-up costs as many dict probes as the name
has characters, however many globs there are. Only globs that open and close with a wildcard are walked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Generic, TypeVar

Value = TypeVar("Value")


def is_glob(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def compile_glob(pattern: str) -> re.Pattern[str]:
    """`*` any run of characters, `?` exactly one; everything else is itself."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)


class NameIndex(Generic[Value]):
    """Exact names and globs to values. `find` yields exact matches first, then the more literal globs."""

    def __init__(self) -> None:
        self._exact: dict[str, list[Value]] = {}
        self._heads: dict[str, list[tuple[int, re.Pattern[str], Value]]] = {}
        self._tails: dict[str, list[tuple[int, re.Pattern[str], Value]]] = {}
        self._longest_head = 0
        self._longest_tail = 0

    def add(self, pattern: str, value: Value) -> None:
        if not is_glob(pattern):
            self._exact.setdefault(pattern, []).append(value)
            return
        literal = len(pattern) - pattern.count("*") - pattern.count("?")
        entry = (literal, compile_glob(pattern), value)
        head = re.split(r"[*?]", pattern, maxsplit=1)[0]
        tail = re.split(r"[*?]", pattern)[-1]
        if head or not tail:
            self._heads.setdefault(head, []).append(entry)
            self._longest_head = max(self._longest_head, len(head))
        else:
            self._tails.setdefault(tail, []).append(entry)
            self._longest_tail = max(self._longest_tail, len(tail))

    def find(self, name: str) -> Iterator[Value]:
        yield from self._exact.get(name, ())
        found: list[tuple[int, Value]] = []
        for size in range(min(len(name), self._longest_head) + 1):
            for literal, pattern, value in self._heads.get(name[:size], ()):
                if pattern.fullmatch(name):
                    found.append((literal, value))
        for size in range(1, min(len(name), self._longest_tail) + 1):
            for literal, pattern, value in self._tails.get(name[-size:], ()):
                if pattern.fullmatch(name):
                    found.append((literal, value))
        found.sort(key=lambda entry: -entry[0])
        for _, value in found:
            yield value


class HostIndex(Generic[Value]):
    """Host suffixes to values: `example.com` covers itself and everything below. The longest suffix comes first."""

    def __init__(self) -> None:
        self._suffixes: dict[str, list[Value]] = {}

    def add(self, suffix: str, value: Value) -> None:
        self._suffixes.setdefault(suffix.lower().lstrip("."), []).append(value)

    def find(self, host: str) -> Iterator[list[Value]]:
        """The values of each suffix that is known, from the host itself to its top-level domain."""
        suffixes = self._suffixes
        host = host.lower()
        while host:
            if (values := suffixes.get(host)) is not None:
                yield values
            host = host.partition(".")[2]

    def __contains__(self, host: str) -> bool:
        return next(self.find(host), None) is not None


class TextIndex(Generic[Value]):
    """Literal pieces of text to values: finds the leftmost piece that a text contains, the longest where several begin.

    A piece that opens with a letter, digit or `_` is found only where a word begins: `fbq(` in `window.fbq(`, not in
    `myfbq(`. The pieces become regular expressions shaped like trees, so that a text is read twice at the most,
    however many pieces there are.
    """

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._patterns: list[re.Pattern[str]] | None = None

    def add(self, piece: str, value: Value) -> None:
        self._values.setdefault(piece, value)
        self._patterns = None

    def find(self, text: str) -> Value | None:
        if self._patterns is None:
            self._patterns = self._compiled()
        found = [match for pattern in self._patterns if (match := pattern.search(text))]
        return self._values[min(found, key=re.Match.start)[0]] if found else None

    def _compiled(self) -> list[re.Pattern[str]]:
        words = sorted(piece for piece in self._values if re.match(r"\w", piece))
        others = sorted(self._values.keys() - set(words))
        patterns = [rf"\b{_branch(words)}"] if words else []
        return [re.compile(pattern) for pattern in [*patterns, *([_branch(others)] if others else [])]]


def _branch(pieces: list[str]) -> str:
    """A regular expression for any of these sorted texts, shared beginnings written once, longer ones tried first."""
    ends_here = pieces[0] == ""
    groups: dict[str, list[str]] = {}
    for piece in pieces[1:] if ends_here else pieces:
        groups.setdefault(piece[0], []).append(piece[1:])
    branches = [re.escape(first) + _branch(rest) for first, rest in groups.items()]
    if not branches:
        return ""
    joined = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{joined})?" if ends_here else joined

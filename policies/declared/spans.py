"""Spans of a text: its sentences, and a span without the white space at its ends. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
LONGEST_SENTENCE = 2_000
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

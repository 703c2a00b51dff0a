"""Labelled values in a line of text: "Lifetime: 180 days", a label on a line of its own, "Udløb 1 år" on a card. Pure.

Only the words of `words` are labels, so that "Note: ..." is none.
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.catalogue import Catalogue
from policies.declared.document import Block
from policies.declared.recognise import is_name
from policies.declared.spans import Span, trimmed
from policies.declared.words import COOKIE_WORD, Role, listed, role_of

_LABEL = re.compile(
    r"(?:^|(?<=\n)|(?<=[.;|,·•!?)]\s)|(?<=\s[–—-]\s))[ \t]*(?P<label>[^\W\d_][^\n:：.;,|=_*\[\]]{0,40}?)\s*(?:[:：=]\s*|\s[–—]\s(?=\S))"
)
_NO_LABELS = frozenset(
    {"cookie", "cookies", "key", "keys", "tag", "use", "used", "service", "site", "what", "about", "but", "source"}
)
_JOINING = listed("of the på av for og and und et de du del la le der des van het i til in /")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block, as a span of the document's text. `first`: the block begins with it."""

    start: int
    end: int
    block: Block
    first: bool


def labels_in(text: str, line: Line) -> list[tuple[Role, Span, str]]:
    """(role, where the value stands, the label) of every labelled value in a line."""
    matches = []
    for match in _LABEL.finditer(text, line.start, line.end):
        label = match["label"].strip()
        if len(label.split()) > 5:
            continue
        role = role_of(label)
        if role in (None, "other"):
            continue
        if "–" in match[0][match.end("label") - match.start() :] and match.start("label") != line.start:
            continue
        matches.append((role, match, label))
    found: list[tuple[Role, Span, str]] = []
    for number, (role, match, label) in enumerate(matches):
        end = matches[number + 1][1].start("label") if number + 1 < len(matches) else line.end
        if span := trimmed(text, match.end(), end):
            start, stop = span
            while stop > start and text[stop - 1] in " |;,·•–—-":
                stop -= 1
            found.append((role, (start, stop), label))
    if found and not any(role == "name" for role, *_ in found):
        first = line.start + len(text[line.start : line.end].split(":", 1)[0])
        if len(found) == 1 and found[0][1][0] < first:
            return []
    return found


def spoken_label(text: str, line: Line, catalogue: Catalogue, *, inside: bool) -> list[tuple[Role, Span, str]]:
    """A card's "Udløb 1 år": a label and its value side by side, told apart by layout alone."""
    written = text[line.start : line.end]
    if len(written) > 200 or written.endswith((".", "?", "!", ":")):
        return []
    for count in (2, 1):
        words = written.split(" ", count)
        if len(words) <= count:
            continue
        label = " ".join(words[:count])
        role = role_of(label)
        if role in (None, "other") or label.casefold() in _NO_LABELS or line.block.kind == "heading":
            continue
        if not all(word.casefold() in _JOINING or role_of(word) for word in words[:count]):
            continue
        value = (line.end - len(words[count]), line.end)
        if role == "name":
            if " " in words[count] or not is_name(words[count], catalogue):
                continue
        elif not inside:
            continue
        return [(role, value, label)]
    return []


def label_alone(text: str) -> Role | None:
    """A line that is nothing but a label: "Navn" or "Lifetime:". A heading that says "Informasjonskapsler" is none."""
    bare = text.rstrip(" :：")
    if (
        ":" in bare
        or (COOKIE_WORD.fullmatch(bare) and not text.endswith(":"))
        or ("-" in bare and not text.endswith(":"))
        or not all(word in _JOINING or role_of(word) for word in bare.casefold().split())
    ):
        return None
    if len(bare) > 30 or len(bare.split()) > 3 or (bare.casefold() in _NO_LABELS and not text.endswith(":")):
        return None
    role = role_of(bare)
    return role if role not in (None, "other") else None


def label_start(text: str, start: int, value: int) -> int:
    """Where the label of the value at `value` begins; `start`, the line's own, where none is found."""
    return max(
        (
            match.start("label")
            for match in _LABEL.finditer(text, max(start, value - 60), value)
            if match.end() <= value
        ),
        default=start,
    )

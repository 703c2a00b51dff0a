"""Consent banners that a site shows: recognised, and pressed as a visitor would. Data first.

tools.toml   well-known consent tools by their own elements
purposes.toml  what switches are for, in ten languages
words.toml   what buttons say, in ten languages
find.js      looks for the banner and for one button in one document, shadow roots included
closed       closed shadow roots, which only the browser's own view shows
buttons      a banner's buttons, and what is held before and after
switches     purposes one by one on the settings layer
press        presses, refuses on the second layer where the first offers no way, and says what changed
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Want = Literal["accept", "reject", "settings", "save"]
KINDS: tuple[Want, ...] = ("accept", "reject", "settings", "save")
_FOLDER = Path(__file__).parent


@cache
def tools() -> tuple[dict[str, Any], ...]:
    """Every tool of tools.toml, in order."""
    return tuple(tomllib.loads((_FOLDER / "tools.toml").read_text(encoding="utf-8"))["tool"])


@cache
def words() -> dict[str, Any]:
    """words.toml: `about`, and per language the phrases of each kind of button."""
    return tomllib.loads((_FOLDER / "words.toml").read_text(encoding="utf-8"))


@cache
def purpose_words() -> dict[str, list[str]]:
    """purposes.toml: per purpose the beginnings of words that tell it."""
    return tomllib.loads((_FOLDER / "purposes.toml").read_text(encoding="utf-8"))


def purpose_of(text: str) -> str | None:
    """What a category's or a switch's name says it is for: the purpose whose word stands first; None for no such."""
    plain = " " + " ".join(re.findall(r"[^\W_]+", text.casefold())) + " "
    found = {
        (plain.find(f" {stem} " if purpose == "all" else f" {stem}"), purpose)
        for purpose, stems in purpose_words().items()
        for stem in stems
    }
    return min((one for one in found if one[0] >= 0), default=(0, None))[1]


@cache
def finding(want: Want | Literal["switches"] | None = None) -> str:
    """The expression that finds this document's banner and, where wanted, one button of it, or its switches."""
    about, *languages = words()["about"], *(found for name, found in words().items() if name != "about")
    phrases = {kind: sorted({phrase for one in languages for phrase in one[kind]}) for kind in KINDS}
    code = (_FOLDER / "find.js").read_text(encoding="utf-8").partition("((tools")
    parts = (tools(), phrases, "|".join(about), want, purpose_words())
    arguments = (json.dumps(part, ensure_ascii=False) for part in parts)
    return f"{code[1]}{code[2].rstrip()}({', '.join(arguments)})"


def tool_named(name: str | None) -> dict[str, Any]:
    """What is known of a tool; empty for one that is not known."""
    return next((tool for tool in tools() if tool["name"] == name), {})

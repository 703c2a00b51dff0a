"""What is for sale, and every word of the shop's frame, in both languages. Reads the packaged TOML once, at load."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

LANGUAGES = ("nb", "en")
FREE_FROM = 1000
"""Kroner from which delivery costs nothing."""
DELIVERY = 79
"""Kroner for delivery below that."""


@dataclass(frozen=True, slots=True)
class Words:
    """One good in one language."""

    name: str
    kind: str
    lead: str
    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Good:
    """`price` in whole Norwegian kroner, VAT included; `tint` is the colour of the card behind the drawing."""

    slug: str
    price: int
    tint: str
    words: dict[str, Words]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))


def _good(entry: dict[str, Any]) -> Good:
    words = {lang: Words(**{**entry[lang], "facts": tuple(entry[lang]["facts"])}) for lang in LANGUAGES}
    return Good(entry["slug"], entry["price"], entry["tint"], words)


GOODS: dict[str, Good] = {entry["slug"]: _good(entry) for entry in _read("goods.toml")["good"]}
TEXTS: dict[str, dict[str, str]] = _read("texts.toml")


def money(kroner: int, lang: str) -> str:
    """4890 -> "4 890 kr" (nb, with no-break spaces) or "NOK 4,890" (en)."""
    if lang == "nb":
        return f"{kroner:,}".replace(",", "\u00a0") + "\u00a0kr"
    return f"NOK\u00a0{kroner:,}"

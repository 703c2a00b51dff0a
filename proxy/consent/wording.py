"""The words, and which language a visitor gets. The packaged texts are read once, at load; then no I/O.

Every language has the same keys with the same {placeholders}; an operator's folder may replace single texts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from policies.declaration.words import counted, flattened
from policies.declaration.words import words as declared
from proxy.consent.settings import PACKAGED

_RELATED = {"no": ("nb", "nn"), "nb": ("nn",), "nn": ("nb",)}
_HOLE = re.compile(r"\{([a-z_]+)\}")
_OF_THE_DECLARATION = re.compile(r"lifetime\.\w+|about\.\w+|purpose\.\w+\.each")
"""Texts that the published declaration has, too: kept there, so that the two never tell a cookie differently."""


@dataclass(frozen=True)
class Texts:
    """One language's words by dotted key: `texts("banner.title")`."""

    language: str
    words: Mapping[str, str]

    def __call__(self, key: str, values: Mapping[str, object] | None = None) -> str:
        """The text with its placeholders filled. Raises KeyError for an unknown key."""
        filled = values or {}
        return _HOLE.sub(lambda hole: str(filled.get(hole[1], hole[0])), self.words[key])

    @property
    def direction(self) -> str:
        return self.words.get("direction", "ltr")

    def lifetime(self, seconds: int | None, session: bool) -> str:
        """A lifetime as a person says it: "2 years", "30 minutes", "until you close the browser"."""
        if session:
            return self("lifetime.session")
        if seconds is None:
            return self("lifetime.unknown")
        count, unit = counted(seconds)
        one, many = self.words[f"lifetime.{unit}"].split("|")
        return f"{count}\u00a0{one if count == 1 else many}"


def placeholders(text: str) -> frozenset[str]:
    """The names in braces of one text."""
    return frozenset(_HOLE.findall(text))


@cache
def packaged(language: str) -> Texts:
    """One of the ten languages. Raises FileNotFoundError for another."""
    source = files("proxy.consent").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    shared = {key: text for key, text in declared(language).texts.items() if _OF_THE_DECLARATION.fullmatch(key)}
    return Texts(language, shared | dict(flattened(tomllib.loads(source))))


def load(languages: Sequence[str], folder: str = "") -> dict[str, Texts]:
    """The texts of the wished languages, with an operator's own words from `folder` laid over them.

    Raises ValueError naming file and key where a language is unknown, a key misspelt or a placeholder missing.
    """
    reference = packaged("en").words
    found = {}
    for language in languages:
        words = dict(packaged(language).words) if language in PACKAGED else {}
        own = Path(folder) / f"{language}.toml" if folder else None
        if own is not None and own.is_file():
            try:
                replaced = dict(flattened(tomllib.loads(own.read_text(encoding="utf-8"))))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"{own}: {error}") from error
            for key, text in replaced.items():
                if key not in reference:
                    raise ValueError(f"{own}: no text is called {key}")
                if not placeholders(text) <= placeholders(reference[key]):
                    raise ValueError(f"{own}: {key} may use only {sorted(placeholders(reference[key]))} in braces")
            words |= replaced
        if missing := sorted(set(reference) - set(words)):
            where = own or "languages"
            raise ValueError(f"{where}: language {language!r} has no text for {missing[0]} and {len(missing) - 1} more")
        found[language] = Texts(language, words)
    return found


def choose(available: Sequence[str], page_language: str | None, accept_language: str | None) -> str:
    """The page's own language, else the browser's best wish, else the first available (B11)."""
    for wish in (page_language or "", *_wishes(accept_language or "")):
        tag = wish.strip().lower().replace("_", "-")
        base = tag.partition("-")[0]
        for candidate in (tag, base, *_RELATED.get(base, ())):
            if candidate in available:
                return candidate
    return available[0]


def _wishes(header: str) -> list[str]:
    """Language tags of Accept-Language, most wanted first (RFC 9110 12.5.4)."""
    weighed = []
    for part in header.split(",")[:20]:
        tag, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            weight = 0.0
        if tag and tag != "*" and weight > 0:
            weighed.append((-weight, tag))
    return [tag for _, tag in sorted(weighed, key=lambda each: each[0])]

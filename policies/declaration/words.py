"""One language's words. The packaged texts are read once per language; then no I/O.

Legal words are those of each country's own law and regulator: ekomloven § 3-15 (nb, nn), ePrivacy 5(3) (en),
cookiebekendtgørelsen § 3 and 4 (da), LEK 9:28 (sv), § 25 TDDDG (de), laki 917/2014 § 205 (fi), Tw 11.7a (nl),
loi Informatique et Libertés art. 82 (fr), LSSI art. 22.2 (es).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from policies.lifetime import DAY, HOUR, MINUTE, YEAR

LANGUAGES = ("nb", "nn", "en", "da", "sv", "de", "fi", "nl", "fr", "es")
EEA = frozenset(
    re.findall("..", "ATBEBGCYCZDEDKEEESFIFRGRHRHUIEISITLILTLULVMTNLNOPLPTROSESISK"),
)
"""Countries of the European Economic Area; a transfer to any other must be told (GDPR 13(1)(f))."""

_HOLE = re.compile(r"\{([a-z_]+)\}")
_MONTH = 2_629_746
_UNITS = (("year", YEAR), ("month", _MONTH), ("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", 1))
_COUNTED_IN_DAYS = 120 * DAY
"""Below this a lifetime is told in days: "90 days" is what vendors write, not 3 months."""
_ROUNDING = 0.015
"""How far a whole number of units may be from the seconds it stands for."""


@dataclass(frozen=True)
class Words:
    """Texts by dotted key: `words("column.name")`."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, values: Mapping[str, str] | None = None) -> str:
        """The text with its placeholders filled. Raises KeyError for an unknown key."""
        filled = values or {}
        return _HOLE.sub(lambda hole: filled.get(hole[1], hole[0]), self.texts[key])

    def lifetime(self, seconds: int) -> str:
        """Seconds as a person counts them: "2 years", "13 months", "90 minutes"."""
        count, unit = counted(seconds)
        one, many = self.texts[f"lifetime.{unit}"].split("|")
        return f"{count} {one if count == 1 else many}"

    def country(self, code: str) -> str:
        """A country's name, marked where it lies outside the EEA; the code itself where it has no name here."""
        if not code:
            return ""
        name = self.texts.get(f"country.{code}", code)
        return name if code in EEA else f"{name}, {self('vendor.outside')}"


def described(
    say: Callable[[str, Mapping[str, str]], str],
    language: str,
    english: str,
    purpose: str | None,
    vendor: str = "",
    *,
    third_party: bool = False,
) -> str:
    """What a cookie is for, in one language. `say` gives its texts, `english` is the catalogue's description or empty.

    The catalogue describes in English, and only readers of English get that; everybody else a sentence made of what is
    known: the purpose, who uses it (`vendor`, empty for the site itself), whether other sites see it, too.
    """
    if english and language == "en":
        return english
    sentences = [say(f"purpose.{purpose or 'unknown'}.each", {})]
    if vendor:
        sentences.append(say("about.by", {"vendor": vendor.rstrip(".")}))
    if third_party:
        sentences.append(say("about.across", {}))
    return " ".join(sentences)


def counted(seconds: int) -> tuple[int, str]:
    """The largest unit of which this is a whole number, or nearly: 63072000 -> (2, "year"), 5400 -> (90, "minute")."""
    for unit, size in _UNITS:
        if size == _MONTH and seconds < _COUNTED_IN_DAYS:
            continue
        count = round(seconds / size)
        if count and abs(seconds - count * size) <= _ROUNDING * seconds:
            return count, unit
    return seconds, "second"


def flattened(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested TOML tables -> dotted keys."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


@cache
def words(language: str) -> Words:
    """One of the ten languages. Raises FileNotFoundError for another."""
    source = files("policies.declaration").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    return Words(language, dict(flattened(tomllib.loads(source))))

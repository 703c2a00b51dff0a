"""Why a strictly necessary cookie needs no consent, in the visitor's language. No I/O.

Reasons are written once, in English, by the catalogue or the operator, and name the ground they stand on
(WP29 04/2012). A visitor who reads another language is told that ground in his own words (B6, B11); a reason that
names none of them is shown as the operator wrote it.
"""

from __future__ import annotations

import re

from proxy.consent.wording import Texts

GROUNDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (ground, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for ground, words in (
        ("balancing", "load balanc|same server"),
        ("security", "user-centric security|security|forgery|abuse"),
        ("login", "authenticat|logged in|login|logs? in"),
        ("player", "player|multimedia|video or sound"),
        ("interface", "interface|language chosen|customi[sz]ation"),
        ("input", "user input|cart|basket|shopping|forms? the visitor|session of"),
    )
)
"""Ground -> words of a reason that mean it; the first that fits counts. The names are keys of `[necessary]`."""


def ground_of(reason: str) -> str | None:
    """The ground that an English reason stands on, None where it names none."""
    return next((ground for ground, words in GROUNDS if words.search(reason)), None)


def told(reason: str, texts: Texts) -> str:
    """A reason as a visitor reads it."""
    ground = None if texts.language == "en" else ground_of(reason)
    return reason if ground is None else texts(f"necessary.{ground}")

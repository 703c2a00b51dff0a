"""How long something lives: what was asked for, what a browser keeps, and whether a promise was kept. No clock.

Seconds throughout. Months and years are compared the way a person counts them: a month is 28 to 31 days, a year
365 or 366. What prose says is read by `policies.lifetime_words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MINUTE = 60
HOUR = 3_600
DAY = 86_400
MONTH = 30 * DAY
YEAR = 365 * DAY

BROWSER_CAP = 400 * DAY
"""The longest a browser keeps a cookie, whatever was asked for (RFC 6265bis 5.5: 400 days)."""
SCRIPT_STORAGE_CAP = 7 * DAY
"""Safari removes script-written storage after seven days of browser use without interaction with the site."""

TOLERANCE = 0.03
GRACE = DAY


def months(count: float) -> int:
    """Months in seconds: whole years as years, the rest at 30 days."""
    years, rest = divmod(count, 12)
    return round(years * YEAR + rest * MONTH) if rest == 0 else round(count * MONTH)


def effective(asked: int | None) -> int | None:
    """What a browser keeps of the lifetime asked for; None is a session and stays one."""
    return None if asked is None else min(asked, BROWSER_CAP)


def safari_note(asked: int | None, *, script_written: bool) -> str | None:
    """What Safari does differently to a cookie or key that a script wrote, where it matters."""
    if script_written and (asked is None or asked > SCRIPT_STORAGE_CAP):
        return "Safari removes script-written storage after 7 days of use without interaction with the site"
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind` says how the lifetime asked for relates to the one declared; `seconds` by how much, always positive."""

    kind: Literal["longer", "shorter"]
    seconds: int

    def __str__(self) -> str:
        return f"{in_words(self.seconds)} {self.kind}"


def difference(asked: int | None, declared: int | None) -> Difference | None:
    """Asked against declared, both in seconds, None being a session; None where they agree.

    They agree within 3 %, within one day, and within what a calendar makes of a month or year.
    """
    if asked is None and declared is None:
        return None
    if asked is None or declared is None:
        persistent = asked if asked is not None else declared
        if persistent is None or persistent <= GRACE:
            return None
        return Difference("longer" if declared is None else "shorter", persistent)
    shortest, longest = _calendar(declared)
    if shortest <= asked <= longest:
        return None
    gap = asked - longest if asked > longest else shortest - asked
    whole = abs(asked - declared)
    if gap <= GRACE or whole <= TOLERANCE * max(declared, 1):
        return None
    return Difference("longer" if asked > declared else "shorter", whole)


def _calendar(declared: int) -> tuple[int, int]:
    """The span of seconds that a person means by this many whole months or years."""
    years, rest = divmod(declared, YEAR)
    if years and not rest:
        return declared, years * 366 * DAY
    count, rest = divmod(declared, MONTH)
    if count and not rest:
        return (28 if count == 1 else 30 * count - 2) * DAY, 31 * count * DAY
    return declared, declared


_STEPS = ((YEAR, "year"), (MONTH, "month"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second"))


def in_words(seconds: int | None) -> str:
    """ "2 years", "13 months", "182.5 days", "30 minutes"; None is "session"."""
    if seconds is None:
        return "session"
    if seconds == 0:
        return "0 seconds"
    for size, name in _STEPS:
        if name == "month" and not (seconds % size <= DAY and seconds >= 2 * size):
            continue
        if name == "year" and seconds % size > DAY:
            continue
        if seconds >= size:
            count = round(seconds / size, 1)
            text = f"{count:g}"
            return f"{text} {name}" + ("" if text == "1" else "s")
    return f"{seconds} seconds"

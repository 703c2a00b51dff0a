"""Opt-in rates: choices counted by day, site, language and notice. Counting is the database's; the rest is pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from proxy.consent.log.store import Session

COUNTED = ("shown", "accept", "reject", "save", "withdraw", "gpc", "expire", "reprompt")


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often what happened on one UTC day on one site, in one language, under one notice."""

    day: str
    site: str
    language: str
    notice: str | None
    shown: int = 0
    accept: int = 0
    reject: int = 0
    save: int = 0
    withdraw: int = 0
    gpc: int = 0
    expire: int = 0
    reprompt: int = 0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def decided(self) -> int:
        """Choices made by visitors themselves."""
        return self.accept + self.reject + self.save


async def counted(session: Session, begin: str, end: str, site: str | None) -> list[DayCount]:
    """Count rows with begin <= time < end, for all sites where `site` is None, without what `prove` did."""
    rows = await session.fetch(
        "SELECT substr(time, 1, 10), site, language, notice, event, count(*) FROM consent_entry "
        "WHERE surface <> 'prove' AND time >= ? AND time < ? AND site >= ? AND site <= ? "
        "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
        (begin, end, site or "", site or "\U0010ffff"),
    )
    days: dict[tuple[str, str, str, str | None], DayCount] = {}
    for day, where, language, notice, event, count in rows:
        key = (day, where, language, notice)
        if event in COUNTED:
            days[key] = replace(days.get(key) or DayCount(*key), **{event: count})
    return sorted(days.values(), key=lambda each: (each.day, each.site, each.language, each.notice or ""))


def as_json(days: Iterable[DayCount]) -> dict[str, object]:
    """The contract's answer of `log stats`."""
    return {"days": [day.as_dict() for day in days]}


def chart_svg(days: Iterable[DayCount]) -> str:
    """Bars per day, stacked: accepted, chosen in part, rejected. Says itself in text, in light and dark."""
    totals: dict[str, list[int]] = {}
    for each in days:
        parts = totals.setdefault(each.day, [0, 0, 0])
        for place, count in enumerate((each.accept, each.save, each.reject)):
            parts[place] += count
    tallest = max((sum(parts) for parts in totals.values()), default=0) or 1
    width = max(_LEAST_WIDTH, len(totals) * _STEP + 2 * _EDGE)
    bars = "".join(_bar(number, day, parts, tallest) for number, (day, parts) in enumerate(sorted(totals.items())))
    legend = "".join(
        f'<rect class="{name}" x="{_EDGE + place * 110}" y="8" width="12" height="12"/>'
        f'<text x="{_EDGE + place * 110 + 18}" y="18">{name}</text>'
        for place, name in enumerate(_PARTS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + 70}" role="img" '
        f'aria-label="Choices per day, at most {tallest}"><style>{_STYLE}</style>{legend}{bars}</svg>'
    )


_PARTS = ("accept", "save", "reject")
_HEIGHT, _STEP, _EDGE, _LEAST_WIDTH = 200, 24, 16, 360
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#24292f}.accept{fill:#1a7f5a}.save{fill:#c98a1b}.reject{fill:#5b6b8c}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e9ee}.accept{fill:#4cc38a}.save{fill:#e5b04b}.reject{fill:#93a4c8}}"
)


def _bar(number: int, day: str, parts: list[int], tallest: int) -> str:
    left, floor = _EDGE + number * _STEP, float(30 + _HEIGHT)
    title = f"{day}: " + ", ".join(f"{count} {name}" for name, count in zip(_PARTS, parts, strict=True))
    pieces = [f"<g><title>{title}</title>"]
    for name, count in zip(_PARTS, parts, strict=True):
        height = round(count / tallest * _HEIGHT, 1)
        floor -= height
        pieces.append(f'<rect class="{name}" x="{left}" y="{floor:.1f}" width="{_STEP - 6}" height="{height}"/>')
    if number % 7 == 0:
        pieces.append(f'<text x="{left}" y="{30 + _HEIGHT + 16}">{day}</text>')
    return "".join(pieces) + "</g>"

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

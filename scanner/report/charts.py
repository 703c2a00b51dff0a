"""Counts as bars: where each bar and its words stand, in pixels. Pure; the template draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.report.summary import Count

WIDTH, LABEL, ROW, BAR = 520, 190, 26, 16
"""Pixels: the whole, the labels' column, a row, the bar in it."""
NUMBER = 50
"""Room for the number behind the longest bar."""

COLOURS = {
    "necessary": "#3a7d44",
    "preferences": "#2f6690",
    "statistics": "#b26a00",
    "marketing": "#a4243b",
    "unknown": "#6b7280",
}
"""By label where it is a purpose."""
_OTHER = "#34506b"


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. `top` is the row's upper edge, `width` the bar's length."""

    label: str
    number: int
    top: int
    width: int
    colour: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`spoken` says to a screen reader what the bars show."""

    title: str
    bars: tuple[Bar, ...]
    height: int
    spoken: str


def chart(title: str, counts: Sequence[Count]) -> Chart | None:
    """Lay out one chart; None where there is nothing to count."""
    if not counts:
        return None
    most = max(count.number for count in counts)
    room = WIDTH - LABEL - NUMBER
    bars = tuple(
        Bar(
            count.label if len(count.label) <= 28 else f"{count.label[:27]}…",
            count.number,
            row * ROW,
            max(2, round(room * count.number / most)),
            COLOURS.get(count.label, _OTHER),
        )
        for row, count in enumerate(counts)
    )
    return Chart(title, bars, ROW * len(bars), ", ".join(f"{count.label} {count.number}" for count in counts))

"""One self-contained page about a proof: no script, nothing loaded from anywhere. Pure; the template is packaged.

A row is a page, a column a kind of visitor; below stand the leaks and what is broken, each with its reason, and for
every cell what was looked at, so that a zero is seen to be more than nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from scanner.leaks import Leak
from scanner.prove import Cell, Proof

STATES = {
    "undecided": "before any choice",
    "reject": "after a reject",
    "preferences": "preferences only",
    "statistics": "statistics only",
    "marketing": "marketing only",
    "accept": "after an accept",
    "gpc": "Global Privacy Control",
    "noscript": "without JavaScript",
}
"""A state as a reader who is no engineer would say it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One leak or breakage with every visitor and page that it was seen by."""

    what: str
    subject: str
    because: str
    by: str
    where: tuple[tuple[str, tuple[str, ...]], ...]
    """(visitor, pages)"""


def _told(found: list[tuple[Leak, Cell]]) -> list[Told]:
    together: dict[Leak, list[Cell]] = {}
    for leak, cell in found:
        together.setdefault(leak, []).append(cell)
    return [
        Told(leak.kind.replace("_", " "), leak.subject, leak.because, leak.by, _where(cells))
        for leak, cells in together.items()
    ]


def _where(cells: list[Cell]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    by_state: dict[str, list[str]] = {}
    for cell in cells:
        by_state.setdefault(STATES.get(cell.state, cell.state), []).append(cell.page)
    return tuple((state, tuple(pages)) for state, pages in by_state.items())


def _broken(proof: Proof) -> list[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]]:
    together: dict[str, list[Cell]] = {}
    for cell in proof.cells:
        for each in cell.breakage:
            together.setdefault(each, []).append(cell)
    return [(each, _where(cells)) for each, cells in together.items()]


def render_proof(proof: Proof, *, generated: datetime) -> str:
    """The report as HTML; `generated` is the time printed at the foot."""
    template = Environment(
        loader=PackageLoader("scanner.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("proof.html.j2")
    states = list(dict.fromkeys(cell.state for cell in proof.cells))
    by_place: dict[tuple[str, str], Cell] = {(cell.state, cell.page): cell for cell in proof.cells}
    return template.render(
        proof=proof,
        digest=proof.digest,
        states=[(state, STATES.get(state, state)) for state in states],
        pages=list(dict.fromkeys(cell.page for cell in proof.cells)),
        cells=by_place,
        told=STATES,
        leaks=sum(len(cell.leaks) for cell in proof.cells),
        broken=sum(len(cell.breakage) for cell in proof.cells),
        told_leaks=_told([(leak, cell) for cell in proof.cells for leak in cell.leaks]),
        told_broken=_broken(proof),
        generated=generated.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )

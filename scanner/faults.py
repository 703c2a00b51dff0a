"""What two proofs of the same site differ in. Pure.

A fault is a leak or something broken, for one kind of visitor. On which page of the sample it was seen does not make it
another one, nor do the parts of an address or a name that change with each visit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from scanner.names import steady
from scanner.prove import Proof

_QUERY = re.compile(r"[?#][^\s\"')]*")
_PLACE = re.compile(r"(?<=[^\s:]):\d+(?::\d+)?(?=\b)")
"""`:LINE:COLUMN` behind a script's address, and a port."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """`kind` is a leak's kind or `broken`. `subject` is an address without query, a name, or a message."""

    kind: str
    subject: str
    state: str

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.subject} ({self.state})"


@dataclass(frozen=True, slots=True)
class Difference:
    """What one proof has and the other has not."""

    new: tuple[Fault, ...]
    gone: tuple[Fault, ...]
    still: int = 0
    """How many faults both have."""

    def __bool__(self) -> bool:
        return bool(self.new or self.gone)

    def in_words(self) -> str:
        """One line each; a sentence where nothing differs."""
        lines = [*(f"! new: {fault}" for fault in self.new), *(f"  gone: {fault}" for fault in self.gone)]
        if self.still:
            lines.append(f"  as before: {self.still} {'fault' if self.still == 1 else 'faults'}")
        return "\n".join(lines) or "Nothing leaks, nothing is broken."

    def to_json(self) -> dict[str, Any]:
        return {"new": [asdict(fault) for fault in self.new], "gone": [asdict(fault) for fault in self.gone]}


def faults_of(proof: Proof) -> tuple[Fault, ...]:
    """Every leak and everything broken, sorted, each once."""
    leaks = (Fault(leak.kind, _steady(leak.subject), cell.state) for cell in proof.cells for leak in cell.leaks)
    broken = (Fault("broken", _steady(each), cell.state) for cell in proof.cells for each in cell.breakage)
    return tuple(sorted({*leaks, *broken}))


def difference(before: Iterable[Fault], after: Iterable[Fault]) -> Difference:
    old, new = set(before), set(after)
    return Difference(tuple(sorted(new - old)), tuple(sorted(old - new)), len(old & new))


def _steady(subject: str) -> str:
    return steady(_PLACE.sub("", _QUERY.sub("", subject)))

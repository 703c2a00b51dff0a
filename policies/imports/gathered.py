"""What a reader of one format has found so far. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.imports.model import ImportedHost, ImportedName


@dataclass(slots=True)
class Gathered:
    """Filled in place; what is left out is counted by reason."""

    cookies: list[ImportedName] = field(default_factory=list)
    storage: list[ImportedName] = field(default_factory=list)
    hosts: list[ImportedHost] = field(default_factory=list)
    rules: tuple[tuple[int, str], ...] = ()
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

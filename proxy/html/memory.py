"""What became of tags, inline scripts and whole stretches met before, shared by one judge's documents. No I/O.

Pages of a site repeat themselves: head, navigation, style sheets, scripts, footer. A memory belongs to one judge, that
is to one policy, one consent and one kind of page, and must never be shared beyond. Addresses are resolved against the
page's folder, so what is known is kept by folder and charset; by grammar, since the same bytes are another tag in XML;
and by depth, since nesting has an end. Bounded: past `limit` bytes everything is forgotten.
"""

from __future__ import annotations

from itertools import chain

from policies.verdict import Verdict

Evidence = tuple[tuple[Verdict, str, str], ...]
Known = dict[bytes, tuple[bytes, Evidence]]
_LONGEST = 1 << 14
_OVERHEAD = 200
_FOLDERS = 256
_SEEN = 1 << 14


class TagMemory:
    """`scope` hands out the part for one folder; `remember` keeps an entry there."""

    def __init__(self, limit: int = 8 << 20, *, stretch: int = 1024) -> None:
        self._limit = limit
        self.stretch = stretch
        """Bytes that a stretch of a document has at least."""
        self._used = 0
        self._scopes: dict[tuple[str, str, str, int], tuple[Known, Known]] = {}
        self._seen: set[int] = set()
        self.held: dict[bytes, bool] = {}
        """Start tags of scripts: does the content count?"""

    def __repr__(self) -> str:
        return f"<TagMemory {sum(map(len, chain.from_iterable(self._scopes.values())))} entries, {self._used} bytes>"

    def scope(self, base: str, charset: str, mode: str, depth: int) -> tuple[Known, Known]:
        """What is known for pages at this base URL, of one grammar, so many documents deep: tags and elements, and
        whole stretches."""
        path = base.partition("?")[0].partition("#")[0]
        key = (path[: path.rfind("/") + 1], charset, mode, depth)
        known = self._scopes.get(key)
        if known is None:
            if len(self._scopes) >= _FOLDERS:
                self._scopes.clear()
                self._used = 0
            known = self._scopes[key] = ({}, {})
        return known

    def remember(self, known: Known, before: bytes, after: bytes, evidence: Evidence) -> None:
        """Keep what `before` becomes."""
        if len(before) > _LONGEST:
            return
        self._used += len(before) + (len(after) if after is not before else 0) + _OVERHEAD
        if self._used > self._limit:
            for tags, stretches in self._scopes.values():
                tags.clear()
                stretches.clear()
            self.held.clear()
            self._used = 0
        known[before] = (after, evidence)

    def is_new(self, stretch: bytes) -> bool:
        """Is this the first time that this stretch comes? What never comes again need not be read by itself."""
        seen = hash(stretch)
        if seen in self._seen:
            return False
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen.add(seen)
        return True

    def remember_held(self, raw: bytes, holds: bool) -> bool:
        """Keep whether this start tag waits for its content; answers it."""
        if len(raw) <= _LONGEST:
            self._used += len(raw) + _OVERHEAD
            self.held[raw] = holds
        return holds

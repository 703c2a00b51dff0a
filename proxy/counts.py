"""What the proxy counts for its operator, in cells of 64 bits that several processes may share. No I/O, no visitor.

Every process writes a seat of its own, so nothing is locked; whoever is asked adds the seats up. The memory belongs to
the process that made it: a worker that dies takes no count with it, and whoever replaces it goes on counting.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "broken_off")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of what requests are sorted by, in seconds; one more cell holds the longer ones."""
WHAT = ("cookie_set", "cookie_sent", "html", "link", "refresh", "speculation", "reporting", "advertising", "other")
ROWS = ("shown", "accept", "reject", "save", "withdraw", "gpc", "import", "expire", "reprompt", "erase")
"""Events of the consent log that a proxy writes."""
FAILURES = ("unreachable", "busy", "timeout", "broken", "refused", "visitor", "rewriting", "fault")
REMEMBERED = ("hit", "miss")
GAUGES = ("visitor_connections", "upstream_connections", "consent_rows_dropped", "ledger_waiting", "bypass")

_STATUS = {name: place for place, name in enumerate(STATUSES)}
_WHAT = {name: place for place, name in enumerate(WHAT)}
_DURATION = len(STATUSES)
_MICROSECONDS = _DURATION + len(BUCKETS) + 1
_SENT = _MICROSECONDS + 1
_STRIPPED = _SENT + 1
_ROWS = _STRIPPED + len(WHAT)
_PER_SITE = _ROWS + len(ROWS)
_FIRST_SITE = len(FAILURES) + len(REMEMBERED) + len(GAUGES)
NO_SITE = ""


class Counts:
    """Cells for these sites and so many writers. `shared`: in memory that forked processes have in common."""

    def __init__(self, sites: Iterable[str], *, seats: int = 1, shared: bool = False) -> None:
        self.sites = (NO_SITE, *sites)
        self.seats = seats
        self.width = _FIRST_SITE + len(self.sites) * _PER_SITE
        size = self.width * seats * 8
        self._cells = memoryview(mmap.mmap(-1, size) if shared else bytearray(size)).cast("Q")

    def __repr__(self) -> str:
        return f"<Counts of {len(self.sites) - 1} sites in {self.seats} seats>"

    def seat(self, number: int) -> Seat:
        """Where one process counts."""
        return Seat(self, self._cells[number * self.width : (number + 1) * self.width])

    def leave(self, number: int) -> None:
        """The process of this seat has gone: what it counted stays, what it only held is gone."""
        start = number * self.width + len(FAILURES) + len(REMEMBERED)
        for cell in range(start, start + len(GAUGES)):
            self._cells[cell] = 0

    def moved(self, sites: Iterable[str]) -> Counts:
        """The same counts for another list of sites: what was counted so far stands in the last seat."""
        new = Counts(sites, seats=self.seats, shared=True)
        last = (new.seats - 1) * new.width
        for cell in range(_FIRST_SITE - len(GAUGES)):
            new._cells[last + cell] = self.sum(cell)
        for place, name in enumerate(new.sites):
            if name in self.sites:
                old = self._start(self.sites.index(name))
                for offset in range(_PER_SITE):
                    new._cells[last + self._start(place) + offset] = self.sum(old + offset)
        return new

    def sum(self, cell: int) -> int:
        return sum(self._cells[seat * self.width + cell] for seat in range(self.seats))

    def failures(self) -> dict[str, int]:
        return {name: self.sum(place) for place, name in enumerate(FAILURES)}

    def remembered(self) -> dict[str, int]:
        return {name: self.sum(len(FAILURES) + place) for place, name in enumerate(REMEMBERED)}

    def gauges(self) -> dict[str, int]:
        start = len(FAILURES) + len(REMEMBERED)
        return {name: self.sum(start + place) for place, name in enumerate(GAUGES)}

    def requests(self, site: int) -> dict[str, int]:
        return self._named(site, 0, STATUSES)

    def stripped(self, site: int) -> dict[str, int]:
        return self._named(site, _STRIPPED, WHAT)

    def rows(self, site: int) -> dict[str, int]:
        """Rows written to the consent log, by event."""
        return self._named(site, _ROWS, ROWS)

    def sent(self, site: int) -> int:
        """Bytes of bodies."""
        return self.sum(self._start(site) + _SENT)

    def durations(self, site: int) -> tuple[list[int], float]:
        """How many requests fell into each bucket, and their seconds together."""
        start = self._start(site)
        counted = [self.sum(start + _DURATION + place) for place in range(len(BUCKETS) + 1)]
        return counted, self.sum(start + _MICROSECONDS) / 1e6

    def _named(self, site: int, offset: int, names: Sequence[str]) -> dict[str, int]:
        start = self._start(site) + offset
        return {name: self.sum(start + place) for place, name in enumerate(names)}

    @staticmethod
    def _start(site: int) -> int:
        return _FIRST_SITE + site * _PER_SITE


class Seat:
    """One process's cells."""

    def __init__(self, counts: Counts, cells: memoryview) -> None:
        self.counts = counts
        self._cells = cells
        self._sites = {name: _FIRST_SITE + place * _PER_SITE for place, name in enumerate(counts.sites)}
        self._failures = {name: place for place, name in enumerate(FAILURES)}

    def request(self, site: str | None, status: int, seconds: float, sent: int, stripped: Mapping[str, int]) -> None:
        """One request is over. `status` 0: broken off before an answer; `stripped`: how many things of each kind."""
        cells = self._cells
        start = self._sites[site or NO_SITE]
        cells[start + (status // 100 - 1 if 100 <= status < 600 else _STATUS["broken_off"])] += 1
        cells[start + _DURATION + bisect_left(BUCKETS, seconds)] += 1
        cells[start + _MICROSECONDS] += int(seconds * 1e6)
        cells[start + _SENT] += sent
        for what, number in stripped.items():
            cells[start + _STRIPPED + _WHAT.get(what, _WHAT["other"])] += number

    def row(self, site: str, event: str, number: int) -> None:
        """Rows written to the consent log."""
        if event in ROWS:
            self._cells[self._sites[site] + _ROWS + ROWS.index(event)] += number

    def failure(self, kind: str) -> None:
        """Something went wrong: one of FAILURES."""
        self._cells[self._failures[kind]] += 1

    def remembered(self, *, hit: bool) -> None:
        self._cells[len(FAILURES) + (0 if hit else 1)] += 1

    def gauge(self, **now: int) -> None:
        """What this process holds at the moment: some of GAUGES."""
        start = len(FAILURES) + len(REMEMBERED)
        for name, value in now.items():
            self._cells[start + GAUGES.index(name)] = value

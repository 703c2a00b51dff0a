"""What is written down of an exchange: numbers for the operator, evidence for the ledger, one line of the access log.

Nothing of it names a visitor: no address, no query, no cookie, no browser.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import structlog

from policies.verdict import Verdict
from proxy.counts import Seat
from proxy.exchange import Tally
from proxy.ledger import Ledger
from proxy.sites import Site


class Bookkeeping:
    """`access_log` False: no line is written."""

    def __init__(self, counted: Seat, ledger: Ledger, *, access_log: bool) -> None:
        self.counted = counted
        self._ledger = ledger
        self._access = structlog.get_logger("samtykke.access") if access_log else None

    def noted(
        self,
        site: Site,
        policy: str | None,
        path: str,
        notes: Sequence[tuple[str, Verdict]],
        tally: Tally | None,
        sightings: Iterable[tuple[str, str]],
    ) -> None:
        """Count what was decided in an exchange under the policy of this hash."""
        ledger = self._ledger
        ledger.count(site.name, policy, notes)
        if tally is not None:
            ledger.count_again(site.name, policy, tally)
        for kind, subject in sightings:
            ledger.see(site.name, kind, subject, path)

    def over(
        self,
        site: Site | None,
        method: str,
        target: bytes,
        status: int,
        sent: int,
        *,
        began: float,
        request_id: str,
        stripped: dict[str, int],
    ) -> None:
        """Count a request that is over and log its line. `began` is of the monotonic clock, in seconds."""
        seconds = time.monotonic() - began
        name = site.name if site is not None else None
        self.counted.request(name, status, seconds, sent, stripped)
        if self._access is not None:
            self._access.info(
                "request",
                method=method,
                site=name,
                path=target.partition(b"?")[0].decode("utf-8", "replace"),
                status=status,
                bytes=sent,
                ms=round(seconds * 1000, 1),
                request_id=request_id,
                stripped=sum(stripped.values()),
            )

"""What the data plane takes from its neighbours, so that each can be left out. Records and interfaces only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from policies.verdict import Verdict
from proxy.consent.desk import ConsentDesk


def no_trouble() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Parts:
    """`desk` None: nobody is asked, everybody counts as undecided. `log_trouble` says why choices cannot be logged."""

    desk: ConsentDesk | None = None
    log_trouble: Callable[[], str | None] = no_trouble


class Document(Protocol):
    """One document on its way: feed/close."""

    content_type: bytes | None
    """What to send as Content-Type instead, where the charset was changed; None: as it came."""

    def feed(self, data: bytes) -> bytes: ...
    def close(self) -> bytes: ...
    def onward(self, data: bytes) -> bytes:
        """Bytes that pass unread after a failure, in the charset announced."""

    def rest(self, error: Exception) -> bytes:
        """After feed or close raised: what was taken in and not given out, as it came."""

    def notes(self) -> Iterable[Verdict]:
        """What was neutralised."""

    @property
    def bound(self) -> bool:
        """Does what came out depend on the page's own address?"""

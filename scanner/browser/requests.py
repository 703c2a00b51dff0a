"""One request with its redirect hops, put together from events that arrive in no fixed order. Pure.

The raw headers of a hop come in an event of their own ("extra info") that names only the request, not the hop, and is
left out for hops answered from cache. DevTools says per answer whether there is one, so they are matched in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scanner.browser.pipe import Json
from scanner.browser.scripts import Call


@dataclass(slots=True)
class Hop:
    """One URL asked for, with what was answered. `has_extra` None: not known, take one if there is any."""

    url: str
    kind: str
    request: str
    session: str
    at: float
    """UTC epoch seconds."""
    initiator: tuple[Call, ...] = ()
    asker: str = ""
    """Kind of target that asked: page, iframe, worker, shared_worker, service_worker."""
    redirected_from: str | None = None
    body: str = ""
    asked: Json = field(default_factory=dict)
    """Network.Request: method, provisional headers, whether there is a body."""
    answered: Json = field(default_factory=dict)
    """Network.Response: status text, media type, protocol, timing."""
    sent: float = 0.0
    ended: float = 0.0
    """Monotonic seconds of the browser's own; 0 is not known."""
    decoded: int = 0
    """Bytes of the answer so far, decoded; `encoded` as they travelled, None while that is not known."""
    encoded: int | None = None
    sent_headers: Json | None = None
    """The request's raw headers, where DevTools gave them."""
    status: int | None = None
    failure: str | None = None
    has_extra: bool | None = None
    headers: Json | None = None
    """The answer's raw headers, where DevTools gave them."""
    blocked_set: tuple[Json, ...] = ()
    associated: tuple[Json, ...] = ()
    """Cookies considered for sending, each with its blocked reasons."""

    def header(self, name: str) -> str | None:
        """One raw header of the answer, None where absent. Repeated lines are joined by a line feed."""
        for key, value in (self.headers or {}).items():
            if key.lower() == name:
                return str(value)
        return None


@dataclass(slots=True)
class Exchange:
    """All hops of one request id and the extra infos that belong to them."""

    hops: list[Hop] = field(default_factory=list)
    sent: list[Json] = field(default_factory=list)
    received: list[Json] = field(default_factory=list)

    def resolve(self) -> list[Hop]:
        """The hops, each with its own extra info."""
        _deal(self.hops, self.sent, _take_sent)
        _deal(self.hops, self.received, _take_received)
        return self.hops


def _deal(hops: list[Hop], extras: list[Json], take: Callable[[Hop, Json], None]) -> None:
    # Early hints (103) and the like may add extra infos: the status code, where it fits, decides.
    waiting = list(extras)
    for hop in hops:
        if hop.has_extra is False or not waiting:
            continue
        if hop.status is not None:
            fitting = [extra for extra in waiting if extra.get("statusCode", hop.status) == hop.status]
            chosen = fitting[0] if fitting else waiting[0]
        else:
            chosen = waiting[0]
        waiting.remove(chosen)
        take(hop, chosen)


def _take_sent(hop: Hop, extra: Json) -> None:
    hop.sent_headers = extra.get("headers")
    hop.associated = tuple(extra.get("associatedCookies", ()))


def _take_received(hop: Hop, extra: Json) -> None:
    hop.headers = extra.get("headers", {})
    hop.blocked_set = tuple(extra.get("blockedCookies", ()))

"""The one shape in which both ways of looking hand over a page. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from policies.observation import (
    BannerSeen,
    Observed,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    PageVisit,
    PolicyLink,
    Technique,
)


class PageSeen(Observed):
    """What one page showed: what the frontier keeps of it, as JSON. Every `pages` inside names this page only."""

    page: PageVisit
    cookies: tuple[ObservedCookie, ...] = ()
    storage: tuple[ObservedKey, ...] = ()
    requests: tuple[ObservedRequest, ...] = ()
    techniques: tuple[Technique, ...] = ()
    banners: tuple[BannerSeen, ...] = ()
    policy_links: tuple[PolicyLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A page together with what only the crawl needs: where to go next, and whether to come back later."""

    result: PageSeen
    links: tuple[str, ...] = ()
    """Absolute addresses in document order, not yet judged."""
    canonical: str | None = None
    screenshot: bytes | None = None
    retry_after: float | None = None
    """Seconds the site asked us to wait, where it did."""
    for_the_moment: bool = False
    """The page failed in a way that may be over soon."""


class Visitor(Protocol):
    """A way of looking at pages."""

    async def visit(self, url: str) -> Seen:
        """Look at one page. A page that fails is a result with a reason, never an exception."""
        ...

    async def close(self) -> None: ...


MOMENTARY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be different in a while (RFC 9110 15.5.9, 15.6; RFC 6585 4)."""

MOMENTARY_ERRORS = (
    "timed out",
    "timeout",
    "connection",
    "disconnected",
    "crashed",
    "ERR_NETWORK_CHANGED",
    "ERR_EMPTY_RESPONSE",
    "ERR_HTTP2",
)
"""Words in a page's error that tell of a passing failure."""

LASTING_ERRORS = ("refused", "ERR_NAME_NOT_RESOLVED", "ERR_CERT", "ERR_SSL", "certificate", "download")
"""Words that settle it the other way, whatever else the error says."""


def for_the_moment(page: PageVisit) -> bool:
    """May a second visit go better? By the tables above."""
    if page.error:
        text = page.error.lower()
        if any(word.lower() in text for word in LASTING_ERRORS):
            return False
        return any(word.lower() in text for word in MOMENTARY_ERRORS)
    return page.status in MOMENTARY_STATUS

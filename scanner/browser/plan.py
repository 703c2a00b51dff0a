"""What a visit is asked to do and what it brings back. Frozen; no I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from policies.observation import (
    BannerSeen,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    PageVisit,
    Technique,
)


@dataclass(frozen=True, slots=True)
class CookieToSet:
    """A cookie the visitor already has: host-only on `url`'s host, for the whole site."""

    name: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """One visit's terms. `allow` is asked for every URL before it is requested, redirects included: False refuses it.
    Where it has to find out first (resolve a name), it gives something to await; the request waits as long.

    `gpc` sends `Sec-GPC: 1` and sets `navigator.globalPrivacyControl`; `headers` go along with every request.
    """

    cookies: tuple[CookieToSet, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    gpc: bool = False
    javascript: bool = True
    screenshot: bool = False
    allow: Callable[[str], bool | Awaitable[bool]] | None = None

    def all_headers(self) -> dict[str, str]:
        """The extra request headers, with Global Privacy Control's own where it is on."""
        return dict(self.headers) | ({"Sec-GPC": "1"} if self.gpc else {})


@dataclass(frozen=True, slots=True)
class SentCookie:
    """A cookie that left in a request to `url`."""

    name: str
    url: str
    domain: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """A request that got no answer, and why: the browser's own error, CSP, or our guard."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything one visit saw. Vendors and purposes are left open: classification comes later.

    `notes` says what this visit could not see and why (a failed observer, the ceiling reached, popups closed).
    """

    page: PageVisit
    cookies: tuple[ObservedCookie, ...] = ()
    storage: tuple[ObservedKey, ...] = ()
    requests: tuple[ObservedRequest, ...] = ()
    techniques: tuple[Technique, ...] = ()
    banners: tuple[BannerSeen, ...] = ()
    sent_cookies: tuple[SentCookie, ...] = ()
    links: tuple[str, ...] = ()
    console_errors: tuple[str, ...] = ()
    failed_requests: tuple[FailedRequest, ...] = ()
    screenshot: bytes | None = None
    language: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __repr__(self) -> str:
        outcome = self.page.error or self.page.status
        return f"<Visit {self.page.url} {outcome}: {len(self.cookies)} cookies, {len(self.requests)} requests>"

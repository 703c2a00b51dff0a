"""What a visit is asked to do and what it brings back. Frozen; no I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policies.observation import (
    BannerSeen,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    PageVisit,
    PolicyLink,
    Technique,
)


@dataclass(frozen=True, slots=True)
class CookieToSet:
    """A cookie the visitor already has: host-only on `url`'s host unless it has a `domain`. `expires` is UTC epoch
    seconds, None for a session cookie."""

    name: str
    value: str
    url: str
    domain: str | None = None
    path: str = "/"
    secure: bool = False
    http_only: bool = False
    same_site: str | None = None
    expires: float | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it this cookie: name, domain or host, path."""
        return (self.name, self.domain or urlsplit(self.url).hostname or "", self.path)


@dataclass(frozen=True, slots=True)
class KeyToSet:
    """A key of localStorage or sessionStorage (`area` local or session) that the visitor already has."""

    origin: str
    area: str
    key: str
    value: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it this key."""
        return (self.area, self.origin, self.key)


@dataclass(frozen=True, slots=True)
class State:
    """What a browser holds at one moment."""

    cookies: tuple[CookieToSet, ...] = ()
    keys: tuple[KeyToSet, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cookies or self.keys)

    def since(self, before: State) -> State:
        """What is new or has another value."""
        cookies = {cookie.place: cookie.value for cookie in before.cookies}
        keys = {key.place: key.value for key in before.keys}
        return State(
            tuple(cookie for cookie in self.cookies if cookies.get(cookie.place) != cookie.value),
            tuple(key for key in self.keys if keys.get(key.place) != key.value),
        )


@dataclass(frozen=True, slots=True)
class Pressed:
    """What pressing a consent banner came to. `path` are the buttons' texts, `confirmed_by` the tool that says so
    itself, `error` why the wanted state was not reached."""

    want: str
    tool: str | None = None
    path: tuple[str, ...] = ()
    confirmed_by: str | None = None
    before: State = field(default_factory=State)
    after: State = field(default_factory=State)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """One visit's terms. `allow` is asked for every URL before it is requested, redirects included: False refuses it.
    Where it has to find out first (resolve a name), it gives something to await; the request waits as long.

    `cookies` and `keys` are what the visitor has already; `press` (accept, reject, or purposes joined by commas)
    answers the page's consent banner once the page has settled. `gpc` sends `Sec-GPC: 1` and sets
    `navigator.globalPrivacyControl`; `headers` go along with every request.
    """

    cookies: tuple[CookieToSet, ...] = ()
    keys: tuple[KeyToSet, ...] = ()
    press: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    gpc: bool = False
    javascript: bool = True
    screenshot: bool = False
    markup: bool = False
    """Bring back the HTML that the settled page consists of."""
    transfers: bool = False
    """Keep method, headers, sizes and times of every request."""
    allow: Callable[[str], bool | Awaitable[bool]] | None = None
    aliases: Callable[[str], Awaitable[tuple[str, ...]]] | None = None
    """What a host name is an alias of by DNS; without it aliases are not looked for."""

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
    markup: str = ""
    policy_links: tuple[PolicyLink, ...] = ()
    """Links that look like the way to the privacy policy, the likeliest first."""
    console_errors: tuple[str, ...] = ()
    failed_requests: tuple[FailedRequest, ...] = ()
    screenshot: bytes | None = None
    language: str | None = None
    pressed: Pressed | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __repr__(self) -> str:
        outcome = self.page.error or self.page.status
        return f"<Visit {self.page.url} {outcome}: {len(self.cookies)} cookies, {len(self.requests)} requests>"

"""What a scan saw: the `scan` JSON of the contract as frozen models. No I/O, no clock.

Lifetimes are seconds. `lifetime: null` with `session: true` is a session cookie, `null` with `false` is unknown.
`declared_lifetime` is what the header or the script asked for; `effective_lifetime` is what the browser keeps.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from policies.purpose import Purpose


def _absent(value: object) -> bool:
    return value is None


def _empty(value: object) -> bool:
    return not value


class Observed(BaseModel):
    """Base: frozen, and tolerant of keys that a later version adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Frame(Observed):
    """One stack frame; an inline script is its page's URL with the line. Lines and columns count from 1."""

    url: str
    line: int = 0
    column: int = 0
    function: str = ""


class Setter(Observed):
    """Who set a cookie or key: an HTTP answer (`url` is the answering URL) or a script (`url` is the script)."""

    kind: Literal["http", "js"]
    url: str
    stack: tuple[Frame, ...] = ()


class PageVisit(Observed):
    """One page: the URL asked for, where it ended, and why it failed, if it did."""

    url: str
    final_url: str | None = None
    status: int | None = None
    error: str | None = None
    redirects: tuple[str, ...] = ()
    """The addresses that led on to another one, in order, the one asked for among them."""
    title: str = ""


CookieState = Literal["stored", "blocked", "deleted", "overwritten", "expected"]


class ObservedCookie(Observed):
    """One cookie. `stored` is in the jar at the end; `blocked` was refused by the browser and never stored."""

    name: str
    domain: str
    path: str = "/"
    host_only: bool = False
    secure: bool = False
    http_only: bool = False
    same_site: str | None = None
    partitioned: bool = False
    first_party: bool = True
    session: bool = False
    declared_lifetime: int | None = None
    effective_lifetime: int | None = None
    state: CookieState = "stored"
    blocked_reasons: tuple[str, ...] = ()
    set_by: tuple[Setter, ...] = ()
    vendor: str | None = None
    purpose: Purpose | None = None
    because: str = ""
    pages: tuple[str, ...] = ()
    example: str | None = Field(None, exclude_if=_absent)
    """The name as one visit saw it, where `name` has `*` for a part that is another one on each visit."""


class ObservedKey(Observed):
    """One storage key: localStorage, sessionStorage, an IndexedDB database or a Cache API cache."""

    kind: Literal["local", "session", "indexeddb", "cache"]
    origin: str
    key: str
    set_by: tuple[Setter, ...] = ()
    vendor: str | None = None
    purpose: Purpose | None = None
    because: str = ""
    pages: tuple[str, ...] = ()
    example: str | None = Field(None, exclude_if=_absent)
    """The key as one visit saw it, where `key` has `*` for a part that is another one on each visit."""


class Transfer(Observed):
    """How a request and its answer travelled, as an HTTP Archive tells it. Sizes are bytes, times milliseconds, -1 is
    not known. Credentials in headers are left out."""

    method: str = "GET"
    started: float
    """UTC epoch seconds."""
    protocol: str = ""
    server: str = ""
    """The address that answered."""
    request_headers: tuple[tuple[str, str], ...] = ()
    post_type: str = ""
    post_bytes: int = 0
    post_text: str | None = None
    status_text: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    media_type: str = ""
    transfer_bytes: int = -1
    content_bytes: int = -1
    blocked: float = -1
    dns: float = -1
    connect: float = -1
    ssl: float = -1
    send: float = -1
    wait: float = -1
    receive: float = -1


class ObservedRequest(Observed):
    """One request that a page made. `type` is CDP's resource type in lower case (script, image, xhr, ping ...)."""

    url: str
    page: str
    type: str
    third_party: bool = False
    initiator: tuple[Frame, ...] = ()
    redirected_from: str | None = None
    vendor: str | None = None
    purpose: Purpose | None = None
    status: int | None = None
    blocked: str | None = None
    transfer: Transfer | None = Field(None, exclude_if=_absent)
    """Kept where an HTTP Archive was asked for."""


class Technique(Observed):
    """A way to track without a cookie: canvas, audio, webgl, fonts, navigator, id_sharing, cname, keystrokes ..."""

    kind: str
    script: str
    page: str
    detail: str = ""


class BannerSeen(Observed):
    """A consent banner that the site itself shows. `pressed` are the texts of the buttons that were pressed to reach
    the scan's consent state, `verified` how that state was found to hold; both empty where nothing was pressed."""

    page: str
    tool: str | None = None
    buttons: tuple[str, ...] = ()
    pressed: tuple[str, ...] = ()
    verified: str = ""


class PolicyLink(Observed):
    """A link that looks like the way to the site's privacy or cookie policy."""

    url: str
    text: str = ""


class Scan(Observed):
    """Everything one crawl saw. `started` is UTC, ISO 8601."""

    site: str
    started: str
    mode: Literal["browser", "static"]
    consent: str = "none"
    pages: tuple[PageVisit, ...] = ()
    cookies: tuple[ObservedCookie, ...] = ()
    storage: tuple[ObservedKey, ...] = ()
    requests: tuple[ObservedRequest, ...] = ()
    techniques: tuple[Technique, ...] = ()
    banners: tuple[BannerSeen, ...] = ()
    policy_links: tuple[PolicyLink, ...] = Field((), exclude_if=_empty)
    """The likeliest first."""

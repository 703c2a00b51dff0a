"""Who a request is from, as far as consent goes: one Cookie header and one signal -> a Visitor. No I/O, no clock.

Global Privacy Control is a no unless the visitor said something else while the signal was on; a signal switched on
after an accept is the newer word and wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.purpose import REJECT, UNDECIDED, Consent
from policies.rules import PROVING_COOKIE
from proxy.consent import remembered
from proxy.consent.remembered import COOKIE, LAPSED, Jar, Remembered, site_print
from proxy.consent.signing import Signer
from proxy.consent.site_notice import SiteNotice

CONFIRMED_FOR = 15
"""Seconds after a choice in which a page confirms it: how the answer to a plain form post is announced."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """One visitor's state. `set_cookies` are Set-Cookie values to send with the page.

    `lapsed` says that an earlier consent ended with this very request; `gpc_first` that the signal decided just now;
    `confirmed` names the choice made seconds ago. `address` and `agent` are already cut to what may be recorded.
    """

    consent: Consent = UNDECIDED
    subject: str | None = None
    prompt: bool = True
    set_cookies: tuple[str, ...] = ()
    gpc: bool = False
    gpc_first: bool = False
    lapsed: Literal["expire", "reprompt"] | None = None
    confirmed: str | None = None
    secure: bool = False
    address: str | None = None
    agent: str | None = None
    robot: bool = False
    proving: bool = False
    """`samtykke prove` is at work: its rows are marked and left out of the statistics."""

    @property
    def has_consequence(self) -> bool:
        """Must something be done because this visitor was recognised just now: a cookie set, a row written?"""
        return bool(self.set_cookies) or self.gpc_first or self.lapsed is not None


@dataclass(frozen=True, slots=True)
class Connection:
    """What the proxy knows of the request itself."""

    secure: bool = False
    address: str | None = None
    agent: str | None = None
    robot: bool = False


def recognise(
    signer: Signer,
    cookie_header: bytes | None,
    site: SiteNotice,
    *,
    gpc: bool,
    now: float,
    lifetime: int,
    jar: Jar,
    connection: Connection,
) -> Visitor:
    """Read a visitor's state. `now` in seconds since 1970 UTC, `lifetime` of a choice in seconds."""
    values = remembered.values_of(cookie_header, COOKIE)[:4]
    readable = (remembered.read(signer, site, value, now) for value in values)
    found = remembered.newest(each for each in readable if each is not None)
    proving = remembered.values_of(cookie_header, PROVING_COOKIE) == ["prove"]
    rest = (connection.secure, connection.address, connection.agent, connection.robot, proving)
    asks = bool(site.purposes)
    lapsed = found.stale(site, now, lifetime) if found and found.basis not in LAPSED else None
    spoken = None if found is None or lapsed or found.basis in LAPSED else found
    if gpc and (spoken is None or (spoken.consents and not spoken.gpc)):
        refused = Remembered("gpc", REJECT, int(now), site_print(site), gpc=True)
        lines = jar.lines(signer, site.name, refused, lifetime) if asks else ()
        return Visitor(REJECT, found.subject if found else None, False, lines, True, asks, None, None, *rest)
    if spoken is not None and (spoken.basis != "gpc" or gpc):
        fresh = now - spoken.issued <= CONFIRMED_FOR and spoken.basis != "import"
        confirmed = spoken.basis if fresh else None
        return Visitor(spoken.consent, spoken.subject, False, (), gpc, False, None, confirmed, *rest)
    lines = ()
    if lapsed and found is not None:
        ended = Remembered(lapsed, UNDECIDED, int(now), site_print(site), found.subject)
        lines = jar.lines(signer, site.name, ended, lifetime)
    return Visitor(UNDECIDED, found.subject if found else None, asks, lines, gpc, False, lapsed, None, *rest)

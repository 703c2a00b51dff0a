"""One choice settled: what is granted from now on, what is remembered, what the row says. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from aiohttp import web

from policies.purpose import REJECT, Consent
from proxy.consent.asking import cookie_header
from proxy.consent.choice import Choice
from proxy.consent.leftovers import expiries
from proxy.consent.log.event import Event
from proxy.consent.remembered import Remembered, site_print
from proxy.consent.site_notice import SiteNotice
from proxy.consent.token import NoticeToken
from proxy.consent.visitor import Visitor
from proxy.consent.wording import Texts


def refused_by(choice: Choice, shown: NoticeToken | None, *, fresh: bool) -> Literal["forged", "expired"] | None:
    """Why an accept or save cannot count: its token is not ours, or not (any more) about what is shown now."""
    if choice.refuses or fresh:
        return None
    return "forged" if choice.notice and shown is None else "expired"


def consent_of(choice: Choice, before: Consent, site: SiteNotice) -> Consent:
    """What a choice grants: the purposes of this site's notice and no others. `keep` adds to what was granted."""
    if choice.refuses:
        return REJECT
    if choice.action == "accept":
        return Consent(frozenset(site.purposes), (), decided=True)
    vendors = dict(choice.vendors)
    purposes = choice.purposes
    if choice.keep:
        vendors = dict(before.vendors) | vendors
        purposes |= before.purposes
    return Consent(purposes, tuple(sorted(vendors.items())), decided=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`subject` is the row's; the cookie carries it only where something was granted or a receipt was asked for."""

    site: SiteNotice
    choice: Choice
    remembered: Remembered
    subject: str
    revoked: bool
    gained: bool

    def event(self, event: Event, shown: NoticeToken | None, *, plain: bool) -> Event:
        """Complete a row with what was decided. A banner answered by a plain form was answered without script."""
        purposes, vendors = self.site.outcome(self.remembered.consent)
        surface = "prove" if event.surface == "prove" else "api" if shown is None else shown.surface
        return replace(
            event,
            subject=self.subject or None,
            purposes=purposes,
            vendors=vendors,
            surface="noscript" if plain and surface == "banner" else surface,
            notice=shown.notice if shown else None,
            nonce=shown.nonce if shown else None,
        )

    def expiries(self, request: web.BaseRequest, secure: bool) -> list[str]:
        """Set-Cookie lines for what trackers left that is not (any more) consented to."""
        host = request.headers.get("Host", "").rpartition("@")[2]
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host
        return expiries(
            self.site,
            self.remembered.consent,
            cookie_header(request),
            host=name,
            page=self.choice.return_path,
            secure=secure,
        )

    def as_json(self, texts: Texts, *, logged: bool) -> dict[str, object]:
        """The answer for the script: `vendors` is the result for each, `answers` only what was answered one by one.

        `reload`: something stopped being allowed, which only a new page can undo.
        """
        purposes, vendors = self.site.outcome(self.remembered.consent)
        return {
            "action": self.choice.action,
            "purposes": purposes,
            "vendors": vendors,
            "answers": dict(self.remembered.consent.vendors),
            "granted": self.gained,
            "reload": self.revoked,
            "logged": logged,
            "subject": self.subject,
            "message": texts(f"done.{self.choice.action}"),
        }


def settle(choice: Choice, visitor: Visitor, site: SiteNotice, *, now: int, fresh_subject: str) -> Outcome:
    """Decide everything about one choice. `now` in seconds since 1970 UTC, `fresh_subject` a random id to use."""
    consent = consent_of(choice, visitor.consent, site)
    before = _flat(site, visitor.consent)
    after = _flat(site, consent)
    subject = visitor.subject or fresh_subject
    record = Remembered(choice.action, consent, now, site_print(site), None, visitor.gpc)
    if record.consents or choice.receipt:
        record = replace(record, subject=subject)
    return Outcome(
        site,
        choice,
        record,
        subject,
        revoked=any(before[name] and not after[name] for name in before),
        gained=any(after[name] and not before[name] for name in after),
    )


def _flat(site: SiteNotice, consent: Consent) -> dict[str, bool]:
    purposes, vendors = site.outcome(consent)
    return {f"purpose {name}": on for name, on in purposes.items()} | {
        f"vendor {name}": on for name, on in vendors.items()
    }

"""One choice settled: what is granted from now on, what is remembered, what the row says. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from policies.purpose import REJECT, Consent
from proxy.consent.asking import cookie_header
from proxy.consent.choice import Choice
from proxy.consent.leftovers import Leftovers
from proxy.consent.remembered import Remembered, site_print
from proxy.consent.rows import Decided
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
    """`subject` is the row's; the cookie carries it only where something was granted or a receipt was asked for.

    `purposes` and `vendors` are every answer, refusals included.
    """

    choice: Choice
    remembered: Remembered
    purposes: Mapping[str, bool]
    vendors: Mapping[str, bool]
    subject: str
    revoked: bool
    gained: bool

    def decided(self, shown: NoticeToken | None, *, plain: bool) -> Decided:
        """What its row says. A banner answered by a plain form was answered without script."""
        surface = "api" if shown is None else shown.surface
        return Decided(
            self.subject or None,
            self.purposes,
            self.vendors,
            "noscript" if plain and surface == "banner" else surface,
            shown.notice if shown else None,
            shown.nonce if shown else None,
            {"of_age": self.choice.of_age} if self.choice.of_age else None,
        )

    def expiries(self, request: web.BaseRequest, leftovers: Leftovers, *, secure: bool) -> list[str]:
        """Set-Cookie lines for what trackers left that is not (any more) consented to."""
        host = request.headers.get("Host", "").rpartition("@")[2]
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host
        return leftovers.expiries(
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
        return {
            "action": self.choice.action,
            "purposes": self.purposes,
            "vendors": self.vendors,
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
    before, after = site.outcome(visitor.consent), site.outcome(consent)
    granting = choice.receipt or bool(consent.purposes) or any(allowed for _, allowed in consent.vendors)
    subject = visitor.subject or fresh_subject
    record = Remembered(choice.action, consent, now, site_print(site), (subject if granting else None), visitor.gpc)
    changes = [(was[name], now_on) for was, on in zip(before, after, strict=True) for name, now_on in on.items()]
    return Outcome(
        choice,
        record,
        *after,
        subject,
        revoked=(True, False) in changes,
        gained=(False, True) in changes,
    )

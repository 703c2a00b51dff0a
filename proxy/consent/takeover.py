"""Take over, once, what a visitor decided with another tool. The row comes first: a yes without its row is no yes.

It happens on a page, for a visitor who has no cookie of ours and whose browser sends no Global Privacy Control.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from proxy.consent.imported import cookies_of, found
from proxy.consent.office import Office
from proxy.consent.remembered import COOKIE, Remembered, site_print, values_of
from proxy.consent.rows import Decided
from proxy.consent.settings import Tool
from proxy.consent.signing import b64
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Visitor


def concerns(visitor: Visitor, cookie_header: bytes | None) -> bool:
    """Is this somebody who has never chosen here?"""
    known = visitor.subject or visitor.gpc or visitor.lapsed or visitor.robot or visitor.proving
    return visitor.prompt and not known and not values_of(cookie_header, COOKIE)


async def taken_over(
    office: Office,
    visitor: Visitor,
    site: SiteNotice,
    cookie_header: bytes | None,
    tools: tuple[Tool, ...],
    *,
    path: str,
    language: str,
) -> Visitor:
    """The visitor as decided elsewhere, with the cookies to send; unchanged where there is nothing to take over."""
    now = office.now()
    decision = found(cookies_of(cookie_header), tools, now, office.lifetime)
    consent = decision.consent(site) if decision else None
    if decision is None or consent is None:
        return visitor
    issued = now if decision.decided is None else decision.decided
    record = Remembered("import", consent, issued, site_print(site))
    if record.consents:
        record = replace(record, subject=b64(office.randomness(16)))
    decided = None if decision.decided is None else datetime.fromtimestamp(decision.decided, UTC).isoformat()
    known = replace(visitor, consent=consent, subject=record.subject, prompt=False)
    said = Decided(
        record.subject, *site.outcome(consent), surface="api", detail={"tool": decision.tool, "decided": decided}
    )
    event = office.rows.event("import", known, site, path=path, language=language, method=decision.tool, decided=said)
    if not await office.rows.recorded(event, site) and record.consents:
        return visitor
    lines = office.jar(visitor.secure).lines(office.signer, site.name, record, office.lifetime)
    return replace(known, set_cookies=lines)

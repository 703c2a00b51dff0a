"""What visitors are told about a site, made from the rules in force. No I/O.

Without a published policy nobody knows which trackers the site has, so every purpose is asked for.
"""

from __future__ import annotations

from collections import defaultdict

from policies.purpose import CONSENTABLE, Purpose
from policies.rules import Rules
from policies.site_policy import SitePolicy
from proxy.consent.site_notice import CookieNotice, SiteNotice, VendorNotice

_OWN = VendorNotice(
    id="samtykke",
    name="Samtykke",
    company="",
    country="",
    privacy="",
    purpose=Purpose.NECESSARY,
    cookies=(
        CookieNotice("samtykke", about="Remembers what you chose."),
        CookieNotice("samtykke_purposes", about="Tells the page which purposes you allowed."),
    ),
    because="remembers the visitor's own choice (WP29 04/2012, interface choice)",
    own=True,
)


def notice_of(name: str, rules: Rules) -> SiteNotice:
    """The notice of one site by its rules."""
    policy = rules.policy
    if policy is None:
        return SiteNotice(name, (_OWN,), asks=CONSENTABLE)
    cookies: dict[tuple[str, Purpose], list[CookieNotice]] = defaultdict(list)
    reasons: dict[tuple[str, Purpose], str] = {}
    for cookie in policy.cookies:
        if cookie.purpose is not None:
            key = (cookie.vendor or "", cookie.purpose)
            cookies[key].append(CookieNotice(cookie.name, cookie.lifetime, cookie.session, cookie.about))
            reasons.setdefault(key, cookie.because)
    for item in policy.storage:
        if item.purpose is not None:
            key = (item.vendor or "", item.purpose)
            cookies[key].append(CookieNotice(item.key, kind="storage"))
            reasons.setdefault(key, item.because)
    for contact in policy.contacts:
        if contact.purpose is not None and contact.vendor:
            key = (contact.vendor, contact.purpose)
            cookies.setdefault(key, [])
            reasons.setdefault(key, contact.because)
    vendors = [_vendor(key, tuple(found), reasons[key], name, policy) for key, found in sorted(cookies.items())]
    return SiteNotice(name, (_OWN, *vendors), policy=policy.hash, material=policy.material)


def _vendor(
    key: tuple[str, Purpose], cookies: tuple[CookieNotice, ...], because: str, site: str, policy: SitePolicy
) -> VendorNotice:
    vendor_id, purpose = key
    known = policy.vendor(vendor_id) if vendor_id else None
    return VendorNotice(
        id=vendor_id or f"{site}-{purpose}",
        name=known.name if known else vendor_id or site,
        company=known.company if known else "",
        country=known.country if known else "",
        privacy=known.privacy if known else "",
        purpose=purpose,
        cookies=tuple({cookie.name: cookie for cookie in cookies}.values()),
        because=because if purpose is Purpose.NECESSARY else "",
    )

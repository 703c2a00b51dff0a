"""One cookie of a notice in a visitor's words: what it is for and how long it stays. Pure.

The published declaration makes the same sentences of the same texts, so the two cannot tell a cookie differently.
"""

from __future__ import annotations

from policies.declaration.words import described
from proxy.consent.site_notice import CookieNotice, VendorNotice
from proxy.consent.wording import Texts


def about(cookie: CookieNotice, vendor: VendorNotice, texts: Texts) -> str:
    """What it is for. The site's own entries and ours name nobody: who asks is told anyway."""
    if vendor.own:
        return cookie.about
    third_party = cookie.kind == "third_party"
    user = vendor.name if vendor.id or third_party else ""
    return described(texts, texts.language, cookie.about, vendor.purpose, user, third_party=third_party)


def lasts(cookie: CookieNotice, texts: Texts) -> str:
    """How long it stays: what was asked for, which for storage is either the tab's life or until it is deleted."""
    if cookie.kind == "storage":
        return texts("lifetime.tab" if cookie.session else "lifetime.kept")
    return texts.lifetime(cookie.lifetime, cookie.session)

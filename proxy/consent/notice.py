"""Exactly what is shown, as bytes with their SHA-256: markup, stylesheet, words and inventory. No I/O.

The bytes are a page of their own that looks like what the visitor saw, and nothing of any visitor is in them: no
token, no address. One changed letter is a new notice (L3; EDPB 05/2020 108: a copy of the information presented).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from html import escape

from proxy.consent import bundle
from proxy.consent.cookie_words import about
from proxy.consent.markup import evidence
from proxy.consent.site_notice import SiteNotice, VendorNotice
from proxy.consent.wording import Texts

MEDIA_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice in one language. `hash` is the SHA-256 of `content` in hex."""

    language: str
    hash: str
    content: bytes

    def __repr__(self) -> str:
        return f"<Notice {self.hash[:12]} {self.language}, {len(self.content)} bytes>"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a kept notice told, in its own words: titles of purposes, and by vendor id its name and purpose."""

    purposes: Mapping[str, str]
    vendors: Mapping[str, str]
    vendor_purposes: Mapping[str, str]


_FACTS = re.compile(rb'<script type="application/json" id="samtykke-inventory">(.*?)</script>', re.DOTALL)


def inventory_of(content: bytes) -> Inventory:
    """Read the inventory back from a notice's bytes. Raises ValueError where there is none."""
    found = _FACTS.search(content)
    if found is None:
        raise ValueError("these bytes are no notice of ours")
    facts = json.loads(found[1])
    named = [vendor for vendor in facts["vendors"] if vendor["id"]]
    return Inventory(
        {purpose: facts["words"][f"purpose.{purpose}.title"] for purpose in facts["purposes"]},
        {vendor["id"]: vendor["name"] for vendor in named},
        {vendor["id"]: vendor["purpose"] for vendor in named},
    )


def _as_told(vendor: VendorNotice, texts: Texts) -> VendorNotice:
    """With its cookies described as the visitor read it."""
    cookies = tuple(replace(cookie, about=about(cookie, vendor, texts)) for cookie in vendor.cookies)
    return replace(vendor, cookies=cookies)


def notice_of(texts: Texts, site: SiteNotice, controller: str) -> Notice:
    """The notice that every undecided visitor of a site sees in one language."""
    inventory = {
        "site": site.name,
        "controller": controller,
        "language": texts.language,
        "purposes": list(site.purposes),
        "vendors": [asdict(_as_told(vendor, texts)) for vendor in site.vendors],
        "words": dict(texts.words),
        "script": sha256(bundle.banner_js().content).hexdigest(),
    }
    facts = json.dumps(inventory, ensure_ascii=False, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")
    page = (
        f'<!doctype html>\n<html lang="{escape(texts.language)}" dir="{escape(texts.direction)}">\n<head>'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(texts('banner.title'))}</title>"
        f"<style>{bundle.banner_css().content.decode()}</style></head>\n<body>\n"
        f'<div id="samtykke-root" lang="{escape(texts.language)}" dir="{escape(texts.direction)}">\n'
        f"{evidence(texts, site, controller)}\n</div>\n"
        f'<script type="application/json" id="samtykke-inventory">{facts}</script>\n</body>\n</html>\n'
    )
    content = page.encode()
    return Notice(texts.language, sha256(content).hexdigest(), content)

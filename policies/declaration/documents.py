"""A declaration for machines: our own JSON, and IAB Europe's device storage disclosure. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from policies.declaration.table import Entry, Section, Told, ToldVendor
from policies.purpose import Purpose

TCF_PURPOSES: Mapping[Purpose | None, tuple[int, ...]] = {
    Purpose.NECESSARY: (),
    Purpose.PREFERENCES: (1,),
    Purpose.STATISTICS: (1, 8, 9),
    Purpose.MARKETING: (1, 2, 3, 4, 7),
    None: (),
}
"""Our purposes in the framework's numbers: 1 store or access, 2-4 select, profile and personalise advertising,
7 and 8 measure advertising and content, 9 understand audiences. What needs no consent has none."""


def as_json(told: Told) -> str:
    """Purposes with their entries and recipients; lifetimes in seconds as in every JSON of ours, and in words."""
    words = told.words
    answer = {
        "site": told.site,
        "language": words.language,
        "policy": told.policy_hash,
        "title": words("title", {"site": told.site}),
        "purposes": [
            {
                "purpose": section.purpose,
                "title": words(f"{section.key}.title"),
                "text": words(f"{section.key}.text"),
                "entries": [_entry(entry) for entry in section.entries],
                "recipients": [_vendor(vendor) for vendor in section.recipients],
            }
            for section in told.sections
        ],
    }
    return json.dumps(answer, ensure_ascii=False, indent=1) + "\n"


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "about": entry.about,
        "vendor": _vendor(entry.vendor),
        "lifetime": entry.lifetime,
        "session": entry.session,
        "lifetime_text": entry.lifetime_words,
        "first_party": entry.first_party,
        "domains": list(entry.domains),
    }


def _vendor(vendor: ToldVendor) -> dict[str, str]:
    return {
        "name": vendor.name,
        "company": vendor.company,
        "country": vendor.code,
        "privacy": vendor.privacy,
    }


def as_iab(told: Told) -> str:
    """`disclosures` of IAB Europe's Vendor Device Storage & Operational Disclosures, 2.0."""
    found = [_disclosure(section, entry) for section in told.sections for entry in section.entries]
    return json.dumps({"disclosures": found}, ensure_ascii=False, indent=1) + "\n"


def _disclosure(section: Section, entry: Entry) -> dict[str, object]:
    cookie = entry.kind == "cookie"
    return {
        "identifier": re.sub(r"[*?]+", "*", entry.name),
        "type": "cookie" if cookie else "web",
        "maxAgeSeconds": (0 if entry.session else entry.lifetime) if cookie else None,
        "cookieRefresh": False,
        "domains": list(entry.domains) or ["*"],
        "purposes": list(TCF_PURPOSES[section.purpose]),
        "description": entry.about,
    }

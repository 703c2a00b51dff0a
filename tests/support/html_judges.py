"""Judges for rewriting tests: one lets everything load; one blocks four vendors and unknown third parties."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policies.party import same_site
from policies.purpose import Purpose
from policies.verdict import Verdict

ALLOWED = Verdict("allow", "the test says so")
_VENDORS = {
    "stats.test": ("stats", Purpose.STATISTICS),
    "ads.test": ("ads", Purpose.MARKETING),
    "video.test": ("video", Purpose.MARKETING),
    "prefs.test": ("prefs", Purpose.PREFERENCES),
}


@dataclass
class AllowAll:
    """Asked for anything, it agrees, and keeps what it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def load(self, url: str, kind: str) -> Verdict:
        self.asked.append((url, kind))
        return ALLOWED

    def inline(self, text: str) -> Verdict:
        self.asked.append((text, "inline"))
        return ALLOWED


class BlockTrackers(AllowAll):
    """stats.test, ads.test, video.test and prefs.test are known vendors, other third parties are unknown ones
    (blocked as scripts and frames); an inline script with `track(` is known, one with `mystery(` is not."""

    def load(self, url: str, kind: str) -> Verdict:
        self.asked.append((url, kind))
        host = urlsplit(url).hostname or ""
        for domain, (vendor, purpose) in _VENDORS.items():
            if host == domain or host.endswith("." + domain):
                return Verdict("block", f"{host} is {vendor}", host, vendor, purpose)
        if kind in ("script", "frame") and not same_site(host, "shop.test"):
            return Verdict("block", f"{host} is an unknown third party", host, known=False)
        return ALLOWED

    def inline(self, text: str) -> Verdict:
        self.asked.append((text, "inline"))
        if "track(" in text:
            return Verdict("block", "calls track(", "track(", "stats", Purpose.STATISTICS)
        if "mystery(" in text:
            return Verdict("block", "calls mystery(", "mystery(", known=False)
        return ALLOWED

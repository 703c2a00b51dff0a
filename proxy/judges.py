"""A site's rules and one consent, as the judge that the rewriting of documents asks. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policies.purpose import Consent
from policies.rules import Rules
from policies.verdict import Request, Verdict
from proxy.html.memory import TagMemory
from proxy.signals import heard

_NO_HOST = Verdict("allow", "no host to contact", known=False)


@dataclass(frozen=True, slots=True)
class RulesJudge:
    """Answers the same for every page of one host and kind of path, so what it has answered may be remembered."""

    rules: Rules
    consent: Consent
    page_host: str
    page_path: str
    """Only its being exempt or not matters."""
    memory: TagMemory = field(default_factory=TagMemory, compare=False)

    def load(self, url: str, kind: str, /) -> Verdict:
        """May this absolute URL be requested as a `script`, `frame`, `image` ...?"""
        if not _has_host(url):
            return _NO_HOST
        return heard(self.rules.request(self._request(url, kind), self.consent), self.consent, self.rules.signalling)

    def inline(self, text: str, /) -> Verdict:
        """May this inline script run?"""
        return heard(self.rules.inline(text, self.consent), self.consent, self.rules.signalling)

    def placeholder(self, url: str) -> str | None:
        """What kind of content a frame of this URL shows: video, map, social ... None where nobody knows."""
        return self.rules.known_request(self._request(url, "frame")).placeholder if _has_host(url) else None

    def _request(self, url: str, kind: str) -> Request:
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return Request(url, parts.hostname or "", path, self.page_host, kind, self.page_path)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False

"""A site's rules and one consent, as the judge that the rewriting of documents asks. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from policies.purpose import Consent
from policies.rules import Rules
from policies.verdict import Request, Verdict
from proxy.html.memory import TagMemory

_NO_HOST = Verdict("allow", "no host to contact", known=False)


@dataclass(frozen=True, slots=True)
class RulesJudge:
    """Answers the same for every page of one host and kind of path, so what it has answered may be remembered."""

    rules: Rules
    consent: Consent
    page_host: str
    page_path: str
    """Only its being exempt or not matters."""
    signals: frozenset[str] = frozenset()
    """Vendors whose tags may load since they read Consent Mode (`proxy.signals`)."""
    memory: TagMemory = field(default_factory=TagMemory, compare=False)

    def load(self, url: str, kind: str, /) -> Verdict:
        """May this absolute URL be requested as a `script`, `frame`, `image` ...?"""
        return (
            self._signalled(self.rules.request(self._request(url, kind), self.consent)) if _has_host(url) else _NO_HOST
        )

    def inline(self, text: str, /) -> Verdict:
        """May this inline script run?"""
        return self._signalled(self.rules.inline(text, self.consent))

    def _signalled(self, verdict: Verdict) -> Verdict:
        if verdict.allowed or verdict.vendor not in self.signals or self.consent.refuses(verdict.vendor):
            return verdict
        return replace(verdict, action="allow", because=f"{verdict.because}; loads, since it reads Consent Mode")

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

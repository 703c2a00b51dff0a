"""What robots.txt allows (RFC 9309). Bytes in, answers out; the caller fetches.

A file that is not there (4xx) allows everything; one whose server fails (5xx) forbids everything until it is well
(2.3.1.3, 2.3.1.4). A host that does not answer at all is left to the page itself, which will say so better.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

AGENT = "Samtykke"
"""The product token that robots.txt may name."""
MAX_BYTES = 512_000
"""As much of the file as RFC 9309 2.5 asks a crawler to read."""
MAX_DELAY = 10.0
"""Seconds; a longer Crawl-delay is taken for a wish to be left alone by search engines, not by an audit."""


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one origin."""

    rules: Protego | None = None
    """None: nothing is said."""
    forbidden: str = ""
    """Why nothing may be fetched, where that is so."""

    def refusal(self, url: str) -> str | None:
        """Why the page must not be visited; None where it may."""
        if self.forbidden:
            return self.forbidden
        if self.rules is None or self.rules.can_fetch(url, AGENT):
            return None
        return "robots.txt disallows it (--ignore-robots for one's own site)"

    @property
    def delay(self) -> float:
        """Seconds the site wants between two pages."""
        found = self.rules.crawl_delay(AGENT) if self.rules else None
        return min(max(float(found or 0), 0.0), MAX_DELAY)

    @property
    def sitemaps(self) -> tuple[str, ...]:
        return tuple(self.rules.sitemaps) if self.rules else ()


ANYTHING = Robots()


def read_robots(status: int | None, body: bytes) -> Robots:
    """From an answer; `status` None is a host that did not answer. Never fails: what makes no sense is skipped."""
    if status is None or 400 <= status < 500:
        return ANYTHING
    if status >= 500:
        return Robots(forbidden=f"robots.txt answers {status}, which forbids everything (--ignore-robots)")
    if not 200 <= status < 300:
        return ANYTHING
    return Robots(Protego.parse(body[:MAX_BYTES].decode("utf-8-sig", "replace")))


def robots_url(url: str) -> str:
    """Where the robots.txt of a page's origin is."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/robots.txt"

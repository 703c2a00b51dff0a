"""Browsers' reports of what the policy stopped, read from both formats into sightings. No I/O.

Queries are cut before anything is kept, what browser extensions did is dropped, and each sender may only say so much
(the old `application/csp-report`, and `application/reports+json` of the Reporting API).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LONGEST = 65_536
"""Bytes of one report request."""
MOST = 50
"""Reports taken from one request."""
_TYPES = frozenset({"application/csp-report", "application/reports+json", "application/json"})
_NOISE = ("chrome-extension", "moz-extension", "safari-extension", "safari-web-extension", "ms-browser-extension",
          "resource", "about", "chrome", "webkit-masked-url", "view-source")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Violation:
    """What was stopped: host (or `inline`, `eval`, `data` ...), by which directive, on which path."""

    subject: str
    directive: str
    path: str


class ReportError(ValueError):
    """No report. Carries the status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def parse(content_type: str, body: bytes) -> list[Violation]:
    """The violations worth keeping. Raises ReportError: 413 too long, 400 not a report."""
    if len(body) > LONGEST:
        raise ReportError(413, f"a report of more than {LONGEST} bytes")
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise ReportError(400, f"not a report: {kind or 'no content type'}")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReportError(400, "not JSON") from error
    found = data if isinstance(data, list) else [data]
    if not found or not all(isinstance(one, dict) for one in found):
        raise ReportError(400, "not a report")
    seen = [violation for one in found[:MOST] if (violation := _violation(one)) is not None]
    return list(dict.fromkeys(seen))


def _violation(report: dict[str, Any]) -> Violation | None:
    if isinstance(old := report.get("csp-report"), dict):
        page, blocked = old.get("document-uri"), old.get("blocked-uri")
        directive = old.get("effective-directive") or old.get("violated-directive")
        source = old.get("source-file")
    elif report.get("type") == "csp-violation" and isinstance(new := report.get("body"), dict):
        page, blocked = new.get("documentURL") or report.get("url"), new.get("blockedURL")
        directive, source = new.get("effectiveDirective"), new.get("sourceFile")
    elif isinstance(report.get("type"), str):
        return None
    else:
        raise ReportError(400, "neither a csp-report nor a Reporting API report")
    if not isinstance(page, str) or not isinstance(directive, str):
        raise ReportError(400, "a report without page or directive")
    blocked = blocked if isinstance(blocked, str) else "inline"
    if _is_noise(blocked) or (isinstance(source, str) and _is_noise(source)):
        return None
    subject = _host(blocked)
    words = directive.split()
    return Violation(subject, words[0] if words else "", _path(page)) if subject else None


def _is_noise(url: str) -> bool:
    return url.partition(":")[0].lower() in _NOISE and ":" in url


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or url.partition(":")[0])[:200].lower()
    except ValueError:
        return ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return "/"


class Allowance:
    """How many requests each sender may still make: `rate` per `period` seconds; forgets the oldest senders."""

    def __init__(self, rate: int = 60, period: float = 60.0, senders: int = 4096) -> None:
        self._rate = rate
        self._period = period
        self._senders = senders
        self._seen: dict[str, tuple[float, int]] = {}

    def take(self, sender: str, now: float) -> bool:
        """May this sender make one more? `now` in seconds of any steady clock."""
        began, used = self._seen.pop(sender, (now, 0))
        if now - began >= self._period:
            began, used = now, 0
        self._seen[sender] = (began, used + 1)
        if len(self._seen) > self._senders:
            del self._seen[next(iter(self._seen))]
        return used < self._rate

"""The site's own name turned into the name visitors use, and back. No I/O.

Needed where the site is asked under another name than the one in the visitor's address bar (`upstream_host`):
redirects, cookies, allowed origins and links would otherwise lead visitors past the proxy, and a login would fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.cookie import domain_matches

_ATTRIBUTE = re.compile(rb";[ \t]*(domain|secure|samesite|partitioned)[ \t]*(?:=[ \t]*([^;]*))?(?=;|$)", re.IGNORECASE)
URL_FIELDS = frozenset({b"location", b"content-location", b"refresh", b"link", b"access-control-allow-origin"})
_LONGEST_PREFIX = len(rb"https:\/\/")


@dataclass(frozen=True, slots=True)
class Mapping:
    """One visitor-facing origin against the site's: `theirs` is the site's authority, `front` ours with `scheme`."""

    theirs: bytes
    their_scheme: bytes
    front: bytes
    scheme: bytes

    @property
    def origin(self) -> bytes:
        return self.scheme + b"://" + self.front

    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(rb"(https?:)?(//|\\/\\/)" + re.escape(self.theirs) + rb"(?![\w.\-:@%])", re.IGNORECASE)

    def _ours(self, match: re.Match[bytes]) -> bytes:
        return (self.scheme + b":" if match[1] else b"") + match[2] + self.front

    def outward(self, value: bytes) -> bytes:
        """A header value for the visitor."""
        return self._pattern().sub(self._ours, value) if self.theirs in value.lower() else value

    def inward(self, value: bytes) -> bytes:
        """Origin or Referer for the site."""
        rest = value[len(self.origin) :]
        if value.lower().startswith(self.origin.lower()) and (not rest or rest[:1] in {b"/", b"?"}):
            return self.their_scheme + b"://" + self.theirs + rest
        return value

    def cookie(self, line: bytes) -> bytes:
        """A Set-Cookie line that the visitor's browser takes: no foreign Domain; no Secure on a plain-http front.

        SameSite=None and Partitioned need Secure and go with it; names with a prefix need it and keep theirs.
        """
        their_host = self.theirs.partition(b":")[0].decode("latin-1")
        plain = self.scheme == b"http" and not line.lstrip()[:9].lower().startswith((b"__host-", b"__secure-"))

        def change(match: re.Match[bytes]) -> bytes:
            name, value = match[1].lower(), (match[2] or b"").strip().lower()
            if name == b"domain":
                return b"" if domain_matches(their_host, value.removeprefix(b".").decode("latin-1")) else match[0]
            if not plain or (name == b"samesite" and value != b"none"):
                return match[0]
            return b""

        return _ATTRIBUTE.sub(change, line)

    def body(self) -> Renaming:
        return Renaming(self)


class Renaming:
    """A document's absolute links of the site's own name, in pieces: feed, then close."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._pattern = mapping._pattern()
        self._keep = _LONGEST_PREFIX + len(mapping.theirs)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        text = self._held + data
        # A match that touches the end may yet grow or turn out to be a longer name: it waits for the next piece.
        safe = max(len(text) - self._keep, 0)
        out, begin = [], 0
        for match in self._pattern.finditer(text):
            if match.end() >= len(text):
                safe = min(safe, match.start())
                break
            out += [text[begin : match.start()], self._mapping._ours(match)]
            begin = match.end()
        safe = max(safe, begin)
        out.append(text[begin:safe])
        self._held = text[safe:]
        return b"".join(out)

    def close(self) -> bytes:
        text, self._held = self._held, b""
        return self._pattern.sub(self._mapping._ours, text)

"""Ask the judge about what one attribute or text would load; remember every answer. No I/O.

A value is decoded, cut into addresses by its shape and resolved against the document's base URL, as a browser would
do it. Only addresses that reach a host are judged, and code that is written into an address.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote_to_bytes

from policies.embeds import Kind, Load, resolve
from policies.purpose import CONSENTABLE
from policies.verdict import Verdict
from proxy.html import css
from proxy.html.attributes import decoded


@dataclass(frozen=True, slots=True)
class Page:
    """The document that is rewritten: its absolute URL, its host, and whether it fills the window by itself."""

    url: str
    host: str
    top_level: bool = True


class Judge(Protocol):
    """Who decides. Pure, and quick: asked once per address and kind within a document."""

    def load(self, url: str, kind: str, /) -> Verdict:
        """May this absolute URL be requested as a `script`, `frame`, `image` ...?"""

    def inline(self, text: str, /) -> Verdict:
        """May this inline script run?"""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Something that must not load: why, as what, and its address ("inline:" for a script's text)."""

    verdict: Verdict
    kind: str
    url: str

    def purpose(self) -> str:
        purpose = self.verdict.purpose
        return purpose.value if purpose in CONSENTABLE else "unknown"


INLINE = "inline:"
_CANDIDATE = re.compile(r"[\s,]*(\S*[^\s,])(?:\s(?:[^,(]|\([^)]*\)?)*|,+|\Z)")
_REFRESH = re.compile(r"""\s*[\d.]*\s*[;,\s]\s*(?:url\s*=\s*)?(?:"([^"]*)|'([^']*)|(.*))""", re.IGNORECASE | re.DOTALL)
_OF_THE_PAGE = frozenset(["", "?", "#", *map(chr, range(33))])
_CONTACTS = ("http:", "https:", "ws:", "wss:", "ftp:")
_WITHIN: Mapping[str, Kind] = {"frame": "image", "object": "image", "style": "style"}
"""As what a document or style sheet that is written into an address contacts whom it names."""
_NAMED = re.compile(r"""(?:https?:)?//[^\s"'()<>\\;,`]+""", re.IGNORECASE)
_IMPORTED = re.compile(r"""\b(?:import\s*\(?|from)\s*["'`]((?:https?:)?//[^"'`\\\s]+)""")
"""The address of a module that a script names in an import."""


class Judging:
    """Verdicts of one document, by value and kind."""

    def __init__(self, page: Page, judge: Judge, charset: str) -> None:
        self.page = page
        self.charset = charset
        self.page_bound = False
        """Did an address depend on the page itself, not just its folder? Reset by whoever reads it."""
        self.was_page_bound = False
        """The same, never reset."""
        self._judge = judge
        self._urls: dict[tuple[str, str], Blocked | None] = {}

    def rebase(self, href: str) -> None:
        """A `base` element: what follows is resolved against it."""
        url = resolve(href, self.page.url)
        if url.startswith(_CONTACTS):
            self.page = replace(self.page, url=url)
            self._urls.clear()

    def value(self, value: bytes, load: Load) -> tuple[Blocked, ...]:
        """Everything in this attribute's value that must not load."""
        text = decoded(value, self.charset)
        if load.shape == "url":
            blocked = self.address(text, load.kind)
            return (blocked,) if blocked else ()
        found = (self.address(url, kind) for url, kind in addresses(text, load))
        return tuple(blocked for blocked in found if blocked)

    def address(self, written: str, kind: str) -> Blocked | None:
        """One address as it is written in the page."""
        key = (written, kind)
        if written[:1] in _OF_THE_PAGE:
            self.page_bound = self.was_page_bound = True
        if key in self._urls:
            return self._urls[key]
        url = resolve(written, self.page.url)
        blocked = None
        if url.startswith(_CONTACTS):
            verdict = self._judge.load(url, kind)
            blocked = None if verdict.allowed else Blocked(verdict, kind, url)
        elif url.startswith(("data:", "javascript:")):
            blocked = self._written(url, kind)
        self._urls[key] = blocked
        return blocked

    def _written(self, url: str, kind: str) -> Blocked | None:
        """A script, document or style sheet that is written into its address."""
        if not (text := _text_of(url, kind)):
            return None
        if (url[0] == "j" or kind == "script") and (blocked := self.inline(text)):
            return blocked
        found = (self.address(each, _WITHIN[kind]) for each in _NAMED.findall(text)) if kind in _WITHIN else ()
        return next(filter(None, found), None)

    def inline(self, text: str) -> Blocked | None:
        """The text of a script: what it is, and known trackers among the modules that it imports."""
        verdict = self._judge.inline(text)
        if not verdict.allowed:
            return Blocked(verdict, "script", INLINE)
        if "import" not in text:
            return None
        found = (self.address(address, "script") for address in _IMPORTED.findall(text))
        return next((blocked for blocked in found if blocked and blocked.verdict.known), None)

    def listed(self, text: str, kind: str) -> tuple[Blocked, ...]:
        """The addresses in an import map (`script`) or in speculation rules (`hint`). JSON that is none passes."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return ()
        found = (self.address(url, kind) for url in _strings(data) if "/" in url)
        return tuple(blocked for blocked in found if blocked)


def addresses(text: str, load: Load) -> Iterator[tuple[str, Kind]]:
    """The addresses in a decoded attribute value."""
    match load.shape:
        case "url":
            yield text, load.kind
        case "srcset":
            for candidate in _CANDIDATE.finditer(text):
                yield candidate[1], load.kind
        case "list":
            for word in text.split():
                yield word, load.kind
        case "steps":
            for step in text.split(";"):
                yield step, load.kind
        case "refresh":
            if match := _REFRESH.match(text):
                yield match[1] or match[2] or match[3] or "", load.kind
        case "css":
            for address in css.addresses(text):
                yield address.url, address.kind
        case "html":
            return


def purpose_and_vendor(blocked: tuple[Blocked, ...]) -> tuple[str, str | None]:
    """What must be granted before an element comes back; "unknown" (everything) where its addresses disagree."""
    purposes = {each.purpose() for each in blocked}
    vendors = {each.verdict.vendor for each in blocked}
    purpose = purposes.pop() if len(purposes) == 1 else "unknown"
    return purpose, vendors.pop() if len(vendors) == 1 else None


def _text_of(url: str, kind: str) -> str:
    """What is written into a `javascript:` or `data:` address, where its kind of load reads that as text."""
    scheme, _, rest = url.partition(":")
    if scheme == "javascript":
        return unquote_to_bytes(rest).decode("utf-8", "replace") if kind in {"frame", "object"} else ""
    if kind != "script" and kind not in _WITHIN:
        return ""
    head, _, body = rest.partition(",")
    content = unquote_to_bytes(body)
    if head.rstrip().lower().endswith("base64"):
        try:
            content = base64.b64decode(content + b"==")
        except binascii.Error:
            return ""
    return content.decode("utf-8", "replace")


def _strings(data: object) -> Iterator[str]:
    match data:
        case str():
            yield data
        case list():
            for each in data:
                yield from _strings(each)
        case Mapping():
            for key, each in data.items():
                yield from _strings(key)
                yield from _strings(each)

"""The document as a whole: where our own markup goes, what base and language it has, whose tags are judged. No I/O.

Our head goes right behind `<head>`; where there is none, before the first thing that a browser would put into head or
body, after doctype, comments and `<html>`, so that quirks mode never changes. Nothing goes into comments, templates,
raw text, noscript, or a frameset page's body. In XML documents markup of ours that is not well-formed by itself is
left out, and so is all of it where the document is not XHTML in the default namespace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from turbohtml import TokenType

from policies.embeds import EMBEDS
from policies.verdict import Verdict
from proxy.html.attributes import attributes
from proxy.html.elements import Elements, Nested, Placeholder
from proxy.html.judging import Judge, Judging, Page
from proxy.html.memory import TagMemory
from proxy.html.wellformed import is_well_formed

Mode = Literal["html", "xml"]
XHTML = "http://www.w3.org/1999/xhtml"


@dataclass(frozen=True, slots=True)
class Injection:
    """Markup of our own, in the document's charset (ASCII is safe).

    `head` goes first into the head, `body_start` right behind `<body>`, `body_end` before `</body>` or at the end of
    the document. `placeholder` answers what stands in for a blocked frame with content. A remembered page may be
    filled again by putting markers here and replacing them in the answer. `policy` lets us into a Content Security
    Policy that the document itself declares, in a `meta` element.
    """

    head: bytes = b""
    body_start: bytes = b""
    body_end: bytes = b""
    placeholder: Placeholder | None = None
    policy: Callable[[str], str] | None = None


NOTHING = Injection()
_PLUMBING = frozenset(["html", "head", "body", "base", "template", "frameset"])
_BACKGROUND = frozenset(tag for tag, loads in EMBEDS.items() if "background" in loads)
_LINKS = frozenset(["a", "area"])
_USUAL = frozenset(EMBEDS) - _BACKGROUND - _LINKS | _PLUMBING | {"style", "noscript"}
_INTERESTS = {
    (links, background): _USUAL | (_LINKS if links else frozenset()) | (_BACKGROUND if background else frozenset())
    for links in (False, True)
    for background in (False, True)
}
_CSS_TRIGGERS = ("url(", "image-set(", ".#40;", ".#x28;", ".lpar;")
"""In a lower-cased text whose ampersands are dots, as the splicer shows it."""
_AS_IT_WAS = b"="
_SOURCES, _FOREIGN_SOURCES = frozenset(["src"]), frozenset(["src", "href", "xlink:href"])
_UNREMEMBERED = _PLUMBING | {"iframe", "object", "embed"}
"""What depends on more than the tag: where it stands, what is injected, how deep srcdoc is nested."""
_PLACED = re.compile(rb"<(?:/?(?:" + "|".join(sorted(_UNREMEMBERED)).encode() + rb")[\s/>]|[^>]*srcdoc)", re.IGNORECASE)
"""The same, anywhere in a stretch."""
_DEPTH = 4
"""How deep noscript and srcdoc may nest before what is inside passes unread."""


class Editing:
    """The editor behind a splicer."""

    def __init__(
        self,
        page: Page,
        judge: Judge,
        injection: Injection,
        charset: str,
        *,
        mode: Mode,
        depth: int,
        nested: Nested,
        memory: TagMemory,
    ) -> None:
        self.judging = Judging(page, judge, charset)
        self._charset = charset
        self._mode = mode
        self._depth = depth
        self._nests = depth < _DEPTH
        self._placeholders = depth == 0
        if mode == "xml":
            injection = _well_formed(injection)
        self._injection = injection
        self.elements = Elements(
            self.judging, nested if self._nests else _unread, injection.placeholder, injection.policy
        )
        self.stretch = memory.stretch
        self._memory = memory
        self._known, self._stretches = memory.scope(page.url, charset, mode, depth)
        self._head_due = bool(injection.head)
        self._start_due = bool(injection.body_start)
        self._end_due = bool(injection.body_end)
        self._templates = 0
        self._based = False
        self._body_seen = False
        self._evidence_before = 0
        self._depended = False
        """Has something in the stretch that is read depended on the page itself?"""
        self.language: str | None = None

    def interest(self, shadow: str) -> tuple[frozenset[str], bool]:
        """Which tags can matter in this text: links only where something pings, all where CSS may name an address."""
        wanted = _INTERESTS["ping" in shadow or "attributionsrc" in shadow, "background" in shadow]
        return wanted, any(trigger in shadow for trigger in _CSS_TRIGGERS)

    def is_known(self, stretch: bytes) -> bool:
        return stretch in self._stretches

    def is_new(self, stretch: bytes) -> bool:
        return self._memory.is_new(stretch)

    def known_stretch(self, stretch: bytes) -> bytes | None:
        # Looked up anew: what was read meanwhile may have moved the document's base, or filled the memory.
        found = self._stretches.get(stretch)
        if found is None or self._templates or self._start_due:
            return None
        if found[1]:
            self.elements.stripped += found[1]
        return found[0]

    def begin_stretch(self) -> None:
        self._evidence_before = len(self.elements.stripped)
        self._depended = False

    def end_stretch(self, stretch: bytes, became: bytes) -> None:
        if self._depended or self._templates or self._start_due or _PLACED.search(stretch):
            return
        evidence = tuple(self.elements.stripped[self._evidence_before :])
        self._memory.remember(self._stretches, stretch, stretch if became == stretch else became, evidence)

    def recall(self, raw: bytes) -> bytes | None:
        entry = self._known.get(raw)
        if entry is None:
            return None
        if entry[1]:
            self.elements.stripped += entry[1]
        return entry[0]

    def watches(self) -> bool:
        return self._head_due

    def before(self, kind: TokenType, tag: str | None, raw: bytes) -> tuple[int, bytes] | None:
        """Our head, at an offset within this token, as soon as its place is reached."""
        if kind is TokenType.START_TAG and tag == "html":
            if self._mode == "xml" and attributes(raw, len("html"), self._charset).get("xmlns") != XHTML:
                self._head_due = self._end_due = self._start_due = False
            return None
        if kind not in (TokenType.START_TAG, TokenType.END_TAG, TokenType.TEXT):
            return None
        self._head_due = False
        if kind is TokenType.START_TAG and tag == "head":
            if self._mode == "xml" and raw.endswith(b"/>"):
                return None
            return len(raw), self._injection.head
        if self._mode == "xml":
            return None
        return 0, self._injection.head

    def holds(self, tag: str, raw: bytes, name_length: int, foreign: bool) -> bool:
        if tag != "script":
            return tag == "style" or (tag == "noscript" and not foreign)
        if foreign:
            return self.elements.holds(raw, name_length, _FOREIGN_SOURCES)
        known = self._memory.held.get(raw)
        if known is None:
            known = self._memory.remember_held(raw, self.elements.holds(raw, name_length, _SOURCES))
        return known

    def tag(self, tag: str, raw: bytes, name_length: int, foreign: bool) -> bytes | None:
        if tag in _PLUMBING and not foreign:
            self._plumb(tag, raw, name_length)
        if (known := self.recall(raw)) is not None:
            return known
        placeholders = self._placeholders and not self._templates and not foreign
        evidence = len(self.elements.stripped)
        instead = self.elements.tag(tag, raw, name_length, placeholders=placeholders)
        if not foreign and tag not in _UNREMEMBERED and not self.judging.page_bound:
            stripped = tuple(self.elements.stripped[evidence:])
            self._memory.remember(self._known, raw, raw if instead is None else instead, stripped)
        self._depended = self._depended or self.judging.page_bound
        self.judging.page_bound = False
        if tag == "body" and self._start_due and not foreign and not self._templates:
            self._start_due = False
            return (raw if instead is None else instead) + self._injection.body_start
        return instead

    def _plumb(self, tag: str, raw: bytes, name_length: int) -> None:
        match tag:
            case "html" if self.language is None:
                self.language = attributes(raw, name_length, self._charset).get("lang") or None
            case "base" if not self._based and not self._templates:
                if href := attributes(raw, name_length, self._charset).get("href"):
                    self._based = True
                    self.judging.rebase(href)
                    where = self.judging.page.url
                    self._known, self._stretches = self._memory.scope(where, self._charset, self._mode, self._depth)
            case "template":
                self._templates += 1
            case "body":
                self._body_seen = True
            case "frameset" if not self._body_seen and not self._templates:
                self._end_due = self._start_due = False

    def end_tag(self, tag: str) -> bytes | None:
        if tag == "template" and self._templates:
            self._templates -= 1
        if tag == "body" and self._end_due and not self._templates:
            self._end_due = False
            return self._injection.body_end
        return None

    def element(self, tag: str, raw: bytes, name_length: int, content: bytes, markup: bool) -> bytes | None:
        whole = b"=" + raw + content
        if not markup and (known := self.recall(whole)) is not None:
            return None if known is _AS_IT_WAS else known
        evidence = len(self.elements.stripped)
        instead = self.elements.element(tag, raw, name_length, content, markup=markup)
        if not self.judging.page_bound and not markup:
            stripped = tuple(self.elements.stripped[evidence:])
            self._memory.remember(self._known, whole, _AS_IT_WAS if instead is None else instead, stripped)
        self._depended = self._depended or self.judging.page_bound
        self.judging.page_bound = False
        return instead

    def instruction(self, raw: bytes) -> bytes | None:
        return self.elements.instruction(raw)

    def at_end(self) -> bytes:
        if not self._end_due or self._templates or self._mode == "xml" or self._head_due:
            return b""
        self._end_due = False
        return self._injection.body_end


def _unread(content: bytes, _charset: str) -> bytes:
    return content


def _well_formed(injection: Injection) -> Injection:
    placeholder = injection.placeholder

    def checked(verdict: Verdict, kind: str, own: Mapping[str, str]) -> bytes:
        markup = placeholder(verdict, kind, own) if placeholder else b""
        return markup if is_well_formed(markup) else b""

    return Injection(
        head=injection.head if is_well_formed(injection.head) else b"",
        body_start=injection.body_start if is_well_formed(injection.body_start) else b"",
        body_end=injection.body_end if is_well_formed(injection.body_end) else b"",
        placeholder=checked if placeholder else None,
        policy=injection.policy,
    )

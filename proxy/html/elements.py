"""Neutralise what must not load, element by element, so that it can be brought back. No I/O.

The convention, shared with the script that brings things back:
    an attribute that loads    is renamed: src -> data-samtykke-src, xlink:href -> data-samtykke-xlink-href
    a script                   gets type="text/plain"; its own type is kept in data-samtykke-type
    a style attribute          has its blocked addresses replaced; the whole old value is in data-samtykke-style
    a style element            has them replaced in place by about:invalid#samtykke=PERCENT-ENCODED-ADDRESS
    an iframe's srcdoc         and the content of a noscript are rewritten by the same rules
    each such element          says data-samtykke="preferences|statistics|marketing|unknown" (what must be granted;
                               unknown needs everything) and data-samtykke-vendor="ID" where one vendor is known
    a meta with a policy       lets our own files in, where the injection asks for it (Content Security Policy)
    a frame with content       is also `hidden`, and its placeholder stands right before it
Additions stand right behind the tag's name, where they beat a duplicate. integrity, crossorigin, nonce, async and
defer stay. Renaming takes every duplicate of the attribute, lest the second come to life.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape

from policies.embeds import EMBEDS, EVERYWHERE, load_of, script_type
from policies.verdict import Verdict
from proxy.html import css
from proxy.html.attributes import ATTRIBUTE, attributes, decoded, edited, escaped
from proxy.html.judging import Blocked, Judging, purpose_and_vendor

Placeholder = Callable[[Verdict, str, Mapping[str, str]], bytes]
"""Markup to stand in for a blocked frame (b"" for none), given verdict, kind and the element's attributes."""
Nested = Callable[[bytes, str], bytes]
"""Rewrites a document within the document, given its bytes and their charset."""

_LOADS = {tag: {name.encode(): load for name, load in loads.items()} for tag, loads in EMBEDS.items()}
_ANYWHERE = {name.encode(): load for name, load in EVERYWHERE.items()}
_CONDITIONAL = frozenset(["link", "meta", "input", "set", "animate"])
_FRAMES = frozenset(["iframe", "object", "embed"])
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_NEVER_SHOWN = frozenset(["script", "style", "noscript"])
"""Elements whose style attribute loads nothing: they make no box."""
_TRIGGERS = (b"url(", b"image-set(", b"&#40;", b"&#x28;", b"&lpar;")
"""Also with the bracket as a character reference, as some templates escape all that is no letter."""


class Elements:
    """Judges start tags and, where content counts, whole elements. `stripped` is the evidence."""

    def __init__(
        self,
        judging: Judging,
        nested: Nested,
        placeholder: Placeholder | None,
        policy: Callable[[str], str] | None = None,
    ) -> None:
        self._judging = judging
        self._nested = nested
        self._placeholder = placeholder
        self._policy = policy
        self.stripped: list[tuple[Verdict, str, str]] = []

    def tag(self, tag: str, raw: bytes, name_length: int, *, placeholders: bool) -> bytes | None:
        """A start tag by its local name; None leaves it as it is. `name_length` is that of the name as written."""
        loads = _LOADS.get(tag, {})
        styled = (
            (b"(" in raw or b"&" in raw)
            and tag not in _NEVER_SHOWN
            and any(trigger in raw.lower() for trigger in _TRIGGERS)
        )
        if not loads and not styled:
            return None
        values: dict[bytes, bytes] = {}
        for name, double, single, bare in ATTRIBUTE.findall(raw, 1 + name_length):
            values.setdefault(name.lower(), double or single or bare)
        judging = self._judging
        blocked: dict[str, tuple[Blocked, ...]] = {}
        changed: dict[str, bytes] = {}
        if tag == "meta" and self._policy is not None and (written := self._written_policy(values)) is not None:
            changed["content"] = written
        for name, load in loads.items():
            if name == b"xlink:href":
                name = next((written for written in values if written.endswith(b":href")), name)
            value = values.get(name)
            if value is None:
                continue
            if load.shape == "html":
                if (document := self._srcdoc(value)) is not None:
                    changed[name.decode()] = document
                continue
            found = self._conditional(tag, name, value, values) if tag in _CONDITIONAL else judging.value(value, load)
            if found:
                blocked[name.decode()] = found
        if styled:
            for name, load in _ANYWHERE.items():
                if (value := values.get(name)) and (found := judging.value(value, load)):
                    blocked[name.decode()] = found
        if not blocked:
            return edited(raw, name_length, frozenset(), changed, b"") if changed else None
        return self._neutralised(tag, raw, name_length, blocked, changed, placeholders=placeholders)

    def _conditional(self, tag: str, name: bytes, value: bytes, values: Mapping[bytes, bytes]) -> tuple[Blocked, ...]:
        charset = self._judging.charset
        context = {
            key: decoded(values[key.encode()], charset)
            for key in ("rel", "as", "type", "http-equiv", "attributename")
            if key.encode() in values
        }
        load = load_of(tag, name.decode(), context)
        return self._judging.value(value, load) if load else ()

    def _written_policy(self, values: Mapping[bytes, bytes]) -> bytes | None:
        """What a `meta` with a Content Security Policy must say to let our own markup in, if it does not."""
        if values.get(b"http-equiv", b"").strip().lower() != b"content-security-policy" or self._policy is None:
            return None
        text = decoded(values.get(b"content", b""), self._judging.charset)
        admitted = self._policy(text)
        return None if admitted == text else escaped(admitted, self._judging.charset)

    def _srcdoc(self, value: bytes) -> bytes | None:
        text = decoded(value, self._judging.charset)
        before = text.encode("utf-8")
        after = self._nested(before, "utf-8")
        return None if after == before else escaped(after.decode("utf-8", "replace"), self._judging.charset)

    def _neutralised(
        self,
        tag: str,
        raw: bytes,
        name_length: int,
        blocked: Mapping[str, tuple[Blocked, ...]],
        changed: dict[str, bytes],
        *,
        placeholders: bool,
    ) -> bytes:
        charset = self._judging.charset
        every = tuple(each for found in blocked.values() for each in found)
        self._note(every)
        added = self._marks(every)
        renamed = set(blocked)
        first = every[0]
        if tag == "script":
            added = b' type="text/plain"' + added
            renamed.add("type")
        before = b""
        own: dict[str, str] | None = None
        if "style" in blocked:
            renamed.discard("style")
            own = attributes(raw, name_length, charset)
            added += b' data-samtykke-style="' + escaped(own["style"], charset) + b'"'
            changed["style"] = escaped(css.without(own["style"], self._is_blocked), charset)
        if tag in _FRAMES and placeholders and self._placeholder is not None:
            own = own or attributes(raw, name_length, charset)
            before = self._placeholder(first.verdict, first.kind, own)
            if before and "hidden" not in own:
                added = b' hidden=""' + added
        return before + edited(raw, name_length, frozenset(renamed), changed, added)

    def _is_blocked(self, url: str, kind: str) -> bool:
        return self._judging.address(url, kind) is not None

    def _note(self, every: tuple[Blocked, ...]) -> None:
        self.stripped += [(each.verdict, each.kind, each.url) for each in every]

    def _marks(self, every: tuple[Blocked, ...]) -> bytes:
        purpose, vendor = purpose_and_vendor(every)
        marks = f' data-samtykke="{purpose}"'
        if vendor is not None:
            marks += f' data-samtykke-vendor="{escape(vendor)}"'
        return marks.encode(self._judging.charset, "xmlcharrefreplace")

    def holds(self, raw: bytes, name_length: int, sources: frozenset[str]) -> bool:
        """Does it take the content to judge this script, since it has none of `sources`?"""
        own = attributes(raw, name_length, self._judging.charset)
        return script_type(own) is not None and own.keys().isdisjoint(sources)

    def element(self, tag: str, raw: bytes, name_length: int, content: bytes, *, markup: bool) -> bytes | None:
        """A held element: its start tag and all its content. `markup` says the content is not raw text."""
        match tag:
            case "script":
                return self._inline_script(raw, name_length, content, markup=markup)
            case "style":
                return self._style_sheet(raw, name_length, content, markup=markup)
        after = self._nested(content, self._judging.charset)
        return None if after == content else raw + after

    def instruction(self, raw: bytes) -> bytes | None:
        """`<?xml-stylesheet href=..?>` under another name, where its style sheet must not load."""
        name = b"xml-stylesheet"
        href = attributes(raw[:-2] + b">", 1 + len(name), self._judging.charset).get("href")
        blocked = self._judging.address(href, "style") if href else None
        if blocked is None:
            return None
        self._note((blocked,))
        return raw.replace(name, b"samtykke-" + name, 1)

    def _inline_script(self, raw: bytes, name_length: int, content: bytes, *, markup: bool) -> bytes | None:
        charset = self._judging.charset
        text = content.decode(charset, "replace")
        if markup:
            text = _plain(text)
        if not text.strip():
            return None
        kind = script_type(attributes(raw, name_length, charset))
        match kind:
            case "importmap":
                blocked = self._judging.listed(text, "script")
            case "speculationrules":
                blocked = self._judging.listed(text, "hint")
            case _:
                verdict = self._judging.inline(text)
                blocked = (verdict,) if verdict else ()
        if not blocked:
            return None
        self._note(blocked)
        added = b' type="text/plain"' + self._marks(blocked)
        return edited(raw, name_length, frozenset(["type"]), {}, added) + content

    def _style_sheet(self, raw: bytes, name_length: int, content: bytes, *, markup: bool) -> bytes | None:
        codec = _codec_that_comes_back(content, self._judging.charset)
        text = content.decode(codec)
        referring = markup and "&" in text
        if referring:
            text = _plain(text)
        if not css.may_load(text):
            return None
        found: list[Blocked] = []

        def is_blocked(url: str, kind: str) -> bool:
            if blocked := self._judging.address(url, kind):
                found.append(blocked)
            return blocked is not None

        after = css.without(text, is_blocked)
        if not found:
            return None
        self._note(tuple(found))
        if referring:
            after = escape(after, quote=False)
        marked = edited(raw, name_length, frozenset(), {}, self._marks(tuple(found)))
        return marked + after.encode(codec, "xmlcharrefreplace")


def _codec_that_comes_back(content: bytes, charset: str) -> str:
    """The charset, where decoding loses nothing; else latin-1, which never does."""
    try:
        return charset if content.decode(charset).encode(charset) == content else "latin-1"
    except UnicodeError:
        return "latin-1"


def _plain(text: str) -> str:
    """Script text that stands as markup (SVG, XML): CDATA as it is, character references resolved elsewhere."""
    out = []
    done = 0
    for section in _CDATA.finditer(text):
        out += [unescape(text[done : section.start()]), section[1]]
        done = section.end()
    return "".join([*out, unescape(text[done:])])

"""The splicer for XHTML and SVG documents: XML has no raw text, knows prefixes, and minds upper case.

A browser stops showing a document at its first XML error, so a strict scanner sees what it sees. Elements are known
by their local name, whatever their prefix. Markup that is longer than the cap, or broken, passes, and all that
follows it passes, too; the CSP holds there. Same feed/close as the splicer for HTML.
"""

from __future__ import annotations

import re

from turbohtml import TokenType

from proxy.html.splicer import CAP, Editor

_WHOLE = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    rb"|<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*+"
    rb"(?:\[(?:[^\]\"'<]|\"[^\"]*\"|'[^']*'|<!--.*?-->|<\?.*?\?>|<)*?\][\t\n\r ]*)?>",
    re.DOTALL,
)
_TAG = re.compile(
    rb"</?[^\s/>!?=\"'<]++"
    rb"(?:\s++[^\s/>=\"'<]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))?+)*+"
    rb"\s*+/?>"
)
"""Stricter than HTML's: half a tag must not look like a whole one."""
_NAME = re.compile(rb"</?((?:[^\s/>:]+:)?)([^\s/>:]+)")


class XmlSplicer:
    """feed/close over one XML document."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._raw = bytearray()
        self._at = 0
        """Where in `_raw` the next markup is looked for."""
        self._searched = 0
        """How far a held element's end was looked for."""
        self._inert = False
        self._out: list[bytes] = []
        self._sent = 0

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes of the document; answers what may leave."""
        if self._inert:
            return chunk
        self._raw += chunk
        self._scan()
        if len(self._raw) - self._at > CAP:
            self._inert = True
            self._at = len(self._raw)
        return self._flush()

    def close(self) -> bytes:
        """No more bytes; answers the rest."""
        self._at = len(self._raw)
        return self._flush()

    def rest(self) -> bytes:
        """What was taken and not yet handed out, unedited."""
        return b"".join(self._out) + bytes(self._raw[self._sent :])

    def _flush(self) -> bytes:
        self._pass(self._at)
        del self._raw[: self._at]
        self._searched = max(self._searched - self._at, 0)
        self._at = self._sent = 0
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _pass(self, end: int) -> None:
        if end > self._sent:
            self._out.append(bytes(self._raw[self._sent : end]))
            self._sent = end

    def _scan(self) -> None:
        while True:
            opening = self._raw.find(b"<", self._at)
            self._at = opening if opening >= 0 else len(self._raw)
            if opening < 0:
                return
            match = _WHOLE.match(self._raw, opening) or _TAG.match(self._raw, opening)
            if match is None or not self._meet(opening, match.end()):
                return

    def _meet(self, start: int, end: int) -> bool:
        """One whole piece of markup; False where more bytes are needed to judge it."""
        raw = bytes(self._raw[start:end])
        if raw.startswith((b"<!", b"<?")):
            if raw.startswith(b"<?xml-stylesheet") and (instead := self._editor.instruction(raw)) is not None:
                self._replace(start, end, instead)
            self._at = end
            return True
        name = _NAME.match(raw)
        if name is None:
            self._at = end
            return True
        local = name[2].decode("utf-8", "replace")
        tag = "feimage" if local == "feImage" else local
        if raw.startswith(b"</"):
            if not name[1] and (markup := self._editor.end_tag(tag)):
                self._pass(start)
                self._out.append(markup)
            self._at = end
            return True
        length = len(name[1]) + len(name[2])
        if tag in ("script", "style") and not raw.endswith(b"/>") and self._editor.holds(tag, raw, length, True):
            return self._held(tag, raw, length, (start, end))
        if self._editor.watches() and (spot := self._editor.before(TokenType.START_TAG, _plain_name(name, tag), raw)):
            self._pass(start + spot[0])
            self._out.append(spot[1])
        elif (instead := self._editor.tag(tag, raw, length, bool(name[1]))) is not None:
            self._replace(start, end, instead)
        self._at = end
        return True

    def _held(self, tag: str, raw: bytes, length: int, span: tuple[int, int]) -> bool:
        start, end = span
        closing = b"</" + raw[1 : 1 + length]
        found = self._raw.find(closing, max(end, self._searched - len(closing)))
        if found < 0:
            self._searched = len(self._raw)
            return False
        self._searched = 0
        if self._editor.watches():
            self._editor.before(TokenType.START_TAG, tag, raw)
        instead = self._editor.element(tag, raw, length, bytes(self._raw[end:found]), True)
        if instead is not None:
            self._replace(start, found, instead)
        self._at = found
        return True

    def _replace(self, start: int, end: int, instead: bytes) -> None:
        self._pass(start)
        self._out.append(instead)
        self._sent = end


def _plain_name(name: re.Match[bytes], tag: str) -> str:
    return f"{name[1].decode('latin-1')}{tag}"

"""Is the tokenizer inside SVG or MathML? There, raw text is markup and CDATA is text. No I/O.

A small part of the tree builder (HTML Standard 13.2.6.5): a stack of the open foreign elements and of the points
where HTML begins again. It is empty on nearly all pages and asked for nothing then. Deeper than `DEPTH` is counted,
not kept.
"""

from __future__ import annotations

import re

DEPTH = 512
"""Browsers flatten trees at about this depth, too."""

# fmt: off
_BREAKOUT = frozenset((
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2",
    "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre",
    "ruby", "s", "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var",
))
_VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
))
_SPECIAL = frozenset((
    "address", "applet", "article", "aside", "blockquote", "body", "button", "caption", "center", "col",
    "colgroup", "dd", "details", "dir", "div", "dl", "dt", "embed", "fieldset", "figcaption", "figure", "footer",
    "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html",
    "iframe", "input", "keygen", "li", "link", "listing", "main", "marquee", "menu", "meta", "nav", "noembed",
    "noframes", "noscript", "object", "ol", "p", "param", "plaintext", "pre", "script", "search", "section",
    "select", "source", "style", "summary", "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead",
    "title", "tr", "track", "ul", "wbr", "xmp",
))
# fmt: on
_SCOPES = frozenset(["applet", "caption", "table", "td", "th", "marquee", "object", "template"])
_SVG_POINTS = frozenset(["foreignobject", "desc", "title"])
_MATH_POINTS = frozenset(["mi", "mo", "mn", "ms", "mtext"])
_HTML_BEGINS = frozenset(["html", "point", "text"])
_FONT_BREAKS_OUT = re.compile(rb"[\s/](?:color|face|size)[\s=/>]", re.IGNORECASE)
_HTML_ANNOTATION = re.compile(rb"encoding\s*=\s*[\"']?(?:text/html|application/xhtml\+xml)[\s\"'>]", re.IGNORECASE)


class ForeignContent:
    """Fed with tags; `inside` from `<svg>`/`<math>` to its end, `takes_cdata` where the current node is foreign."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        """(name, space), from the outermost `svg` or `math` on. Space is svg, math, html, or where HTML begins again:
        point, or text (MathML's, where two elements are still MathML)."""
        self._too_deep = 0

    @property
    def inside(self) -> bool:
        return bool(self._open)

    @property
    def takes_cdata(self) -> bool:
        return bool(self._open) and self._open[-1][1] != "html"

    def start(self, tag: str, raw: bytes) -> bool:
        """A start tag; answers whether its content is markup although its name says raw text."""
        if not self._open:
            if tag in ("svg", "math") and not raw.endswith(b"/>"):
                self._open.append((tag, tag))
            return False
        parent, space = self._open[-1]
        if space == "text" and tag in ("mglyph", "malignmark"):
            space = "math"
        elif space in _HTML_BEGINS and tag not in ("svg", "math"):
            return self._start_html(tag, raw)
        elif space in _HTML_BEGINS or (parent == "annotation-xml" and tag == "svg"):
            space = tag
        elif tag in _BREAKOUT or (tag == "font" and _FONT_BREAKS_OUT.search(raw)):
            while self._open and self._open[-1][1] in ("svg", "math"):
                self._open.pop()
            return bool(self._open) and self._start_html(tag, raw)
        if not raw.endswith(b"/>"):
            self._push(tag, _space_of(tag, space, raw))
        return True

    def _start_html(self, tag: str, raw: bytes) -> bool:
        """HTML inside an integration point: raw text is raw text again."""
        if tag not in _VOID:
            self._push(tag, "html")
        return False

    def _push(self, tag: str, space: str) -> None:
        if len(self._open) < DEPTH:
            self._open.append((tag, space))
        else:
            self._too_deep += 1

    def end(self, tag: str) -> None:
        if self._too_deep:
            self._too_deep -= 1
            return
        if tag in ("p", "br") and self._open[-1][1] in ("svg", "math"):
            while self._open and self._open[-1][1] in ("svg", "math"):
                self._open.pop()
            return
        stops = _SCOPES if tag in _SPECIAL else _SPECIAL
        by_html = self._open[-1][1] == "html"
        for position in range(len(self._open) - 1, -1, -1):
            name, space = self._open[position]
            by_html = by_html or space == "html"
            if by_html and name != tag and ((space == "html" and name in stops) or space in ("point", "text")):
                # HTML's rules let no end tag reach beyond these (13.2.6.4.7, "any other end tag" and scopes).
                return
            if name == tag and (space == "html" or not by_html or space in ("svg", "math")):
                # A form's end takes the form away and leaves what is open inside (13.2.6.4.7).
                del self._open[position : position + 1 if tag == "form" else None]
                return


def _space_of(tag: str, space: str, raw: bytes) -> str:
    if space == "svg" and tag in _SVG_POINTS:
        return "point"
    if space == "math" and tag in _MATH_POINTS:
        return "text"
    if space == "math" and tag == "annotation-xml" and _HTML_ANNOTATION.search(raw):
        return "point"
    return space

"""Put a fresh tokenizer into the state an old one was in, from the text it was still waiting on. No state.

A token longer than may be kept is let go; what matters of it is only in which state the tokenizer stands (HTML
Standard 13.2.5). `resumed` answers a short text that leads there. The one thing lost is a script within `<!--`
and `<script` inside a script of more than the cap.
"""

from __future__ import annotations

import re

RAW = frozenset(
    ["script", "style", "title", "textarea", "noscript", "iframe", "xmp", "noembed", "noframes", "plaintext"]
)
"""Elements whose content is text to a browser that runs scripts."""

_WS = "\t\n\x0c\r "
_OPEN_TAG = re.compile(rf"(</?[a-z][^{_WS}/>]*+)(.*)", re.DOTALL)
_WHOLE_ATTRIBUTE = re.compile(
    rf"[{_WS}/]*+[^{_WS}/>][^{_WS}/>=]*+"
    rf"(?:[{_WS}]*+=[{_WS}]*+(?:\"[^\"]*+\"|'[^']*+'|[^{_WS}>\"'][^{_WS}>]*+(?=[{_WS}]))|(?=[{_WS}/]*[^{_WS}/=]))"
)
_COMMENT_END = re.compile(rb"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_BOGUS_END = re.compile(rb"<[!?/][^>]*>")


def markup_end(data: bytes | bytearray, start: int) -> int:
    """Where the comment, doctype or processing instruction at `start` ends (exclusive); -1 where it is not whole."""
    pattern = _COMMENT_END if data.startswith(b"<!--", start) else _BOGUS_END
    match = pattern.match(data, start)
    return match.end() if match else -1


def resumed(pending: str, inside: str | None) -> str:
    """Text that leads a fresh tokenizer to where `pending` (lower case, from the last token's end) led the old one.

    `inside` is the raw-text element it stands in. The tags it makes are not those of the document.
    """
    if inside is not None:
        return f"<{inside}>" + pending[max(pending.rfind("<"), len(pending) - 64, 0) :]
    opening = pending.find("<")
    if opening < 0:
        return ""
    pending = pending[opening:]
    if pending.startswith("<!--"):
        return "<!-- " + pending[max(4, len(pending) - 3) :]
    tag = _OPEN_TAG.match(pending)
    if tag is None:
        return "<!x" if len(pending) > 2 else pending
    name, rest = tag[1][:64], tag[2]
    if not rest:
        return name
    while (whole := _WHOLE_ATTRIBUTE.match(rest)) and whole.end() < len(rest):
        rest = rest[whole.end() :]
    value = re.match(rf"[{_WS}/]*+[^{_WS}/>][^{_WS}/>=]*+[{_WS}]*+=[{_WS}]*+([^{_WS}]?)", rest)
    if value is None:
        return f"{name} " + ("x" if rest.strip(_WS + "/") else "")
    if value[1] in ("'", '"'):
        return f"{name} x={value[1]}"
    return f"{name} x={value[1] and 'x'}"

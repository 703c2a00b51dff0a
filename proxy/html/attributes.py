"""Find the attributes of one tag in its bytes, and change names in place. No I/O, no state.

The grammar is the tokenizer's of the HTML Standard (13.2.5.32-40), written as one possessive expression, so that a
hostile tag costs time linear in its length. Offsets are bytes within the tag. For well-formed XML it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from turbohtml import Tokenizer

_WS = rb"\t\n\x0c\r "
_ATTRIBUTE = (
    rb"([^" + _WS + rb"/>][^" + _WS + rb"/>=]*+)"
    rb"(?:[" + _WS + rb"]*+=[" + _WS + rb"]*+"
    rb"(?:\"([^\"]*+)\"|'([^']*+)'|([^" + _WS + rb">\"'][^" + _WS + rb">]*+)|(?=>)))?+"
)
ATTRIBUTE = re.compile(_ATTRIBUTE)
"""Groups: name, then the value in double quotes, in single quotes, or bare."""
TAG = re.compile(rb"</?[a-zA-Z][^" + _WS + rb"/>]*+(?:[" + _WS + rb"/]*+(?:" + _ATTRIBUTE + rb"))*+[" + _WS + rb"/]*+>")
"""One whole start or end tag."""


def tag_end(data: bytes | bytearray, start: int) -> int:
    """Where the tag that begins at `start` ends (exclusive); -1 where no whole tag is there."""
    match = TAG.match(data, start)
    return match.end() if match else -1


def decoded(value: bytes, charset: str) -> str:
    """An attribute's value as the page's script would read it: charset and character references undone."""
    text = value.decode(charset, "replace")
    if "&" not in text:
        return text
    for token in Tokenizer().feed('<a b="' + text.replace('"', "&quot;") + '">'):
        return token.attr("b") or ""
    return text


def attributes(tag: bytes, name_length: int, charset: str) -> dict[str, str]:
    """Names (lower case) and decoded values; of duplicates the first counts, as in a browser."""
    found: dict[str, str] = {}
    for name, double, single, bare in ATTRIBUTE.findall(tag, 1 + name_length):
        found.setdefault(name.lower().decode("latin-1"), decoded(double or single or bare, charset))
    return found


def edited(tag: bytes, name_length: int, renamed: frozenset[str], values: Mapping[str, bytes], added: bytes) -> bytes:
    """The tag with every attribute in `renamed` kept under `data-samtykke-NAME`, the (double-quoted, escaped)
    `values` put in place of old ones, and `added` right behind its name, where it beats any duplicate."""
    out = [tag[: 1 + name_length], added]
    done = 1 + name_length
    for match in ATTRIBUTE.finditer(tag, done):
        name = match[1].lower().decode("latin-1")
        if name in renamed:
            out += [tag[done : match.start()], b"data-samtykke-", match[1].replace(b":", b"-")]
            done = match.end(1)
        elif name in values:
            out += [tag[done : match.end(1)], b'="', values[name], b'"']
            done = match.end()
    out.append(tag[done:])
    return b"".join(out)


def escaped(text: str, charset: str) -> bytes:
    """Text as a double-quoted attribute's value; what the charset lacks becomes a character reference."""
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").encode(charset, "xmlcharrefreplace")

"""Bytes of any format to a document: HTML, Markdown, page templates, plain text, text taken from a PDF. No I/O.

Every format becomes markup and goes through one reader. A charset that does not hold is read as Latin-1: a wrong
letter costs less than a lost cookie.
"""

from __future__ import annotations

import re
from typing import Literal

from policies.declared.document import Document
from policies.declared.layout import layout_to_html
from policies.declared.markdown import front_matter, markdown_to_html
from policies.declared.page import read_markup
from policies.declared.templates import expand_templates

Format = Literal["html", "markdown", "text"]
MOST = 12_000_000
"""Bytes or characters of a document that are looked at."""

_FORMATS: tuple[tuple[str, Format], ...] = (
    ("html", "html"),
    ("xml", "html"),
    ("markdown", "markdown"),
    ("mdx", "markdown"),
)
_CONTROLS = tuple(chr(code) for code in range(32) if chr(code) not in "\x00\t\n\r\f\x0b")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ALIASES = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252"}
_BLOCK_TAG = re.compile(r"<(?:!doctype|html|body|head|div|p|table|h[1-6]|ul|section|article|main)\b[^<>]{0,500}>", re.I)
_MARKDOWN = re.compile(
    r"^(?:\#{1,6}\s+\S|[ ]{0,3}[-*+][ ]+\S.*\n(?:[ ]{0,3}[-*+][ ])|\|.*\|[ ]*$|[ ]{0,3}\|?[ ]{0,9}:?-{3,}:?[ ]{0,9}\|)|"
    r"\*\*\S[^*\n]{0,80}\*\*|\]\(https?:",
    re.MULTILINE,
)


def read_document(data: bytes | str, content_type: str = "") -> Document:
    """Any document to its text and structure; what cannot be read is skipped, nothing raises."""
    text = data[:MOST] if isinstance(data, str) else decode(data[:MOST], content_type)
    if _is_binary(text):
        return Document("")
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    kind = format_of(text, content_type)
    if kind == "text":
        return read_markup(layout_to_html(text))
    title, text = front_matter(text)
    text = expand_templates(text)
    if kind == "markdown":
        text = markdown_to_html(text)
    document = read_markup(text)
    if title and not document.title:
        return Document(document.text, title, document.lang, document.blocks, document.tables)
    return document


def _is_binary(text: str) -> bool:
    """Is it no text at all, but a picture, an archive, a PDF that nobody took the text from?"""
    return sum(map(text.count, _CONTROLS)) > 0.01 * len(text) + 20


def decode(data: bytes, content_type: str = "") -> str:
    """Bytes to text: byte order mark, the header's charset, the markup's own, UTF-8, Latin-1."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    said = [match[1] for match in (_CHARSET.search(content_type),) if match]
    said += [match[1] for match in (_CHARSET.search(data[:4096].decode("latin-1")),) if match]
    for name in (*said, "utf-8"):
        try:
            return data.decode(_ALIASES.get(name.lower(), name))
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
    if data.count(b"\xc3") + data.count(b"\xe2\x80") > data.count(b"\xef\xbf\xbd") + 20:
        # mostly UTF-8, with a broken piece
        return data.decode("utf-8", "replace")
    return data.decode("cp1252", "replace")


def format_of(text: str, content_type: str = "") -> Format:
    """What the content type says, and what the text looks like where it says nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    for part, name in _FORMATS:
        if part in kind:
            return name
    head = text[:20_000]
    tags = len(_BLOCK_TAG.findall(head))
    if re.match(r"\s*<(?:!doctype|html|\?xml)", head, re.IGNORECASE):
        return "html"
    marks = len(_MARKDOWN.findall(head))
    if tags and tags >= marks:
        return "html"
    if marks or head.startswith("---\n"):
        return "markdown"
    return "text"

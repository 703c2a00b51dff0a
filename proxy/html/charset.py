"""Which charset a document is in, and how it becomes bytes that can be spliced. No I/O.

Decided as a browser does (HTML Standard 13.2.3.2): byte order mark, then the transport's charset, then a `meta` in the
first 1024 bytes, else windows-1252; XML: byte order mark, transport, declaration, else UTF-8. Charsets whose bytes
below 0x80 always mean ASCII pass as they are. UTF-16 and ISO-2022-JP do not: they become UTF-8 on the way, and the
answer's `Content-Type` must say so. UTF-7, HZ and the like are unknown to browsers, which read windows-1252.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from proxy.html.attributes import attributes, tag_end

PRESCAN = 1024
_LABEL = re.compile(
    r"charset[\t\n\x0c\r ]*=[\t\n\x0c\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\x0c\r ;\"']+))", re.IGNORECASE
)
_DECLARATION = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")
_SKIPPED = re.compile(rb"<(?:!--.*?-->|[!?/][^>]*>)", re.DOTALL)
_TAG_NAME = re.compile(rb"<([a-zA-Z][^\t\n\x0c\r />]*)")

# fmt: off
_LABELS: dict[str, tuple[str, ...]] = {
    "utf-8": ("utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"),
    "utf-16-le": ("utf-16le", "utf-16", "ucs-2", "unicode", "unicodefeff", "csunicode", "iso-10646-ucs-2"),
    "utf-16-be": ("utf-16be", "unicodefffe"),
    "iso2022_jp": ("iso-2022-jp", "csiso2022jp"),
    "windows-1252": ("windows-1252", "iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii", "l1", "cp1252", "x-cp1252",
                     "iso8859-1", "iso88591", "iso_8859-1", "iso_8859-1:1987", "iso-ir-100", "ibm819", "cp819",
                     "csisolatin1", "ansi_x3.4-1968"),
    "windows-1254": ("windows-1254", "iso-8859-9", "latin5", "l5", "cp1254", "x-cp1254", "iso8859-9", "iso_8859-9"),
    "cp874": ("windows-874", "tis-620", "iso-8859-11", "dos-874", "iso8859-11"),
    "gb18030": ("gb18030",),
    "gbk": ("gbk", "gb2312", "gb_2312", "gb_2312-80", "x-gbk", "chinese", "csgb2312", "iso-ir-58"),
    "big5hkscs": ("big5", "big5-hkscs", "cn-big5", "x-x-big5", "csbig5"),
    "euc_jp": ("euc-jp", "x-euc-jp", "cseucpkdfmtjapanese"),
    "cp932": ("shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "ms932", "windows-31j", "csshiftjis"),
    "cp949": ("euc-kr", "korean", "ks_c_5601-1987", "ksc5601", "windows-949", "cseuckr", "ks_c_5601-1989", "ksc_5601"),
    "koi8-r": ("koi8-r", "koi", "koi8", "koi8_r", "cskoi8r"),
    "koi8-u": ("koi8-u", "koi8-ru"),
    "mac_roman": ("macintosh", "mac", "x-mac-roman", "csmacintosh"),
    "mac_cyrillic": ("x-mac-cyrillic", "x-mac-ukrainian"),
    "cp866": ("ibm866", "866", "cp866", "csibm866"),
    **{f"windows-{page}": (f"windows-{page}", f"cp{page}", f"x-cp{page}") for page in (1250, 1251, 1253, 1255, 1256,
                                                                                       1257, 1258)},
    **{f"iso8859-{part}": (f"iso-8859-{part}", f"iso8859-{part}", f"iso_8859-{part}", f"iso8859{part}")
       for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    "iso8859-8": ("iso-8859-8", "iso-8859-8-i", "logical", "visual", "hebrew"),
}
# fmt: on
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels}
_CODECS.update(dict.fromkeys(("latin2", "l2"), "iso8859-2"))
TRANSCODED = frozenset(["utf-16-le", "utf-16-be", "iso2022_jp"])
_REPLACEMENT = frozenset(["iso-2022-kr", "csiso2022kr", "hz-gb-2312", "iso-2022-cn", "iso-2022-cn-ext", "replacement"])


@dataclass(frozen=True, slots=True)
class Charset:
    """`codec` is Python's name of what the document is in; `bom` how many bytes of mark it begins with.

    `certain` is False where nothing said so. `label` is what a `Content-Type` should say after rewriting.
    """

    codec: str
    bom: int = 0
    certain: bool = True

    @property
    def transcoded(self) -> bool:
        return self.codec in TRANSCODED

    @property
    def spliced(self) -> str:
        """The codec of the bytes that go through the splicer."""
        return "utf-8" if self.transcoded else self.codec

    @property
    def label(self) -> str:
        return _LABELS[self.spliced][0]


def codec_of(label: str) -> str | None:
    """Python's codec for a label of the Encoding Standard; None where browsers know no such charset."""
    label = label.strip("\t\n\x0c\r ").lower()
    if label in _REPLACEMENT:
        # A browser shows one replacement character and nothing else; as UTF-8 the page at least stays judged.
        return "utf-8"
    return _CODECS.get(label)


def content_type_charset(content_type: str | None) -> str | None:
    """The charset a `Content-Type` names, as a codec; None where it names none that browsers know."""
    match = _LABEL.search(content_type.partition(";")[2]) if content_type else None
    return codec_of(match[1] or match[2] or match[3] or "") if match else None


def charset_of(content_type: str | None, start: bytes, *, xml: bool = False) -> Charset:
    """Decide. `start` is the beginning of the (decoded) body: 1024 bytes, or all there is."""
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le")):
        if start.startswith(mark):
            return Charset(codec, len(mark))
    if named := content_type_charset(content_type):
        return Charset(named)
    if start.startswith((b"<\x00?\x00x\x00", b"<\x00!\x00", b"<\x00h\x00")):
        return Charset("utf-16-le", certain=start.startswith(b"<\x00?\x00x\x00"))
    if start.startswith((b"\x00<\x00?\x00x", b"\x00<\x00!", b"\x00<\x00h")):
        return Charset("utf-16-be", certain=start.startswith(b"\x00<\x00?\x00x"))
    if match := _DECLARATION.match(start[:PRESCAN]):
        declared = codec_of(match[1].decode("ascii"))
        if declared is not None and (xml or _prescan(start[:PRESCAN]) is None):
            return Charset("utf-8" if declared.startswith("utf-16") else declared)
    if xml:
        return Charset("utf-8")
    found = _prescan(start[:PRESCAN])
    return Charset(found) if found else Charset("windows-1252", certain=False)


_MARKS = (
    b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe", b"<\x00?\x00x\x00", b"<\x00!\x00", b"<\x00h\x00", b"\x00<\x00?\x00x",
    b"\x00<\x00!", b"\x00<\x00h",
)  # fmt: skip


def undecided(start: bytes) -> bool:
    """Could the next bytes show that a document is in UTF-16, or that it begins with a byte order mark?"""
    return any(len(start) < len(mark) and mark.startswith(start) for mark in _MARKS)


def _prescan(start: bytes) -> str | None:
    """The charset of the first `meta` that names one (13.2.3.2, prescan a byte stream)."""
    position = 0
    while (position := start.find(b"<", position)) >= 0:
        if skipped := _SKIPPED.match(start, position):
            position = skipped.end()
            continue
        name = _TAG_NAME.match(start, position)
        end = tag_end(start, position) if name else -1
        if name is None or end < 0:
            position += 1
            continue
        if name[1].lower() == b"meta" and (found := _named_by(start[position:end])):
            return found
        position = end
    return None


def _named_by(meta: bytes) -> str | None:
    own = attributes(meta, len("meta"), "latin-1")
    label = own.get("charset")
    if label is None and own.get("http-equiv", "").strip().lower() == "content-type":
        match = _LABEL.search(own.get("content", ""))
        label = (match[1] or match[2] or match[3]) if match else None
    codec = codec_of(label) if label else None
    return "utf-8" if codec is not None and codec.startswith("utf-16") else codec


class Transcoding:
    """feed/close: bytes in a charset that cannot be spliced in, UTF-8 out (without byte order mark)."""

    def __init__(self, charset: Charset) -> None:
        self._decoder = codecs.getincrementaldecoder(charset.codec)("replace")
        self._mark = charset.bom

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes, in any pieces."""
        if self._mark:
            skipped = min(self._mark, len(chunk))
            self._mark -= skipped
            chunk = chunk[skipped:]
        return self._decoder.decode(chunk).encode("utf-8", "replace")

    def close(self) -> bytes:
        """What a document that ends within a character has left: a replacement character."""
        return self._decoder.decode(b"", True).encode("utf-8", "replace")

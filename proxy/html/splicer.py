"""Find tags in a stream of HTML and splice edits into its bytes; whatever is not edited leaves as it came.

A spec tokenizer (turbohtml) reads a shadow of the stream: the same number of characters as the stream has bytes,
upper case lowered, line breaks and ampersands masked, so that a token's column is a byte's position and every
charset whose bytes below 0x80 are ASCII is served. Memory is bounded: a token of more than `CAP` bytes passes
unread and the tokenizer is restarted in the state it was in; a tracker hidden that way is left to the CSP.
An editor decides; this file knows positions, not trackers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from turbohtml import Token, Tokenizer, TokenType

from proxy.html.attributes import tag_end
from proxy.html.foreign import ForeignContent
from proxy.html.resuming import RAW, markup_end, resumed

CAP = 1 << 20
"""Bytes of one tag, comment or held script that are kept at most before they pass."""
SLICE = 1 << 14
"""Bytes that are read at a time: a tokenizer that has to start anew reads no more than these again."""
_MASK = bytes.maketrans(b"\r\n&ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"\x0c\x0c.abcdefghijklmnopqrstuvwxyz")
_START, _END, _TEXT, _COMMENT = TokenType.START_TAG, TokenType.END_TAG, TokenType.TEXT, TokenType.COMMENT
_BOM = b"\xef\xbb\xbf"
_LONG_TEXT = 1 << 13
_OPEN = re.compile(rb"<[a-zA-Z/!?]")
_BLOCK_END = re.compile(
    rb"</(?:article|aside|div|figure|footer|form|h[1-6]|head|header|li|main|nav|ol|p|script|section|style|table|tr|ul)>"
)
"""Where one stretch of a document may end and the next begin: pages of a site have the same between such places."""
_ALWAYS = RAW | {"svg", "math"}
_STRUCTURE = frozenset(["svg", "math", "html", "head", "body", "base", "template", "frameset"])
"""Tags that say where we are: never recalled."""


class Editor(Protocol):
    """What is done to the document. Every method gets bytes and answers bytes, or None for "leave it"."""

    stretch: int
    """Bytes that a stretch has at least, to be looked at as one."""

    def is_known(self, stretch: bytes, /) -> bool:
        """Is it known what becomes of this stretch, where it stands between two tags?"""

    def is_new(self, stretch: bytes, /) -> bool:
        """Has this stretch never been met before?"""

    def known_stretch(self, stretch: bytes, /) -> bytes | None:
        """What this stretch between two tags becomes; None where it is not known for sure."""

    def begin_stretch(self) -> None:
        """A stretch begins that is not known."""

    def end_stretch(self, stretch: bytes, became: bytes, /) -> None:
        """It has ended where it began: between two tags, outside of everything that is read in another way."""

    def recall(self, raw: bytes, /) -> bytes | None:
        """What this very start tag, met before, becomes; None where it is not known for sure."""

    def interest(self, shadow: str, /) -> tuple[frozenset[str], bool]:
        """The tags to be shown in this piece of lower-cased text; True shows every start tag."""

    def watches(self) -> bool:
        """Must every token be shown to `before`?"""

    def before(self, kind: TokenType, tag: str | None, raw: bytes, /) -> tuple[int, bytes] | None:
        """Something to insert at an offset within this token (0 is before it)."""

    def holds(self, tag: str, raw: bytes, name_length: int, foreign: bool, /) -> bool:
        """Is this element's content needed before its start tag can be judged?"""

    def tag(self, tag: str, raw: bytes, name_length: int, foreign: bool, /) -> bytes | None:
        """This start tag instead. `foreign` is True within SVG and MathML and for `svg` and `math` themselves."""

    def end_tag(self, tag: str, /) -> bytes | None:
        """Something to insert before this end tag."""

    def element(self, tag: str, raw: bytes, name_length: int, content: bytes, markup: bool, /) -> bytes | None:
        """This start tag and content instead. `markup` is True where the content is no raw text."""

    def instruction(self, raw: bytes, /) -> bytes | None:
        """This XML processing instruction instead."""

    def at_end(self, /) -> bytes:
        """Something to append to a document that ends where markup may follow."""


class Splicer:
    """feed/close: bytes in any pieces in, the edited bytes out, as early as no edit can touch them any more."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._tokenizer = Tokenizer(capture_attributes=False)
        self._foreign = ForeignContent()
        self._raw = bytearray()
        """Bytes from the end of the last token on (or from a held start tag on)."""
        self._shift = 0
        """A token's column minus this is its place in `_raw`."""
        self._sent = 0
        """How much of `_raw` has left already."""
        self._token_end = 0
        """Where in `_raw` the last whole token ended."""
        self._inside: str | None = None
        """The raw-text element whose content the tokenizer is in."""
        self._held: tuple[str, int, int, bool] | None = None
        self._cdata = False
        self._wanted = _ALWAYS
        self._every = False
        self._began = False
        self._out: list[bytes] = []
        self._unread = (b"", 0)
        """A long piece that is being read, and how far."""

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes of the document; answers what may leave."""
        editor, length = self._editor, len(chunk)
        done = start = 0
        resting = False
        while length - start > editor.stretch:
            found = _BLOCK_END.search(chunk, start + editor.stretch - 1, start + SLICE)
            end = found.end() if found is not None else min(start + SLICE, length)
            stretch = chunk[start:end]
            if editor.is_known(stretch):
                if done < start:
                    self._take_from(chunk, done, start)
                    resting = False
                resting = resting or self._at_rest()
                if resting and (known := editor.known_stretch(stretch)) is not None:
                    self._out.append(known)
                else:
                    self._take_from(chunk, start, end)
                    resting = False
                done = end
            elif not editor.is_new(stretch):
                self._take_from(chunk, done, start)
                self._learn(chunk, start, end)
                resting, done = False, end
            elif end - done >= SLICE:
                done = self._take_from(chunk, done, end)
                resting = False
            start = end
        self._take_from(chunk, done, length)
        self._unread = (b"", 0)
        return self._flush()

    def _take_from(self, chunk: bytes, start: int, end: int) -> int:
        """In pieces of no more than SLICE, unless a stretch ends a little later. Answers `end`."""
        while start < end:
            stop = end if end - start <= 2 * SLICE else start + SLICE
            self._unread = (chunk, stop)
            self._take(chunk[start:stop])
            start = stop
        return end

    def _learn(self, chunk: bytes, start: int, end: int) -> None:
        """What stands between two tags means the same wherever it stands: that is kept."""
        rests = self._at_rest()
        self._editor.begin_stretch()
        before = len(self._out)
        self._take_from(chunk, start, end)
        if rests and self._at_rest():
            self._editor.end_stretch(chunk[start:end], b"".join(self._out[before:]))

    def _at_rest(self) -> bool:
        """Has everything been read, as text and tags of HTML, up to the end of a tag?"""
        return (
            self._began
            and not self._raw
            and self._inside is None
            and self._held is None
            and not self._cdata
            and not self._watching()
        )

    def close(self) -> bytes:
        """No more bytes; answers the rest."""
        if not self._began and self._raw:
            self._began = True
            self._read(bytes(self._raw))
        ends_open = _OPEN.search(self._raw, self._token_end) is not None
        tokens = None if self._cdata else self._consume(self._tokenizer.close())
        while tokens is not None:
            # A restart on the way: what it has read, it must be told to be the end of, too.
            tokens = self._consume(tokens) or (None if self._cdata else self._consume(self._tokenizer.close()))
        self._release(len(self._raw))
        ends_open = ends_open or self._cdata or self._inside is not None
        self._pass(len(self._raw))
        if not ends_open:
            self._out.append(self._editor.at_end())
        self._raw.clear()
        return self._flush()

    def rest(self) -> bytes:
        """What was taken and not yet handed out, unedited: for whoever must go on after a failure."""
        chunk, read = self._unread
        return b"".join(self._out) + bytes(self._raw[self._sent :]) + chunk[read:]

    def _flush(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _take(self, chunk: bytes) -> None:
        self._raw += chunk
        if not self._began:
            if len(self._raw) < 3 and _BOM.startswith(self._raw):
                return
            self._began = True
            chunk = bytes(self._raw)
            if chunk.startswith(_BOM):
                self._shift, self._token_end, chunk = -3, 3, chunk[3:]
        if self._cdata:
            self._leave_cdata()
        else:
            self._read(chunk)
        self._send_early()
        if len(self._raw) > CAP:
            self._give_up_waiting()

    def _read(self, chunk: bytes | bytearray) -> None:
        shadow = chunk.translate(_MASK).decode("latin-1")
        pending = len(self._raw) - len(chunk) - self._token_end
        if pending <= 0:
            wanted, self._every = self._editor.interest(shadow)
            self._wanted = wanted | _ALWAYS
        else:
            before = bytes(self._raw[-len(chunk) - min(pending, 16) : -len(chunk) or None])
            wanted, every = self._editor.interest(before.translate(_MASK).decode("latin-1") + shadow)
            self._wanted, self._every = self._wanted | wanted, self._every or every
        tokens: Iterator[Token] | None = self._tokenizer.feed(shadow)
        while tokens is not None:
            tokens = self._consume(tokens)

    def _consume(self, tokens: Iterator[Token]) -> Iterator[Token] | None:
        """Read tokens until there are no more (None), or until the tokenizer had to be started anew."""
        wanted, every, watching = self._wanted, self._every, self._watching()
        raw, shift, recall = self._raw, self._shift, self._editor.recall
        token = None
        for token in tokens:
            tag = token.tag
            if tag in wanted or watching or (every and tag is not None):
                if not watching and tag not in _STRUCTURE and self._held is None:
                    if token.type is _END:
                        self._inside = None
                        continue
                    # A tag met before is known without looking for its end by the grammar: where its bytes were a
                    # whole tag once, they always are.
                    if (start := token.col - shift) >= 0:
                        end = raw.find(b">", start) + 1
                        seen = bytes(raw[start:end])
                        if (instead := recall(seen)) is not None:
                            if instead != seen:
                                self._replace(start, end, instead)
                            if tag in RAW:
                                self._inside = tag
                            continue
                if restart_at := self._meet(token):
                    return self._restart(restart_at)
                if self._cdata:
                    return None
                watching = self._watching()
        if token is not None:
            self._token_end = max(self._token_end, self._end_of(token))
        return None

    def _watching(self) -> bool:
        return self._foreign.inside or self._editor.watches()

    def _end_of(self, token: Token) -> int:
        start = token.col - self._shift
        if token.type is _TEXT:
            return max(start, 0)
        if (source := token.source) is not None:
            return start + len(source)
        end = tag_end(self._raw, start) if token.tag is not None else markup_end(self._raw, start)
        return end if end >= 0 else len(self._raw)

    def _meet(self, token: Token) -> int:
        """Look at one token. Answers where a fresh tokenizer has to go on, or 0."""
        kind, tag = token.type, token.tag
        start = token.col - self._shift
        if self._inside is not None and kind is _END:
            self._inside = None
        if self._held is not None and (kind is _START or kind is _END):
            self._release(start)
        editor = self._editor
        if start < 0:
            # The tag began before a restart and has passed.
            self._inside = tag if kind is _START and tag in RAW and not self._foreign.inside else None
            return 0
        if kind is _TEXT:
            if editor.watches() and self._inside is None:
                self._text_begins(start, None)
            return 0
        end = self._end_of(token)
        if editor.watches() and (spot := editor.before(kind, tag, bytes(self._raw[start:end]))):
            self._insert(start + spot[0], spot[1])
        if kind is _END and tag is not None:
            if self._foreign.inside:
                self._foreign.end(tag)
            elif tag in self._wanted and (markup := editor.end_tag(tag)):
                self._insert(start, markup)
            return 0
        if kind is _COMMENT and self._foreign.takes_cdata and self._raw.startswith(b"<![CDATA[", start):
            if (close := self._raw.find(b"]]>", start + 9)) >= 0:
                return close + 3
            self._cdata = True
            self._token_end = start + 9
            return 0
        if kind is not _START or tag is None:
            return 0
        raw = bytes(self._raw[start:end])
        foreign = self._foreign.start(tag, raw)
        if tag in self._wanted or self._every:
            if editor.holds(tag, raw, len(tag), foreign) and not (foreign and raw.endswith(b"/>")):
                self._held = (tag, start, end, foreign)
            elif (instead := editor.tag(tag, raw, len(tag), foreign)) is not None:
                self._replace(start, end, instead)
        if tag in RAW:
            if foreign:
                return end
            self._inside = tag
        return 0

    def _text_begins(self, start: int, end: int | None) -> None:
        """Text before any head is where an implied body begins: that is seen as a token of its own."""
        stop = self._raw.find(b"<", start) if end is None else end
        text = bytes(self._raw[start : stop if stop >= 0 else len(self._raw)])
        if (blank := len(text) - len(text.lstrip(b"\t\n\x0c\r "))) < len(text) and (
            spot := self._editor.before(_TEXT, None, text[blank:])
        ):
            self._insert(start + blank + spot[0], spot[1])

    def _restart(self, at: int) -> Iterator[Token]:
        self._cdata = False
        self._token_end = max(self._token_end, at)
        self._tokenizer = Tokenizer(capture_attributes=False)
        self._shift = -at
        return self._tokenizer.feed(self._raw[at:].translate(_MASK).decode("latin-1"))

    def _leave_cdata(self) -> None:
        end = self._raw.find(b"]]>", self._token_end)
        if end < 0:
            self._token_end = max(self._token_end, len(self._raw) - 2)
            return
        wanted, self._every = self._editor.interest(self._raw[end:].translate(_MASK).decode("latin-1"))
        self._wanted = wanted | _ALWAYS
        tokens: Iterator[Token] | None = self._restart(end + 3)
        while tokens is not None:
            tokens = self._consume(tokens)

    def _pass(self, end: int) -> None:
        if end > self._sent:
            self._out.append(bytes(self._raw[self._sent : end]))
            self._sent = end

    def _insert(self, at: int, markup: bytes) -> None:
        self._pass(at)
        self._out.append(markup)

    def _replace(self, start: int, end: int, instead: bytes) -> None:
        self._pass(start)
        self._out.append(instead)
        self._sent = end

    def _release(self, content_end: int) -> None:
        """Judge a held element, now that its content (or all of it that is waited for) is here."""
        if self._held is None:
            return
        tag, start, end, foreign = self._held
        self._held = None
        raw, content = bytes(self._raw[start:end]), bytes(self._raw[end:content_end])
        instead = self._editor.element(tag, raw, len(tag), content, foreign)
        if instead is not None:
            self._replace(start, content_end, instead)

    def _send_early(self) -> None:
        """Hand out what no edit can reach: all up to the last token, text, and the inside of raw text."""
        if self._held is not None:
            keep_from = send_to = self._held[1]
        else:
            keep_from, send_to = self._token_end, len(self._raw)
            if self._inside is None and not self._cdata:
                opening = self._raw.find(b"<", self._token_end)
                send_to = opening if opening >= 0 else send_to
                if self._editor.watches() and send_to > self._token_end:
                    self._text_begins(self._token_end, send_to)
                if opening < 0 and send_to - self._token_end > _LONG_TEXT:
                    self._start_over("", len(self._raw))
                    keep_from = send_to
        self._pass(send_to)
        self._drop(min(keep_from, self._sent))

    def _drop(self, count: int) -> None:
        if count <= 0:
            return
        del self._raw[:count]
        self._shift += count
        self._sent -= count
        self._token_end = max(self._token_end - count, 0)
        if self._held is not None:
            tag, start, end, foreign = self._held
            self._held = (tag, start - count, end - count, foreign)

    def _give_up_waiting(self) -> None:
        if self._held is not None:
            self._release(len(self._raw))
        self._pass(len(self._raw))
        if not self._cdata:
            pending = self._raw[self._token_end :].translate(_MASK).decode("latin-1")
            self._start_over(resumed(pending, self._inside), len(self._raw))
        else:
            self._token_end = max(self._token_end, len(self._raw) - 2)
        self._drop(self._token_end)

    def _start_over(self, prefix: str, at: int) -> None:
        """A fresh tokenizer that goes on at this place, told by `prefix` in which state."""
        self._tokenizer = Tokenizer(capture_attributes=False, capture_source=bool(prefix))
        for _ in self._tokenizer.feed(prefix):
            pass
        self._shift = len(prefix) - at
        self._token_end = at

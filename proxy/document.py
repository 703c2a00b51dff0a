"""A document's body on its way: decoded, its own name mapped, rewritten, encoded. Bytes in pieces, no I/O.

If rewriting fails midway, what is left goes out as it came and the failure is reported: the page stays usable, and
the policy header that left before the first byte still holds the trackers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from policies.verdict import Verdict
from proxy.coding import Encoder, Unwrapping
from proxy.mapping import Renaming
from proxy.parts import Document

Opening = Callable[[bytes], Document]
"""Opens the document once its first decoded bytes are known."""
Failed = Callable[[Exception], None]


class DocumentBody:
    """`feed` pieces as the site sent them, then `close`. Raises proxy.coding.CodingError.

    With `encoder` None the output is not compressed. `failed` is told at most once.
    """

    def __init__(
        self,
        decoder: Unwrapping,
        opening: Opening,
        *,
        renaming: Renaming | None,
        encoder: Encoder | None,
        failed: Failed,
    ) -> None:
        self._decoder = decoder
        self._opening = opening
        self._renaming = renaming
        self._encoder = encoder
        self._failed = failed
        self._document: Document | None = None
        self._broken = False

    @property
    def content_type(self) -> bytes | None:
        """What to send as Content-Type instead, known after the first `feed`."""
        return self._document.content_type if self._document is not None else None

    @property
    def sound(self) -> bool:
        """Was everything so far rewritten?"""
        return not self._broken

    @property
    def bound(self) -> bool:
        return self._document is not None and self._document.bound

    def notes(self) -> Iterable[Verdict]:
        return self._document.notes() if self._document is not None else ()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What may leave; everything that was fed can be read by the visitor when the iterator ends."""
        encoder = self._encoder
        some = False
        for piece in self._decoder.feed(data):
            plain = self._rewritten(self._renaming.feed(piece) if self._renaming else piece)
            out = encoder.feed(plain) if encoder and plain else plain
            some = some or bool(plain)
            if out:
                yield out
        if encoder and some and (rest := encoder.flush()):
            yield rest

    def close(self) -> bytes:
        """The rest. Raises CodingError where the site's compressed body ends too early."""
        self._decoder.close()
        plain = self._rewritten(self._renaming.close()) if self._renaming else b""
        if self._document is not None and not self._broken:
            try:
                plain += self._document.close()
            except Exception as error:
                plain += self._give_up(error)
        if self._encoder is None:
            return plain
        return (self._encoder.feed(plain) if plain else b"") + self._encoder.close()

    def _rewritten(self, piece: bytes) -> bytes:
        if not piece:
            return b""
        if self._broken:
            return self._document.onward(piece) if self._document is not None else piece
        try:
            if self._document is None:
                self._document = self._opening(piece)
            return self._document.feed(piece)
        except Exception as error:
            return self._give_up(error) if self._document is not None else self._give_up(error) + piece

    def _give_up(self, error: Exception) -> bytes:
        self._broken = True
        self._failed(error)
        return self._document.rest(error) if self._document is not None else b""

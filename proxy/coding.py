"""Content codings, in and out, in pieces: gzip, deflate, br, zstd, layered. Bytes in, bytes out: no I/O.

Promise: whatever arrives, decoding yields pieces of bounded size or raises CodingError; what decompresses to far
more than it was sent as is refused (RFC 9110 8.4; the ratio is the caller's setting). Encoders may be flushed after
any piece, so that the first bytes leave before the last are known.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed marker
from backports import zstd
from isal import isal_zlib

PIECE = 262_144
"""Largest decoded piece handed on at once, in bytes."""
DECODABLE = frozenset({b"gzip", b"x-gzip", b"deflate", b"br", b"zstd", b"identity"})
_LAYERS = 4
"""More layers than this are no site but an attack."""
_Q = re.compile(rb"(?:^|;)[ \t]*q[ \t]*=[ \t]*([0-9.]+)", re.IGNORECASE)


class CodingError(Exception):
    """The body is not what its Content-Encoding says, ends too early, or is a bomb."""


class Decoder(Protocol):
    """Takes encoded bytes, yields decoded ones in pieces."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...
    def close(self) -> None:
        """Raises CodingError where the coded stream has not ended."""


class Encoder(Protocol):
    """Takes bytes, gives encoded ones. `flush` makes everything fed so far readable."""

    name: bytes

    def feed(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def close(self) -> bytes: ...


class _Inflate:
    """gzip (any number of members, RFC 1952 2.2) or deflate (zlib, or bare as some servers send it)."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._head = b""
        self._stream: zlib._Decompress | None = self._member() if gzip else None
        self._begun = False
        self._ended = False

    @staticmethod
    def _member() -> zlib._Decompress:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return
            wrapped = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        pending = False
        while (data or pending) and not self._ended:
            if self._stream.eof:
                if not self._gzip or data[:1] != b"\x1f":
                    # Padding after the last member is ignored, as browsers do.
                    self._ended = True
                    return
                self._stream = self._member()
            self._begun = True
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error as error:
                raise CodingError(f"{'gzip' if self._gzip else 'deflate'}: {error}") from error
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            pending = len(piece) == PIECE and not self._stream.eof
            if piece:
                yield piece

    def close(self) -> None:
        if (self._begun or self._head) and not (self._ended or (self._stream is not None and self._stream.eof)):
            raise CodingError("the compressed body ends too early")


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream.is_finished():
            return
        self._begun = True
        try:
            piece = self._stream.process(data, output_buffer_limit=PIECE)
            if piece:
                yield piece
            while not self._stream.is_finished() and not self._stream.can_accept_more_data():
                if piece := self._stream.process(b"", output_buffer_limit=PIECE):
                    yield piece
        except brotli.error as error:
            raise CodingError(f"br: {error}") from error

    def close(self) -> None:
        if self._begun and not self._stream.is_finished():
            raise CodingError("the compressed body ends too early")


class _Zstd:
    """Frames one after another (RFC 8878 3.1); the window is held to 8 MiB (RFC 9659)."""

    def __init__(self) -> None:
        self._stream = self._frame()
        self._begun = False

    @staticmethod
    def _frame() -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._stream = self._frame()
            self._begun = True
            try:
                piece = self._stream.decompress(data, PIECE)
                if piece:
                    yield piece
                while not self._stream.eof and not self._stream.needs_input:
                    if piece := self._stream.decompress(b"", PIECE):
                        yield piece
            except zstd.ZstdError as error:
                raise CodingError(f"zstd: {error}") from error
            data = self._stream.unused_data if self._stream.eof else b""

    def close(self) -> None:
        if self._begun and not self._stream.eof:
            raise CodingError("the compressed body ends too early")


_DECODERS: dict[bytes, Callable[[], Decoder]] = {
    b"gzip": lambda: _Inflate(gzip=True),
    b"x-gzip": lambda: _Inflate(gzip=True),
    b"deflate": lambda: _Inflate(gzip=False),
    b"br": _Brotli,
    b"zstd": _Zstd,
}


class Unwrapping:
    """All layers of one body. Raises CodingError once the ratio is passed."""

    def __init__(self, layers: list[Decoder], *, ratio: int, free: int) -> None:
        self._layers = layers
        self._ratio = ratio
        self._free = free
        self._taken = 0
        self._given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._taken += len(data)
        for piece in self._through(data, 0):
            self._given += len(piece)
            if self._given > self._free and self._given > self._taken * self._ratio:
                raise CodingError(f"{self._taken} bytes decompress to more than {self._given}: refused as a bomb")
            yield piece

    def _through(self, data: bytes, depth: int) -> Iterator[bytes]:
        if depth == len(self._layers):
            yield data
            return
        for piece in self._layers[depth].feed(data):
            yield from self._through(piece, depth + 1)

    def close(self) -> None:
        for layer in self._layers:
            layer.close()


def codings(value: bytes | None) -> list[bytes]:
    """The codings of a Content-Encoding, in the order applied, without `identity`."""
    found = [part.strip(b" \t").lower() for part in (value or b"").split(b",")]
    return [coding for coding in found if coding and coding != b"identity"]


def decoder(applied: list[bytes], *, ratio: int, free: int) -> Unwrapping | None:
    """What undoes these codings; None where one of them is unknown or there are too many."""
    if len(applied) > _LAYERS or any(coding not in _DECODERS for coding in applied):
        return None
    return Unwrapping([_DECODERS[coding]() for coding in reversed(applied)], ratio=ratio, free=free)


class _Gzip:
    name = b"gzip"

    def __init__(self) -> None:
        self._stream = isal_zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)

    def feed(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(isal_zlib.Z_SYNC_FLUSH)

    def close(self) -> bytes:
        return self._stream.flush(isal_zlib.Z_FINISH)


class _BrotliOut:
    name = b"br"

    def __init__(self) -> None:
        self._stream = brotli.Compressor(quality=3, mode=brotli.MODE_TEXT, lgwin=18)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data))

    def flush(self) -> bytes:
        return bytes(self._stream.flush())

    def close(self) -> bytes:
        return bytes(self._stream.finish())


class _ZstdOut:
    name = b"zstd"

    def __init__(self) -> None:
        self._stream = zstd.ZstdCompressor(level=1)

    def feed(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(zstd.ZstdCompressor.FLUSH_BLOCK)

    def close(self) -> bytes:
        return self._stream.flush(zstd.ZstdCompressor.FLUSH_FRAME)


_ENCODERS: dict[bytes, Callable[[], Encoder]] = {b"zstd": _ZstdOut, b"br": _BrotliOut, b"gzip": _Gzip}
"""In our order of preference where the visitor has none."""


def weights(value: bytes) -> dict[bytes, float]:
    """Coding -> quality of an Accept-Encoding; a weight that is no number counts as 0."""
    found: dict[bytes, float] = {}
    for part in value.split(b","):
        name, _, parameters = part.partition(b";")
        name = name.strip(b" \t").lower()
        if name:
            match = _Q.search(parameters)
            found[name] = _number(match[1]) if match else (1.0 if not parameters.strip() else 0.0)
    return found


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@lru_cache(maxsize=256)
def chosen(accept: bytes | None) -> bytes | None:
    """The best coding that the visitor takes (RFC 9110 12.5.3); None for identity."""
    if not accept:
        return None
    asked = weights(accept)
    rest = asked.get(b"*", 0.0)
    best, best_weight = None, 0.0
    for name in _ENCODERS:
        weight = asked.get(name, asked.get(b"x-gzip", rest) if name == b"gzip" else rest)
        if weight > best_weight:
            best, best_weight = name, weight
    return best if best_weight >= asked.get(b"identity", 0.0) else None


def encoder(name: bytes | None) -> Encoder | None:
    """For a coding that was `chosen`."""
    return _ENCODERS[name]() if name is not None else None


@lru_cache(maxsize=256)
def undoable(accept: bytes) -> bytes:
    """An Accept-Encoding with only what we can undo, so that the site sends nothing we must pass unread."""
    kept = [
        part.strip(b" \t") for part in accept.split(b",") if part.partition(b";")[0].strip(b" \t").lower() in DECODABLE
    ]
    return b", ".join(kept) or b"identity"

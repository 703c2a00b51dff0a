"""Documents that are here whole: known from before, or rewritten at once and remembered. See `remembered`.

A document whose next piece takes too long is no such document: it streams, so that what is there already is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp.client_exceptions import ClientPayloadError

from proxy import coding
from proxy.context import Context
from proxy.document import DocumentBody
from proxy.documents import Documents
from proxy.exchange import Tally
from proxy.headers import Fields, elements
from proxy.remembered import LONGEST, LONGEST_PLAIN, Memory, Rewritten
from proxy.settings import Limits
from proxy.upstream import UpstreamError
from proxy.upstream_connection import Body, Content

_PAUSE = 0.005
"""Seconds within which the next piece of a document must come, for the document to be looked at as a whole."""
PATIENCE = 4 * _PAUSE
"""The same for all the rest of one whose length is known."""
_LENGTH_AND_CODING = frozenset({b"content-length", b"content-encoding"})
_IDENTITY = b""


async def first(content: Content) -> bytes:
    """The first bytes of a body. Raises UpstreamError where the site breaks off before them."""
    try:
        return await content.readany()
    except (ClientPayloadError, OSError, TimeoutError) as error:
        raise UpstreamError("broken", str(error) or type(error).__name__) from error


async def gather(content: Content, head: bytes) -> tuple[bytes, bool]:
    """The body as far as it comes without a pause, `head` included, and whether that is all. Raises UpstreamError."""
    try:
        if isinstance(content, Body):
            head = head or await content.readany()
            return (head if content.at_eof() else head + await content.gather(PATIENCE)), content.at_eof()
        pieces = [head or await content.readany()]
        size = len(pieces[0])
        while not content.at_eof() and size <= LONGEST:
            if not (piece := content.read_nowait(-1)):
                try:
                    async with asyncio.timeout(_PAUSE):
                        piece = await content.readany()
                except TimeoutError:
                    return b"".join(pieces), False
            pieces.append(piece)
            size += len(piece)
    except (ClientPayloadError, OSError, TimeoutError) as error:
        raise UpstreamError("broken", str(error) or type(error).__name__) from error
    return b"".join(pieces), content.at_eof()


def may_be_whole(fields: Fields) -> bool:
    """Is the body not announced to be longer than what is kept?"""
    length = fields.get(b"content-length")
    return length is None or (length.isdigit() and int(length) <= LONGEST)


def coding_for(context: Context, fields: Fields) -> bytes | None:
    """How the document is compressed for the visitor. `no-transform` (RFC 9110 7.7): not at all, where the site
    has not done it; what must not load is taken out all the same, since we speak for the site (see docs)."""
    if fields.get(b"content-encoding") is None and b"no-transform" in elements(fields.joined(b"cache-control")):
        return None
    return coding.chosen(context.fields.joined(b"accept-encoding"))


Rewriting = Callable[..., DocumentBody]


class Whole:
    """`rewriting` starts to rewrite a document: context, fields, decoder, encoder, and whether with holes."""

    def __init__(self, limits: Limits, documents: Documents | None, memory: Memory, rewriting: Rewriting) -> None:
        self._limits = limits
        self._documents = documents
        self._memory = memory
        self._rewriting = rewriting

    def document(self, context: Context, fields: Fields, body: bytes, applied: list[bytes]) -> Rewritten | None:
        """What becomes of the body; None where it has to be streamed after all."""
        documents, memory = self._documents, self._memory
        key = documents.key(context, fields.get(b"content-type"), applied, body) if documents is not None else None
        if key is None:
            return None
        if (known := memory.recall(key, context.target)) is not None:
            return known
        plain = self._decoded(applied, body)
        if plain is None:
            return None
        undone = coding.Unwrapping([], ratio=2, free=LONGEST_PLAIN)
        rewriting = self._rewriting(context, fields, undone, None, holes=True)
        out = b"".join(rewriting.feed(plain)) + rewriting.close()
        document = Rewritten.cut(out, rewriting.content_type, Tally("html", tuple(rewriting.notes())))
        if rewriting.sound:
            memory.keep(key, context.target, document, bound=rewriting.bound)
        return document

    def finished(self, context: Context, fields: Fields, document: Rewritten) -> bytes:
        """The body to send: holes filled, compressed; `fields` say so."""
        exchange, documents = context.exchange, self._documents
        exchange.tally = document.tally
        if document.content_type is not None:
            fields.set(b"Content-Type", document.content_type)
        head, end = b"", b""
        if documents is not None:
            head, end = documents.ours(context, head=document.has_head, end=document.has_end)
        coded = coding_for(context, fields)

        def make() -> bytes:
            out = document.filled(head, end)
            encoder = coding.encoder(coded)
            return encoder.feed(out) + encoder.close() if encoder is not None else out

        filling = coded or _IDENTITY, head, end
        out = make() if exchange.fresh else self._memory.encoded(document, filling, make)
        fields.drop(_LENGTH_AND_CODING)
        if coded is not None:
            fields.add(b"Content-Encoding", coded)
        fields.add(b"Content-Length", b"%d" % len(out))
        return out

    def _decoded(self, applied: list[bytes], body: bytes) -> bytes | None:
        """The body without its codings; None where that is broken, or more than is kept whole."""
        if not applied:
            return body
        limits = self._limits
        unwrapping = coding.decoder(applied, ratio=limits.decoded_ratio, free=limits.decoded_free)
        if unwrapping is None:
            return None
        pieces, size = [], 0
        try:
            for piece in unwrapping.feed(body):
                pieces.append(piece)
                size += len(piece)
                if size > LONGEST_PLAIN:
                    return None
            unwrapping.close()
        except coding.CodingError:
            return None
        return b"".join(pieces)

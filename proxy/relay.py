"""The site's answer on its way to the visitor: header gates first, then the body as it arrives.

Whatever is no document streams through untouched, its coding kept. A document is decoded, rewritten piece by piece
and encoded again; each piece leaves before the next is asked for. When the site breaks off, so does the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aiohttp.client_exceptions import ClientPayloadError

from proxy import coding
from proxy.context import Context
from proxy.csp import quiet_downgrade
from proxy.document import DocumentBody
from proxy.documents import Documents
from proxy.exchange import Tally
from proxy.gates import Gate, through
from proxy.headers import Fields, drop_hop_by_hop, elements
from proxy.html.sniff import grammar, kind_of
from proxy.mapping import URL_FIELDS, Mapping
from proxy.parts import Document
from proxy.remembered import LONGEST, LONGEST_PLAIN, Filling, Memory, Rewritten
from proxy.settings import Limits
from proxy.upstream import UpstreamError
from proxy.upstream_connection import Answer

_PAUSE = 0.005
"""Seconds within which the next piece of a document must come, for the document to be looked at as a whole."""
_EMPTY = frozenset({204, 205, 304})
_NOT_RENDERED = frozenset({204, 206, 304})
_RENDERED = frozenset({"page", "frame", "fragment"})
_LENGTH_AND_CODING = frozenset({b"content-length", b"content-encoding"})
_LENGTH = frozenset({b"content-length"})
_TRANSPORT_SECURITY = frozenset({b"strict-transport-security"})
_POLICIES = frozenset({b"content-security-policy", b"content-security-policy-report-only"})


def received(context: Context, answer: Answer) -> Fields:
    """The answer's fields: hop-by-hop ones off, the site's own name mapped back. Raises UpstreamError."""
    fields = answer.fields
    if not answer.plain and not fields.well_formed():
        raise UpstreamError("broken", "a header field of the answer is no token or holds a control character")
    drop_hop_by_hop(fields)
    mapping = context.mapping
    if mapping is not None:
        _map_back(fields, mapping, everything=context.maps_names)
    return fields


def _map_back(fields: Fields, mapping: Mapping, *, everything: bool) -> None:
    for key in URL_FIELDS if everything else (b"location",):
        fields.rewrite(key, mapping.outward)
    if not everything:
        return
    fields.rewrite(b"set-cookie", mapping.cookie)
    for key in _POLICIES:
        fields.rewrite(key, mapping.outward)
        if mapping.scheme == b"http":
            fields.rewrite(key, lambda value: quiet_downgrade(value.decode("latin-1")).encode("latin-1"))
    if mapping.scheme == b"http":
        fields.drop(_TRANSPORT_SECURITY)


class Relay:
    """Answers visitors. `gates` is the ordered list without those switched off."""

    def __init__(self, limits: Limits, documents: Documents | None, gates: Sequence[Gate], memory: Memory) -> None:
        self._limits = limits
        self._documents = documents
        self._memory = memory
        self._gates = [gate for gate in gates if gate.on == "response"]
        self._document_gates = [gate for gate in gates if gate.on == "document"]
        self._log = structlog.get_logger("samtykke.proxy")

    def gate(self, context: Context, fields: Fields) -> None:
        """The gates for every answer."""
        if context.enforcing or context.observing:
            through(self._gates, fields if context.enforcing else fields.copy(), context.exchange)

    async def answer(self, context: Context, answer: Answer) -> bool:
        """Answer the visitor; True where all of the site's answer was read. Raises UpstreamError before the start."""
        fields = received(context, answer)
        kind = kind_of(fields.get(b"content-type"))
        if kind.events:
            answer.connection.patient(self._limits.stream)
        if context.says_request_id and fields.get(b"x-request-id") is None:
            fields.add(b"X-Request-Id", context.exchange.request_id.encode())
        caching = elements(fields.joined(b"cache-control"))
        self.gate(context, fields)
        if not (context.enforcing or context.observing):
            return await self._pass(context, answer, fields)
        rendered = self._may_render(context, answer, fields)
        document = rendered and kind.certain is not None
        applied: list[bytes] = []
        head = b""
        if document or (rendered and kind.needs_body):
            applied = coding.codings(fields.joined(b"content-encoding"))
        if rendered and kind.needs_body:
            head = await self._first(answer) if not context.bodyless_request else b""
            said = (fields.get(b"content-type") or b"").decode("latin-1")
            nosniff = (fields.get(b"x-content-type-options") or b"").strip().lower() == b"nosniff"
            document = grammar(said, self._peek(applied, head), nosniff=nosniff) is not None
        if document or context.exchange.role == "worker" or _confirms(context, answer):
            self._gate_document(context, fields, document=document)
        if not document or self._documents is None:
            return await self._pass(context, answer, fields, head)
        unwrapping = self._decoder(applied)
        if unwrapping is None or context.bodyless_request or answer.status in _EMPTY:
            if unwrapping is None:
                self._log.warning("coding_unknown", site=context.exchange.site, codings=repr(applied))
            elif context.enforcing:
                fields.drop(_LENGTH_AND_CODING)
            return await self._pass(context, answer, fields, head)
        if not context.enforcing:
            return await self._observe(context, answer, fields, head, unwrapping)
        if self._memory.on and b"no-store" not in caching and _may_be_whole(fields):
            head, whole = await self._gather(answer, head)
            if whole and head and await self._whole(context, answer, fields, head, applied):
                return True
        return await self._stream(context, answer, fields, head, unwrapping)

    def _decoder(self, applied: list[bytes]) -> coding.Unwrapping | None:
        return coding.decoder(applied, ratio=self._limits.decoded_ratio, free=self._limits.decoded_free)

    def _may_render(self, context: Context, answer: Answer, fields: Fields) -> bool:
        """Could a browser show this as a document?"""
        if context.exchange.role not in _RENDERED or answer.status in _NOT_RENDERED:
            return False
        return not (fields.get(b"content-disposition") or b"").strip(b" \t").lower().startswith(b"attachment")

    def _peek(self, applied: list[bytes], head: bytes) -> bytes:
        """The first bytes, decoded, for sniffing; empty where they cannot be read."""
        peek = self._decoder(applied) if applied else None
        if peek is None:
            return head
        try:
            return next(peek.feed(head), b"")
        except coding.CodingError:
            return b""

    def _gate_document(self, context: Context, fields: Fields, *, document: bool) -> None:
        exchange, visitor = context.exchange, context.visitor
        if self._documents is not None:
            exchange.script_hashes = self._documents.script_hashes(exchange)
        context.page_language = (fields.get(b"content-language") or b"").decode("latin-1") or None
        seen = fields if context.enforcing else fields.copy()
        through(self._document_gates, seen, exchange)
        if document and context.enforcing and visitor is not None and exchange.render == "private":
            for line in visitor.set_cookies:
                fields.add(b"Set-Cookie", line.encode("latin-1"))

    @staticmethod
    async def _first(answer: Answer) -> bytes:
        """The first bytes of the body. Raises UpstreamError where the site breaks off before them."""
        try:
            return await answer.content.readany()
        except (ClientPayloadError, OSError, TimeoutError) as error:
            raise UpstreamError("broken", str(error) or type(error).__name__) from error

    async def _pass(self, context: Context, answer: Answer, fields: Fields, head: bytes = b"") -> bool:
        """Through as it arrives, untouched."""
        reply, content = context.reply, answer.content
        length = fields.get(b"content-length")
        known = int(length) if length is not None and length.isdigit() else None
        reply.start(answer.status, answer.reason, fields, length=known)
        try:
            if content.is_eof():
                await reply.end(head + content.read_nowait(-1))
                return True
            await reply.send(head)
            while piece := await content.readany():
                await reply.send(piece)
            await reply.end()
        except (ClientPayloadError, OSError, TimeoutError) as error:
            self._break_off(context, error)
            return False
        return True

    async def _gather(self, answer: Answer, head: bytes) -> tuple[bytes, bool]:
        """The body as far as it comes without a pause, and whether that is all of it. Raises UpstreamError."""
        content = answer.content
        pieces, size = [head or await self._first(answer)], len(head)
        try:
            while not content.at_eof() and size <= LONGEST:
                piece = content.read_nowait(-1)
                if not piece:
                    async with asyncio.timeout(_PAUSE):
                        piece = await content.readany()
                pieces.append(piece)
                size += len(piece)
        except TimeoutError:
            return b"".join(pieces), False
        except (ClientPayloadError, OSError) as error:
            raise UpstreamError("broken", str(error) or type(error).__name__) from error
        return b"".join(pieces), content.at_eof()

    async def _whole(self, context: Context, answer: Answer, fields: Fields, body: bytes, applied: list[bytes]) -> bool:
        """A document that is all here: rewritten, or known from before. False: it has to be streamed after all."""
        documents, exchange, memory = self._documents, context.exchange, self._memory
        content_type = fields.get(b"content-type")
        key = documents.key(context, content_type, applied, body) if documents is not None else None
        if documents is None or key is None:
            return False
        document = memory.recall(key, context.target)
        if document is None:
            plain = self._decoded(applied, body)
            if plain is None:
                return False
            rewriting = self._body(
                context, fields, coding.Unwrapping([], ratio=2, free=LONGEST_PLAIN), None, holes=True
            )
            out = b"".join(rewriting.feed(plain)) + rewriting.close()
            document = Rewritten.cut(out, rewriting.content_type, Tally("html", tuple(rewriting.notes())))
            if rewriting.sound:
                memory.keep(key, context.target, document, bound=rewriting.bound)
        exchange.tally = document.tally
        if document.content_type is not None:
            fields.set(b"Content-Type", document.content_type)
        head = documents.first(context) if document.has_head else b""
        end = documents.last(context) if document.has_end else b""
        out = document.filled(head, end)
        encoder = self._encoder(context, fields)
        fields.drop(_LENGTH_AND_CODING)
        if encoder is not None:
            fields.add(b"Content-Encoding", encoder.name)
            out = self._encoded(document, out, encoder, None if exchange.fresh else (encoder.name, head, end))
        fields.add(b"Content-Length", b"%d" % len(out))
        context.reply.start(answer.status, answer.reason, fields, length=len(out))
        await context.reply.end(out)
        return True

    @staticmethod
    def _encoder(context: Context, fields: Fields) -> coding.Encoder | None:
        """How the document is compressed for the visitor. `no-transform` (RFC 9110 7.7): not at all, where the site
        has not done it; what must not load is taken out all the same, since we speak for the site (see docs)."""
        if fields.get(b"content-encoding") is None and b"no-transform" in elements(fields.joined(b"cache-control")):
            return None
        return coding.encoder(context.fields.joined(b"accept-encoding"))

    def _encoded(self, document: Rewritten, plain: bytes, encoder: coding.Encoder, filling: Filling | None) -> bytes:
        """`filling` None: this one is for one visitor alone."""

        def make() -> bytes:
            return encoder.feed(plain) + encoder.close()

        return make() if filling is None else self._memory.encoded(document, filling, make)

    def _decoded(self, applied: list[bytes], body: bytes) -> bytes | None:
        """The body without its codings; None where that is broken, or more than is kept whole."""
        if not applied:
            return body
        unwrapping = self._decoder(applied)
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

    async def _stream(
        self, context: Context, answer: Answer, fields: Fields, head: bytes, unwrapping: coding.Unwrapping
    ) -> bool:
        """A document through decoder, rewriter and encoder."""
        reply, content = context.reply, answer.content
        head = head or await self._first(answer)
        if not head:
            fields.drop(_LENGTH)
            fields.add(b"Content-Length", b"0")
            return await self._pass(context, answer, fields)
        encoder = self._encoder(context, fields)
        body = self._body(context, fields, unwrapping, encoder)
        try:
            ready = b"".join(body.feed(head))
            fields.drop(_LENGTH_AND_CODING)
            if body.content_type is not None:
                fields.set(b"Content-Type", body.content_type)
            if encoder is not None:
                fields.add(b"Content-Encoding", encoder.name)
            if content.at_eof():
                ready += body.close()
                fields.add(b"Content-Length", b"%d" % len(ready))
                reply.start(answer.status, answer.reason, fields, length=len(ready))
                await reply.end(ready)
                return True
            reply.start(answer.status, answer.reason, fields, length=None)
            await reply.send(ready)
            while piece := await content.readany():
                for out in body.feed(piece):
                    await reply.send(out)
            await reply.end(body.close())
        except (ClientPayloadError, OSError, TimeoutError, coding.CodingError) as error:
            if not reply.started:
                raise UpstreamError("broken", str(error) or type(error).__name__) from error
            self._break_off(context, error)
            return False
        finally:
            self._note(context, body)
        return True

    async def _observe(
        self, context: Context, answer: Answer, fields: Fields, head: bytes, unwrapping: coding.Unwrapping
    ) -> bool:
        """Report mode: the site's own bytes go out, what would be stripped from them is noted."""
        reply, content = context.reply, answer.content
        body = self._body(context, fields.copy(), unwrapping, None)
        length = fields.get(b"content-length")
        reply.start(answer.status, answer.reason, fields, length=int(length) if length else None)
        judged = True
        try:
            piece = head or await self._first(answer)
            while piece:
                await reply.send(piece)
                if judged:
                    try:
                        for _ in body.feed(piece):
                            pass
                    except coding.CodingError as error:
                        judged = False
                        self._log.warning("not_observed", site=context.exchange.site, reason=str(error))
                piece = await content.readany()
            await reply.end()
        except (ClientPayloadError, OSError, TimeoutError) as error:
            self._break_off(context, error)
            return False
        finally:
            self._note(context, body)
        return True

    def _body(
        self,
        context: Context,
        fields: Fields,
        unwrapping: coding.Unwrapping,
        encoder: coding.Encoder | None,
        *,
        holes: bool = False,
    ) -> DocumentBody:
        exchange, documents = context.exchange, self._documents
        content_type = fields.get(b"content-type")

        def opening(head: bytes) -> Document:
            if documents is None:
                raise RuntimeError("documents are switched off")
            return documents.open(context, content_type, head, holes=holes)

        def failed(error: Exception) -> None:
            self._log.error(
                "rewriting_failed",
                site=exchange.site,
                path=exchange.path,
                request_id=exchange.request_id,
                reason=f"{type(error).__name__}: {error}",
            )

        mapping = context.mapping if context.maps_names else None
        renaming = mapping.body() if mapping is not None else None
        return DocumentBody(unwrapping, opening, renaming=renaming, encoder=encoder, failed=failed)

    def _note(self, context: Context, body: DocumentBody) -> None:
        for verdict in body.notes():
            context.exchange.note("html", verdict)

    def _break_off(self, context: Context, error: BaseException) -> None:
        self._log.warning(
            "broken_off", site=context.exchange.site, request_id=context.exchange.request_id,
            reason=str(error) or type(error).__name__,
        )  # fmt: skip
        context.reply.break_off()


def _may_be_whole(fields: Fields) -> bool:
    """Is the body not announced to be longer than what is kept?"""
    length = fields.get(b"content-length")
    return length is None or (length.isdigit() and int(length) <= LONGEST)


def _confirms(context: Context, answer: Answer) -> bool:
    """Does a 304 confirm a document of ours? Only one that carried a validator of this variant."""
    if answer.status != 304:
        return False
    asked = context.fields.joined(b"if-none-match")
    return asked is not None and context.exchange.variant.encode() + b'"' in asked

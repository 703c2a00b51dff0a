"""The site's answer on its way to the visitor: header gates first, then the body as it arrives.

Whatever is no document streams through untouched, its coding kept. A document is decoded, rewritten piece by piece
and encoded again; each piece leaves before the next is asked for. When the site breaks off, so does the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import structlog
from aiohttp.client_exceptions import ClientPayloadError

from proxy import coding
from proxy.context import Context
from proxy.csp import quiet_downgrade
from proxy.document import DocumentBody
from proxy.documents import Documents, is_common
from proxy.gates import Gate, through
from proxy.headers import Fields, drop_hop_by_hop, elements, is_text
from proxy.html import charset, sniff
from proxy.html.sniff import grammar, kind_of
from proxy.mapping import URL_FIELDS, Mapping
from proxy.parts import Document
from proxy.recent import Outcome
from proxy.remembered import Memory, Rewritten, digest
from proxy.settings import Limits
from proxy.upstream import UpstreamError
from proxy.upstream_connection import Answer, Content
from proxy.whole import Whole, coding_for, first, gather, may_be_whole

_MARKED = 64
"""Bytes, compressed or not, within which a byte order mark shows."""
_EMPTY = frozenset({204, 205, 304})
_NOT_RENDERED = frozenset({204, 206, 304})
_RENDERED = frozenset({"page", "frame", "fragment"})
_FRAMINGS: tuple[list[bytes], ...] = ([], [b"chunked"], [b"identity"])
_LENGTH_AND_CODING = frozenset({b"content-length", b"content-encoding"})
_LENGTH = frozenset({b"content-length"})
_TRANSPORT_SECURITY = frozenset({b"strict-transport-security"})
_POLICIES = frozenset({b"content-security-policy", b"content-security-policy-report-only"})


def received(context: Context, answer: Answer) -> Fields:
    """The answer's fields: hop-by-hop ones off, the site's own name mapped back. Raises UpstreamError."""
    fields = answer.fields
    if not answer.plain:
        if not (fields.well_formed() and is_text(answer.reason)):
            raise UpstreamError("broken", "a header field of the answer is no token or holds a control character")
        if elements(fields.joined(b"transfer-encoding")) not in _FRAMINGS:
            raise UpstreamError("broken", "the answer is in a transfer coding that was not asked for")
        drop_hop_by_hop(fields)
    if answer.status == 204:
        # RFC 9110 8.6: none there.
        fields.drop(_LENGTH)
    if context.enforcing and fields.repeats(b"content-type"):
        # The visitor's browser is to read the type that was judged.
        one = sniff.announced(fields.all(b"content-type"))
        if one is not None:
            fields.set(b"Content-Type", one)
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
        self._whole = Whole(limits, documents, memory, self._body)
        self._gates = [gate for gate in gates if gate.on == "response"]
        self._document_gates = [gate for gate in gates if gate.on == "document"]
        self._log = structlog.get_logger("samtykke.proxy")

    def gate(self, context: Context, fields: Fields) -> None:
        """The gates for every answer."""
        if context.enforcing or context.observing:
            through(self._gates, fields if context.enforcing else fields.copy(), context.exchange)

    async def answer(self, context: Context, answer: Answer) -> bool:
        """Answer the visitor; True where all of the site's answer was read. Raises UpstreamError before the start."""
        done, head = await self._as_before(context, answer)
        if done:
            return True
        fields, asked = received(context, answer), len(context.exchange.notes)
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
        if document or (rendered and kind.needs_body):
            applied = coding.codings(fields.joined(b"content-encoding"))
        if rendered and kind.needs_body:
            said = (fields.get(b"content-type") or b"").decode("latin-1")
            nosniff = (fields.get(b"x-content-type-options") or b"").strip().lower() == b"nosniff"
            if not context.bodyless_request:
                undecided = partial(sniff.undecided, said, nosniff=nosniff)
                head = await self._beginning(answer.content, applied, head, undecided, sniff.NEEDED)
            document = grammar(said, self._peek(applied, head), nosniff=nosniff) is not None
        if document or context.exchange.role == "worker" or _confirms(context, answer):
            self._gate_document(context, fields, document=document)
        if not document or self._documents is None:
            here = not head and answer.content.is_eof()
            clean = await self._pass(context, answer, fields, head)
            if here:
                _keep(context, answer, asked)
            return clean
        unwrapping = self._decoder(applied)
        if unwrapping is None or context.bodyless_request or answer.status in _EMPTY:
            if unwrapping is None:
                self._log.warning("coding_unknown", site=context.exchange.site, codings=repr(applied))
            elif context.enforcing:
                fields.drop(_LENGTH_AND_CODING)
            return await self._pass(context, answer, fields, head)
        if not context.enforcing:
            return await self._observe(context, answer, fields, head, unwrapping)
        if self._memory.on and b"no-store" not in caching and may_be_whole(fields):
            head, whole = await gather(answer.content, head)
            if whole and head and (known := self._whole.document(context, fields, head, applied)) is not None:
                out = self._whole.finished(context, fields, known)
                context.reply.start(answer.status, answer.reason, fields, length=len(out))
                _keep(context, answer, asked, known, out)
                await context.reply.end(out)
                return True
        return await self._stream(context, answer, fields, head, unwrapping)

    async def _as_before(self, context: Context, answer: Answer) -> tuple[bool, bytes]:
        """Answer as the same was answered a moment ago to somebody alike; or False, and what was read of the body."""
        known, reply, content = context.known, context.reply, answer.content
        if known is None or known.audience is None or not context.enforcing or not reply.may_repeat:
            return False, b""
        outcome = known.audience.outcome(context.target)
        if outcome is None or outcome.given != answer.given:
            return False, b""
        if outcome.digest is None:
            if not content.is_eof():
                return False, b""
            out = content.read_nowait(-1)
        else:
            body, whole = await gather(content, b"")
            if not whole or digest(body) != outcome.digest:
                return False, body
            self._memory.repeated()
            out = outcome.body
        exchange = context.exchange
        exchange.notes += outcome.notes
        exchange.sightings += outcome.sightings
        exchange.tally = outcome.tally
        await reply.repeat(outcome.status, outcome.head, out)
        return True, b""

    def _decoder(self, applied: list[bytes]) -> coding.Unwrapping | None:
        return coding.decoder(applied, ratio=self._limits.decoded_ratio, free=self._limits.decoded_free)

    def _may_render(self, context: Context, answer: Answer, fields: Fields) -> bool:
        """Could a browser show this as a document?"""
        if context.exchange.role not in _RENDERED or answer.status in _NOT_RENDERED:
            return False
        return not (fields.get(b"content-disposition") or b"").strip(b" \t").lower().startswith(b"attachment")

    async def _beginning(
        self, content: Content, applied: list[bytes], head: bytes, undecided: Callable[[bytes], bool], most: int
    ) -> bytes:
        """As much of a body as it takes to decide, as a browser waits for it; never more than `most` bytes and what
        comes with them. Raises UpstreamError."""
        head = head or await first(content)
        while len(head) < most and not content.at_eof() and undecided(self._peek(applied, head)):
            head += await first(content)
        return head

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

    async def _stream(
        self, context: Context, answer: Answer, fields: Fields, head: bytes, unwrapping: coding.Unwrapping
    ) -> bool:
        """A document through decoder, rewriter and encoder."""
        reply, content = context.reply, answer.content
        applied = coding.codings(fields.joined(b"content-encoding"))
        head = await self._beginning(content, applied, head, charset.undecided, _MARKED)
        if not head:
            fields.drop(_LENGTH)
            fields.add(b"Content-Length", b"0")
            return await self._pass(context, answer, fields)
        encoder = coding.encoder(coding_for(context, fields))
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
            piece = head or await first(answer.content)
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


def _keep(context: Context, answer: Answer, asked: int, document: Rewritten | None = None, out: bytes = b"") -> None:
    """Have it known what became of this answer: for the next second, and for whom it is the same.

    `asked` notes are the request's. A `document` that is not remembered, or holds what is this visitor's alone, is
    not kept.
    """
    exchange, reply, known = context.exchange, context.reply, context.known
    if known is None or known.audience is None or not (context.enforcing and answer.plain and reply.keep_alive):
        return
    of = None
    if document is not None:
        if document.key is None or not is_common(context):
            return
        of = document.key[0]
    outcome = Outcome(
        answer.given, answer.length, answer.status, reply.head, of, out,
        tuple(exchange.notes[asked:]), exchange.tally, tuple(exchange.sightings),
    )  # fmt: skip
    known.audience.keep(context.target, outcome)


def _confirms(context: Context, answer: Answer) -> bool:
    """Does a 304 confirm a document of ours? Only one that carried a validator of this variant."""
    if answer.status != 304:
        return False
    asked = context.fields.joined(b"if-none-match")
    return asked is not None and context.exchange.variant.encode() + b'"' in asked

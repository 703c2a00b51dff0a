"""One exchange with the site: ask, wait, hand the answer to `relay`. Connections go back to the pool here.

A part of a document cannot be rewritten, so a 206 of one is asked for again as a whole. A site that switches to
WebSocket gets a tunnel.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.asked import Asked
from proxy.asking import ask
from proxy.context import Context
from proxy.gates import Gate
from proxy.headers import elements, origin_form
from proxy.html.sniff import grammar
from proxy.relay import Relay, received
from proxy.settings import ProxySettings
from proxy.upload import upload
from proxy.upstream import UpstreamError
from proxy.upstream_connection import Answer
from proxy.websocket import tunnel

_REPLAYABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_RANGES = frozenset({b"range", b"if-range"})


class Forwarder:
    """Carries exchanges out. `gates` is the ordered list without those switched off."""

    def __init__(self, settings: ProxySettings, gates: Sequence[Gate], relay: Relay) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._gates = [gate for gate in gates if gate.on == "request"]
        self._relay = relay

    async def forward(self, context: Context) -> None:
        """Fill `context.reply`. Raises UpstreamError or VisitorError; the reply says whether it had begun."""
        request, upstream = context.request, context.site.upstream
        begun = request.begun
        while True:
            asked = self._ask(context)
            body = None
            if asked.has_body:
                body = upload(request, chunked=asked.chunked, patience=self._limits.body, expects=asked.expects)
            answer = await upstream.request(
                asked.head(origin_form(context.target), context.exchange.request_id),
                body,
                bodyless=context.bodyless_request,
                replayable=request.method in _REPLAYABLE and not asked.upgrade,
                begun=begun,
            )
            begun = None
            clean = False
            try:
                if _is_part_of_document(context, answer):
                    context.fields = context.fields.copy()
                    context.fields.drop(_RANGES)
                    context.known = None
                    continue
                if answer.status == 101:
                    await self._switch(context, asked, answer)
                else:
                    clean = await self._relay.answer(context, answer)
                return
            finally:
                await upstream.finish(answer, clean=clean)

    def _ask(self, context: Context) -> Asked:
        """What the site is asked: as it was asked just now by the same visitor in the same words, or found out."""
        known, notes = context.known, context.exchange.notes
        how = (context.enforcing, context.observing)
        if known is not None and (before := known.asked.get(how)) is not None:
            notes += before[1]
            return before[0]
        peer = context.request.remote
        asked = ask(context, self._gates, peer=peer, trusted=self._settings.trusts(peer))
        if known is not None:
            known.asked[how] = asked, tuple(notes)
        return asked

    async def _switch(self, context: Context, asked: Asked, answer: Answer) -> None:
        if not asked.upgrade:
            raise UpstreamError("broken", "switches protocols without being asked")
        if elements(answer.fields.joined(b"upgrade")) != [b"websocket"]:
            raise UpstreamError("broken", "switches to another protocol than was asked for")
        fields = received(context, answer)
        self._relay.gate(context, fields)
        fields.add(b"Connection", b"Upgrade")
        fields.add(b"Upgrade", b"websocket")
        await context.reply.raw(fields.encode(b"HTTP/1.1 101 Switching Protocols"), 101)
        context.reply.sent = await tunnel(context.request.connection, answer.connection, self._limits.stream)


def _is_part_of_document(context: Context, answer: Answer) -> bool:
    if answer.status != 206 or not context.enforcing or context.request.method != "GET":
        return False
    if context.fields.get(b"range") is None or context.exchange.role in {"file", "worker"}:
        return False
    said = answer.fields.get(b"content-type") or b"application/octet-stream"
    return grammar(said.decode("latin-1"), b"") is not None

"""Make the request that the site gets from the one a visitor sent. No I/O.

Path and query stay byte for byte, fields keep order, repeats and spelling; what concerns one hop only is taken off
and said anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy import coding
from proxy.asked import Asked
from proxy.context import Context
from proxy.gates import Gate, through
from proxy.headers import Fields, drop_hop_by_hop, elements, set_forwarding

_EXPECT = frozenset({b"expect"})
_REQUEST_ID = frozenset({b"x-request-id"})


def ask(context: Context, gates: Sequence[Gate], *, peer: str, trusted: bool) -> Asked:
    """`peer` is the connecting address, `trusted` whether its word on the visitor counts."""
    exchange, mapping, request = context.exchange, context.mapping, context.request
    fields = context.fields.copy()
    upgrade = _upgrades(request.method, request.version, fields)
    chunked = fields.get(b"transfer-encoding") is not None
    length = fields.get(b"content-length")
    # HTTP/1.0 knows no interim answers: the expectation is ignored there (RFC 9110 10.1.1).
    expects = request.version >= (1, 1) and fields.get(b"expect") is not None
    drop_hop_by_hop(fields)
    fields.drop(_EXPECT)
    if context.enforcing:
        through(gates, fields, exchange)
        fields.rewrite(b"accept-encoding", coding.undoable)
    elif context.observing:
        through(gates, fields.copy(), exchange)
    host = fields.get(b"host") or exchange.host.encode("latin-1")
    set_forwarding(fields, peer=peer, trusted=trusted, scheme=exchange.scheme.encode(), host=host)
    if not trusted:
        fields.drop(_REQUEST_ID)
    fields.set(b"Host", context.site.settings.upstream_host.encode() or host)
    if context.maps_names and mapping is not None:
        fields.rewrite(b"origin", mapping.inward)
        fields.rewrite(b"referer", mapping.inward)
    if chunked:
        fields.add(b"Transfer-Encoding", b"chunked")
    if upgrade:
        fields.add(b"Connection", b"Upgrade")
        fields.add(b"Upgrade", b"websocket")
    return Asked(
        request.method,
        fields.lines(),
        named=fields.get(b"x-request-id") is not None,
        has_body=chunked or (length is not None and int(length) > 0),
        chunked=chunked,
        expects=expects,
        upgrade=upgrade,
    )


def _upgrades(method: str, version: tuple[int, int], fields: Fields) -> bool:
    """WebSocket is the one protocol switched to: anything else (h2c) would leave the proxy behind."""
    return (
        method == "GET"
        and version >= (1, 1)
        and b"upgrade" in elements(fields.joined(b"connection"))
        and elements(fields.joined(b"upgrade")) == [b"websocket"]
    )

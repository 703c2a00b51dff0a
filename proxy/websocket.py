"""A switched connection: bytes from one side to the other, both ways, as they are.

Frames are not taken apart: subprotocols, compression, pings, close codes and frames of any size are the two ends'
own affair (RFC 6455). A side that is slow pauses the other; a side that closes closes the other.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp.streams import DataQueue

from proxy.upstream_connection import UpstreamConnection
from proxy.visitor import VisitorConnection


class _Half:
    """What aiohttp feeds once a connection has left HTTP: one direction, written straight to the other side."""

    def __init__(self, target: asyncio.Transport, ended: asyncio.Event) -> None:
        self._target = target
        self._ended = ended
        self.carried = 0

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if not self._target.is_closing():
            self.carried += len(data)
            self._target.write(data)
        return False, b""

    def feed_eof(self) -> None:
        self._ended.set()


async def tunnel(visitor: VisitorConnection, upstream: UpstreamConnection, patience: float) -> int:
    """Carry bytes until one side has closed; returns how many reached the visitor. Closes both.

    Also after `patience` seconds in which neither side said anything.
    """
    near, far = visitor.transport, upstream.transport
    if near is None or far is None:
        return 0
    ended = asyncio.Event()
    outward, inward = _Half(far, ended), _Half(near, ended)
    visitor.on_pause = lambda paused: far.pause_reading() if paused else far.resume_reading()
    upstream.on_pause = lambda paused: near.pause_reading() if paused else near.resume_reading()
    queue: DataQueue[bytes] = DataQueue(asyncio.get_running_loop())
    try:
        upstream.set_parser(inward, queue)
        visitor.set_parser(outward)  # type: ignore[arg-type]  # any parser with feed_data and feed_eof will do
        upstream.read_timeout = None
        upstream.start_timeout()
        carried = -1
        while carried != outward.carried + inward.carried:
            carried = outward.carried + inward.carried
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await ended.wait()
            if ended.is_set():
                break
    finally:
        visitor.on_pause = upstream.on_pause = None
        far.close()
        near.close()
    return inward.carried

"""A visitor's request body on its way to the site, piece by piece. A broken or silent one ends the exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from proxy.visitor import Received

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class VisitorError(Exception):
    """The visitor's own request body is broken or does not arrive. Carries the status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def upload(received: Received, *, chunked: bool, patience: float, expects: bool) -> AsyncIterator[bytes]:
    """The request's body, framed for the site as it was framed for us. Raises VisitorError.

    100 (Continue) is said when the site can be reached and nothing has arrived yet.
    """
    request = received.whole
    if request is None:
        return
    content = request.content
    loop = asyncio.get_running_loop()
    if expects and not content.is_eof() and not content.total_raw_bytes and request.transport is not None:
        request.transport.write(_CONTINUE)
    last = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(last + patience):
                piece = await content.readany()
        except TimeoutError as error:
            raise VisitorError(408, f"no more of the request's body within {patience:g} s") from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise VisitorError(400, f"the request's body is broken: {error}") from error
        except ConnectionError as error:
            raise VisitorError(400, f"the visitor left: {error}") from error
        last = loop.time()
        if not piece:
            break
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
    if chunked:
        yield b"0\r\n\r\n"

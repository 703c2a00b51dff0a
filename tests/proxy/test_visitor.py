"""A visitor's connection: an answer that a fault of ours cuts off is never followed by another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from proxy.front import Front
from proxy.headers import Fields
from proxy.reply import Reply
from proxy.settings import Limits
from proxy.visitor import Received

PLAIN = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
PARSED = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0\r\n\r\n"
Answering = Callable[[Received, Reply], Awaitable[None]]


@pytest.fixture
async def visit() -> AsyncIterator[Callable[[Answering, bytes], Awaitable[tuple[bytes, list[str]]]]]:
    """Say something to a front whose handler answers like this: what came back until the end, and what was logged."""
    servers = []

    async def say(answering: Answering, said: bytes) -> tuple[bytes, list[str]]:
        logged: list[str] = []

        async def handler(received: Received) -> Reply:
            reply = Reply(received)
            await answering(received, reply)
            return reply

        def refused(reason: str, _error: BaseException | None) -> str:
            logged.append(reason)
            return "some-id"

        front = Front(handler, Limits(), refused, trusts=lambda _: False)
        server = await asyncio.get_running_loop().create_server(front, "127.0.0.1", 0)
        servers.append((front, server))
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(said)
        try:
            async with asyncio.timeout(60):
                heard = await reader.read()
        except ConnectionResetError:
            heard = b""
        writer.close()
        return heard, logged

    yield say
    for front, server in servers:
        server.close()
        await front.drain(0.1)
        await server.wait_closed()


async def begins_and_fails(_: Received, reply: Reply) -> None:
    reply.start(200, b"OK", Fields(), length=10)
    await reply.send(b"half")
    raise RuntimeError("a fault of ours")


async def fails(_: Received, reply: Reply) -> None:
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize("said", [PLAIN, PARSED])
async def test_a_fault_before_the_answer_is_a_page_with_an_id_and_a_reason_in_the_log(visit, said):
    heard, logged = await visit(fails, said)
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"some-id" in heard
    assert b"fault of ours" not in heard
    assert logged == ["RuntimeError: a fault of ours"]


@pytest.mark.parametrize("said", [PLAIN, PARSED])
async def test_a_fault_within_an_answer_breaks_it_off(visit, said):
    heard, logged = await visit(begins_and_fails, said)
    assert heard.count(b"HTTP/1.1") <= 1
    assert b" 500 " not in heard
    assert logged == ["RuntimeError: a fault of ours"]


async def test_requests_that_come_early_are_answered_one_after_the_other(visit):
    order = []

    async def slowly(received: Received, reply: Reply) -> None:
        order.append(received.target)
        await asyncio.sleep(0.05)
        reply.keep_alive = received.target != b"/3"
        await reply.whole(200, b"OK", Fields(), received.target)

    first, *rest = (b"GET /%d HTTP/1.1\r\nHost: shop.localhost\r\n\r\n" % number for number in (1, 2, 3))

    async def with_more(received: Received, reply: Reply) -> None:
        if received.target == b"/1":
            received.connection.data_received(b"".join(rest))
        await slowly(received, reply)

    heard, _ = await visit(with_more, first)
    assert order == [b"/1", b"/2", b"/3"]
    assert [heard.index(b"\r\n\r\n/%d" % number) for number in (1, 2, 3)] == sorted(
        heard.index(b"\r\n\r\n/%d" % number) for number in (1, 2, 3)
    )

"""The short way, where somebody leaves, breaks off, is slow or fails: nothing is lost, left open or answered twice."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl

import pytest
from short_way import PAGE, Line, Visit, Wire, always, answer, first_then, get, page_of, refusal, states


async def test_a_site_that_breaks_off_breaks_the_answer(behind, visiting, taken):
    async def broken(line: Line, _: int) -> None:
        await line.say(answer(b"wool")[:-2])
        line.writer.close()

    _, proxy = await behind(first_then(always(answer()), broken, asked=2))
    visit = await visiting(proxy)
    assert (await visit.ask(get())).endswith(b"wool")
    assert (await visit.ask(get())).endswith(b"wool")
    assert not (await visit.ask(get())).endswith(b"wool")
    assert await visit.rest() == b""
    assert states(taken) == ["over", "taken over"]


@pytest.mark.usefixtures("in_no_hurry")
async def test_a_page_broken_off_is_never_given_for_the_whole(behind, visiting, asking, taken):
    said = answer(PAGE % b"shop", kind=b"text/html")

    async def broken(line: Line, _: int) -> None:
        await line.say(said[:-20])
        line.writer.close()

    _, proxy = await behind(first_then(always(said), broken, asked=7), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    for _ in range(6):
        await visit.ask(page_of(cookie))
    heard = await visit.ask(page_of(cookie))
    assert heard.startswith(b"HTTP/1.1 502 ")
    assert b"wool" not in heard
    assert states(taken)[-1] == "taken over"


async def test_a_connection_that_closes_unanswered_is_asked_again_elsewhere(behind, visiting, taken):
    async def leaves(line: Line, number: int) -> None:
        if number == 2:
            line.writer.close()
        else:
            await line.say(answer())

    wire, proxy = await behind(leaves)
    visit = await visiting(proxy)
    assert len({await visit.ask(get()) for _ in range(4)}) == 1
    assert len(wire.heads) == 5
    assert states(taken) == ["over", "taken over", "over"]


async def test_a_page_that_pauses_is_shown_as_far_as_it_has_come(behind, visiting, asking, taken):
    said, go = answer(PAGE % b"shop", kind=b"text/html"), asyncio.Event()

    async def pauses(line: Line, _: int) -> None:
        await line.say(said[:-30])
        await go.wait()
        await line.say(said[-30:])

    _, proxy = await behind(first_then(always(said), pauses, asked=7), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    for _ in range(6):
        whole = await visit.ask(page_of(cookie))
    visit.writer.write(page_of(cookie))
    async with asyncio.timeout(60):
        assert b"wool" not in await visit.reader.readuntil(b"<title>shop</title>")
        go.set()
        assert (await visit.reader.readuntil(b"</html>")).count(b"wool") == whole.count(b"wool") == 1
    assert states(taken)[-1] == "taken over"


def grows_stale(connection) -> None:
    connection.idle_since -= 100


def says_something_uncalled(connection) -> None:
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")


def is_being_closed(connection) -> None:
    connection.transport.close()


@pytest.mark.parametrize("happens", [grows_stale, says_something_uncalled, is_being_closed])
async def test_a_connection_in_doubt_is_not_asked_on(behind, visiting, taken, happens):
    wire, proxy = await behind(always(answer()))
    visit = await visiting(proxy)
    for _ in range(2):
        await visit.ask(get())
    (connection,) = proxy._sites.all[0].upstream._idle
    happens(connection)
    assert (await visit.ask(get())).endswith(b"wool")
    assert len(taken) == 1
    assert len(wire.heads) == 3


async def test_a_silent_site_is_a_504(behind, visiting, taken):
    async def silent(line: Line, _: int) -> None:
        await line.reader.read()

    _, proxy = await behind(first_then(always(answer()), silent, asked=2), limits={"answer": 2})
    visit = await visiting(proxy)
    for _ in range(2):
        assert b" 200 " in await visit.ask(get())
    assert b" 504 " in await visit.ask(get())
    assert states(taken) == ["over", "taken over"]
    assert proxy.counted.counts.failures()["timeout"] == 1


@pytest.mark.parametrize("said", [b"", answer(PAGE % b"shop", kind=b"text/html")[:-9]])
async def test_a_visitor_who_leaves_ends_the_question_to_the_site(behind, visiting, asking, taken, said):
    asked = asyncio.Event()

    async def waits(line: Line, _: int) -> None:
        await line.say(said)
        asked.set()
        await line.reader.read()

    page = answer(PAGE % b"shop", kind=b"text/html")
    wire, proxy = await behind(first_then(always(page), waits, asked=7), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    for _ in range(6):
        await visit.ask(page_of(cookie))
    before = asyncio.get_running_loop().time()
    visit.writer.write(page_of(cookie))
    async with asyncio.timeout(60):
        await asked.wait()
        assert taken[-1]._asking._deadline >= before + proxy.settings.limits.answer, "the site's time begins anew"
        visit.writer.transport.abort()
        await wire.ended.wait()
    assert proxy._sites.all[0].upstream.open == 0
    other = await visiting(proxy)
    wire.script = always(page)
    assert b" 200 " in await other.ask(page_of(cookie))


async def test_what_was_kept_from_the_site_is_counted_for_a_visitor_who_leaves_too(behind, visiting, taken):
    asked = asyncio.Event()

    async def waits(line: Line, _: int) -> None:
        asked.set()
        await line.reader.read()

    wire, proxy = await behind(first_then(always(answer()), waits, asked=2))
    visit = await visiting(proxy)
    request = get(b"/a.txt", b"Cookie: _ga=GA1.2.3")
    for _ in range(2):
        await visit.ask(request)
    visit.writer.write(request)
    async with asyncio.timeout(60):
        await asked.wait()
        visit.writer.transport.abort()
        await wire.ended.wait()
    assert [number for key, number in proxy.ledger.evidence.items() if key[4] == "cookie_sent"] == [3]


async def test_requests_that_come_at_once_are_answered_in_their_order(behind, visiting, taken):
    async def script(line: Line, number: int) -> None:
        target = wire.heads[number].split(b" ")[1]
        await asyncio.sleep(0.05)
        await line.say(answer(target))

    wire, proxy = await behind(script)
    visit = await visiting(proxy)
    targets = [b"/1", b"/22", b"/333"]
    for target in targets:
        await visit.ask(get(target))
    for target in targets * 3:
        visit.writer.write(get(target))
        await asyncio.sleep(0.002)
    heard = [await visit.hear() for _ in range(9)]
    assert [one.partition(b"\r\n\r\n")[2] for one in heard] == targets * 3
    assert taken


@pytest.mark.usefixtures("in_no_hurry")
async def test_a_visitor_who_takes_nothing_is_waited_for_before_the_next(behind, visiting, asking, taken):
    body = PAGE % (b"x" * 400_000)
    wire, proxy = await behind(always(answer(body, kind=b"text/html")), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    for _ in range(5):
        whole = await visit.ask(page_of(cookie))
    assert states(taken)[-1] == "over"
    # A reader with hardly any room: the answers stay with the proxy until they are taken.
    slow = await visiting(proxy)
    slow.reader._limit = 1024
    for _ in range(30):
        slow.writer.write(page_of(cookie))
        await asyncio.sleep(0.01)
    before = len(wire.heads)
    assert before < 36, "the site is not asked for what the visitor does not take"
    slow.reader._limit = 2**20
    for _ in range(30):
        assert await slow.hear() == whole
    assert len(wire.heads) == 36


async def test_more_than_was_announced_is_nobodys_answer(behind, visiting, taken):
    wire, proxy = await behind(first_then(always(answer()), always(answer() + b"HTTP/1.1 200 OK\r\n"), asked=2))
    visit = await visiting(proxy)
    for _ in range(2):
        assert (await visit.ask(get())).endswith(b"\r\n\r\nwool")
    assert (await visit.ask(get())).endswith(b"\r\n\r\nwool")
    wire.script = always(answer())
    assert (await visit.ask(get())).endswith(b"\r\n\r\nwool")


async def test_a_stop_lets_the_answer_end_and_says_that_it_is_the_last(behind, visiting, taken):
    asked, go = asyncio.Event(), asyncio.Event()

    async def waits(line: Line, _: int) -> None:
        asked.set()
        await go.wait()
        await line.say(answer())

    _, proxy = await behind(first_then(always(answer()), waits, asked=2))
    visit = await visiting(proxy)
    for _ in range(2):
        await visit.ask(get())
    visit.writer.write(get())
    await asked.wait()
    (connection,) = proxy._front.connections
    assert not connection.idle(float("inf")), "a stop is not to close it"
    stopping = asyncio.create_task(proxy.stop(60))
    while not proxy._front.draining:  # noqa: ASYNC110  nothing tells
        await asyncio.sleep(0.01)
    go.set()
    heard = await visit.hear()
    assert heard.endswith(b"wool")
    assert b"\r\nconnection: close\r\n" in heard.lower()
    assert await visit.rest() == b""
    await stopping


async def test_a_fault_of_ours_is_a_page_and_ends_both_connections(behind, visiting, taken, monkeypatch):
    wire, proxy = await behind(always(answer()))
    visit = await visiting(proxy)
    for _ in range(2):
        await visit.ask(get())

    def broken(*_args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("proxy.fast_path.FastExchange._answer_with", broken)
    heard = await visit.ask(get())
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in heard
    assert await visit.rest() == b""
    async with asyncio.timeout(60):
        await wire.ended.wait()
    assert proxy._sites.all[0].upstream.open == 0
    assert proxy.counted.counts.failures()["fault"] == 1


async def test_a_fault_before_the_long_way_has_taken_over_ends_the_question_to_the_site(
    behind, visiting, taken, monkeypatch
):
    wire, proxy = await behind(first_then(always(answer()), always(answer(b"silk!")), asked=2))
    visit = await visiting(proxy)
    for _ in range(2):
        await visit.ask(get())

    def broken(*_args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(proxy._arrivals, "exchange", broken)
    assert (await visit.ask(get())).startswith(b"HTTP/1.1 500 ")
    async with asyncio.timeout(60):
        await wire.ended.wait()
    assert proxy._sites.all[0].upstream.open == 0
    assert states(taken) == ["over"] * 2


async def test_a_fault_in_our_books_leaves_no_half_and_no_second_answer(behind, visiting, taken, monkeypatch):
    _, proxy = await behind(always(answer()))
    visit, other = await visiting(proxy), await visiting(proxy)
    for _ in range(2):
        await visit.ask(get())

    def broken(*_args, **_more):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(proxy._books, "over", broken)
    assert (await visit.ask(get())).startswith(b"HTTP/1.1 500 ")
    assert (await other.ask(get(b"/a.txt", b"User-Agent: other"))).endswith(b"wool")
    assert [await one.rest() for one in (visit, other)] == [b"", b""]
    assert states(taken) == ["over"] * 2
    assert proxy._sites.all[0].upstream.open == 0


async def abandoned(behind, visiting):
    """A site that says nothing, and a proxy whose visitor is just leaving: nothing of that is known yet."""
    asked = asyncio.Event()

    async def waits(line: Line, _: int) -> None:
        asked.set()
        await line.reader.read()

    wire, proxy = await behind(first_then(always(answer()), waits, asked=2))
    visit = await visiting(proxy)
    for _ in range(2):
        await visit.ask(get())
    visit.writer.write(get())
    await asked.wait()
    (connection,) = proxy._front.connections
    connection.transport.abort()
    return wire, proxy


@pytest.mark.parametrize("said", [answer(b"silk!"), answer()[:-1], b"HTTP/1.1 103 Early Hints\r\n\r\n"])
async def test_a_visitor_may_leave_in_the_moment_in_which_the_site_says_something_else(behind, visiting, taken, said):
    async with asyncio.timeout(60):
        wire, proxy = await abandoned(behind, visiting)
        taken[-1]._asking.data_received(said)
        assert states(taken)[-1] == "handed over"
        await wire.ended.wait()
        while proxy._sites.all[0].upstream.open:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
    assert states(taken)[-1] == "over"


async def test_a_visitor_may_leave_in_the_moment_in_which_the_site_does(behind, visiting, taken):
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    async with asyncio.timeout(60):
        wire, proxy = await abandoned(behind, visiting)
        taken[-1].set_exception(ConnectionResetError("the site has left"))
        await wire.ended.wait()
        while proxy._sites.all[0].upstream.open:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
    assert states(taken)[-1] == "over"
    taken.clear()
    gc.collect()
    assert complaints == []


@pytest.mark.usefixtures("in_no_hurry")
async def test_a_visitor_may_leave_with_his_answer_not_taken(behind, visiting, asking, taken):
    wire, proxy = await behind(always(answer(PAGE % (b"x" * 400_000), kind=b"text/html")), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    for _ in range(5):
        await visit.ask(page_of(cookie))
    slow = await visiting(proxy)
    slow.reader._limit = 1024
    async with asyncio.timeout(60):
        while not any(connection._taking for connection in proxy._front.connections):
            slow.writer.write(page_of(cookie))
            await asyncio.sleep(0.01)
        slow.writer.transport.abort()
        while len(proxy._front.connections) > 2:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
    assert proxy._sites.all[0].upstream.open == 0
    asked = len(wire.heads)
    assert (await visit.ask(page_of(cookie))).endswith(b"</html>")
    assert len(wire.heads) == asked + 1


async def test_interim_answers_are_no_answers_on_the_short_way_either(behind, visiting, taken):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: <https://www.google-analytics.com/a.js>; rel=preload\r\n\r\n"
    wire, proxy = await behind(first_then(always(answer()), always(hints + answer()), asked=2))
    visit = await visiting(proxy)
    heard = [await visit.ask(get()) for _ in range(3)]
    wire.script = always(hints, answer(), pause=0.03)
    heard.append(await visit.ask(get()))
    wire.script = always(answer())
    heard.append(await visit.ask(get()))
    assert len(set(heard)) == 1
    assert states(taken) == ["over", "taken over", "taken over", "over"]


@pytest.mark.usefixtures("in_no_hurry")
async def test_tls_on_both_sides_changes_nothing(raw_site, start_proxy, tmp_path, asking, taken):
    certificate, key = tmp_path / "a.pem", tmp_path / "a.key"
    making = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=shop.localhost",
        "-addext", "subjectAltName=DNS:shop.localhost",
        "-keyout", str(key), "-out", str(certificate), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await making.wait() == 0
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)
    wire = Wire(always(answer(PAGE % (b"x" * 200_000), kind=b"text/html")))
    proxy = await start_proxy(
        await raw_site(wire.serve, theirs), parts=asking, site={"upstream_verify": False},
        certificate=str(certificate), certificate_key=str(key),
    )  # fmt: skip
    ours = ssl.create_default_context(cafile=certificate)
    first, visit = [
        Visit(*await asyncio.open_connection(*proxy.address, ssl=ours, server_hostname="shop.localhost"))
        for _ in range(2)
    ]
    cookie = await refusal(first)
    heard = [await visit.ask(page_of(cookie)) for _ in range(5)]
    for _ in range(5):
        visit.writer.write(page_of(cookie))
        await asyncio.sleep(0.01)
    heard += [await visit.hear() for _ in range(5)]
    assert len(set(heard)) == 1
    assert "over" in states(taken)
    assert len(wire.heads) == 11
    wire.script = always(answer(b"silk", kind=b"text/html"))
    assert b"silk" in await visit.ask(page_of(cookie))
    assert proxy._sites.all[0].upstream.open == 0
    for one in (first, visit):
        one.writer.close()
        await one.writer.wait_closed()


async def test_a_visitor_who_is_being_accepted_as_we_stop_is_answered(behind):
    _, proxy = await behind(always(answer()))
    with socket.create_connection(proxy.address) as visitor:
        visitor.sendall(get())
        visitor.setblocking(False)
        await proxy.stop(60)
        async with asyncio.timeout(60):
            heard = await asyncio.get_running_loop().sock_recv(visitor, 65_536)
    assert heard.startswith(b"HTTP/1.1 200 ")

"""The short way: what alike visitors get for the same answer is what the long way gives, in every circumstance."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from short_way import PAGE, Line, Visit, always, answer, first_then, get, page_of, refusal, states
from structlog.testing import capture_logs

from policies.purpose import Purpose
from policies.site_policy import PolicyCookie, SitePolicy, in_force
from proxy.consent.desk import ConsentDesk
from proxy.consent.log import ConsentLog
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.parts import Parts
from runtime.keys import new_keys


async def test_a_file_asked_for_again_is_the_same_and_the_site_is_asked_each_time(behind, visiting, taken):
    wire, proxy = await behind(always(answer()))
    visit = await visiting(proxy)
    heard = [await visit.ask(get()) for _ in range(5)]
    assert len(set(heard)) == 1
    assert states(taken) == ["over"] * 4
    ids = re.findall(rb"X-Request-Id: (\w+)", b"".join(wire.heads))
    assert len(set(ids)) == 5
    assert len({re.sub(rb"X-Request-Id: \w+", b"", head) for head in wire.heads}) == 1
    assert proxy.counted.counts.requests(1)["2xx"] == 5
    assert proxy.counted.counts.sent(1) == 5 * 4


async def test_visitors_of_one_kind_share_what_is_known_and_keep_what_is_theirs(behind, visiting, taken):
    wire, proxy = await behind(always(answer()))
    visit = await visiting(proxy)
    names = [b"one", b"two", b"three"]
    for name in names * 2:
        await visit.ask(get(b"/a.txt", b"User-Agent: " + name, b"Cookie: basket=" + name))
    assert len(taken) == 3, "the second request of each: what the site is asked is found out by the first"
    for head, name in zip(wire.heads, names * 2, strict=True):
        assert b"basket=" + name in head
        assert b"User-Agent: " + name in head


async def test_a_page_known_from_another_visitor_is_the_same_and_counted(behind, visiting, asking, taken):
    wire, proxy = await behind(always(answer(PAGE % b"shop", kind=b"text/html")), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    before = dict(proxy.counted.counts.remembered())
    heard = []
    for number in range(6):
        line = b"User-Agent: visitor %d" % number
        heard.append(await visit.ask(get(b"/", line, cookie, accept=b"text/html", to=b"document")))
    assert len(set(heard)) == 1
    assert taken == [], "each of them is seen for the first time"
    assert b' src="https://www.google-analytics.com' not in heard[-1]
    assert len(wire.heads) == 7
    assert proxy.counted.counts.stripped(1)["html"] == 7
    after = proxy.counted.counts.remembered()
    assert sum(after.values()) - sum(before.values()) == 6
    assert after["hit"] - before["hit"] >= 4
    proxy.ledger.spell_out()
    assert sum(number for key, number in proxy.ledger.evidence.items() if key[4] == "html") == 7


async def test_a_page_for_a_refuser_is_the_same_on_either_way_and_no_tracker_is_in_it(behind, visiting, asking, taken):
    body = PAGE % b"shop"
    wire, proxy = await behind(always(answer(body, kind=b"text/html")), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    heard = [await visit.ask(page_of(cookie)) for _ in range(6)]
    assert len(set(heard)) == 1
    assert states(taken) == ["over"] * len(taken)
    assert len(taken) >= 3
    assert b' src="https://www.google-analytics.com' not in heard[-1]
    assert len(wire.heads) == 7
    assert proxy.counted.counts.stripped(1)["html"] == 7
    assert sum(proxy.counted.counts.remembered().values()) == 7
    proxy.ledger.spell_out()
    assert sum(number for key, number in proxy.ledger.evidence.items() if key[4] == "html") == 7


async def test_a_changed_page_behind_the_same_head_is_rewritten(behind, visiting, asking, taken):
    old, new = (answer(PAGE % title, kind=b"text/html") for title in (b"wool", b"silk"))
    wire, proxy = await behind(first_then(always(old), always(new), asked=7), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    heard = [await visit.ask(page_of(cookie)) for _ in range(8)]
    assert b"<title>wool" in heard[5]
    assert b"<title>silk" in heard[6]
    assert heard[6].replace(b"silk", b"wool") == heard[5]
    assert "taken over" in states(taken)
    assert len(wire.heads) == 9


async def test_the_undecided_get_a_token_of_their_own_each_time(behind, visiting, asking, taken):
    _, proxy = await behind(always(answer(PAGE % b"shop", kind=b"text/html")), parts=asking)
    visit = await visiting(proxy)
    request = get(b"/", accept=b"text/html", to=b"document")
    tokens = [re.search(rb'name="notice" value="([^"]+)"', await visit.ask(request))[1] for _ in range(5)]
    assert len(set(tokens)) == 5
    assert taken == []


async def test_what_one_kind_of_visitor_got_is_no_others(behind, visiting, asking, taken):
    _, proxy = await behind(always(answer(PAGE % b"shop", kind=b"text/html")), parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    accepts = (cookie, b"Accept-Encoding: gzip")
    for _ in range(5):
        plain = await visit.ask(page_of(cookie))
        packed = await visit.ask(get(b"/", *accepts, accept=b"text/html", to=b"document"))
        framed = await visit.ask(get(b"/", cookie, accept=b"text/html", to=b"iframe"))
        undecided = await visit.ask(get(b"/", accept=b"text/html", to=b"document"))
        assert b"content-encoding: gzip" in packed.lower()
        assert b"content-encoding" not in plain.lower()
        assert b"samtykke-reopen" in plain
        assert b"samtykke-reopen" not in framed
        assert b'id="samtykke-accept"' in undecided
    assert taken


@pytest.fixture
def desk_clock() -> list[datetime]:
    """The time at the desk of `speaking`: the last of these."""
    return [datetime.now(UTC)]


@pytest.fixture
async def speaking(tmp_path, desk_clock) -> AsyncIterator[Parts]:
    """A desk of two languages."""
    keys = new_keys(desk_clock[-1])
    log = await ConsentLog.open(f"sqlite:///{tmp_path / 'consent.db'}", keys, checkpoints=tmp_path / "checkpoints")
    settings = ConsentSettings(languages=("en", "nb"))
    desk = ConsentDesk(settings, ControllerSettings(), keys, log, lambda: desk_clock[-1], os.urandom)
    yield Parts(desk, lambda: log.trouble)
    await desk.close()
    await log.close()


async def test_kinds_of_visitors_that_differ_in_one_thing_are_told_apart(behind, visiting, speaking, desk_clock, taken):
    more = b"Set-Cookie: _ga=GA1.2.3\r\nContent-Security-Policy: script-src https://cdn.example\r\n"
    _, proxy = await behind(
        always(answer(PAGE % b"shop", kind=b"text/html", more=more)), parts=speaking, trusted_proxies=["127.0.0.1"]
    )
    refused, agreed = [await refusal(await visiting(proxy), action) for action in (b"reject", b"accept")]
    desk_clock.append(desk_clock[-1] + timedelta(seconds=60))
    just_refused = await refusal(await visiting(proxy))
    kinds = {
        "usual": page_of(refused),
        "consent": page_of(agreed),
        "confirmed": page_of(just_refused),
        "host": page_of(refused).replace(b"shop.localhost", b"127.0.0.1"),
        "scheme": page_of(refused + b"\r\nX-Forwarded-Proto: https"),
        "language": page_of(refused + b"\r\nAccept-Language: nb"),
        "coding": page_of(refused + b"\r\nAccept-Encoding: gzip"),
        "role": page_of(refused).replace(b"Dest: document", b"Dest: iframe"),
    }
    visit, alone = await visiting(proxy), {}
    for kind, request in kinds.items():
        proxy._look()
        alone[kind] = [await visit.ask(request) for _ in range(4)][-1]
    assert len(set(alone.values())) == len(kinds), "each of them is sent something else"
    proxy._look()
    before = len(taken)
    for _ in range(3):
        assert {kind: await visit.ask(request) for kind, request in kinds.items()} == alone
    assert states(taken[before:]) == ["over"] * 2 * len(kinds)


async def test_a_cookie_of_ours_is_set_for_whom_it_is_and_for_nobody_else(
    behind, visiting, speaking, desk_clock, taken
):
    _, proxy = await behind(always(answer(PAGE % b"shop", kind=b"text/html")), parts=speaking)
    visit = await visiting(proxy)
    new = page_of(b"Sec-GPC: 1")
    cookie = re.search(rb"(?i)set-cookie: (samtykke=[^;]+)", await visit.ask(new))[1]
    desk_clock.append(desk_clock[-1] + timedelta(seconds=60))
    for _ in range(4):
        assert b"set-cookie: samtykke=" in (await visit.ask(new)).lower()
        assert b"set-cookie" not in (await visit.ask(page_of(b"Sec-GPC: 1\r\nCookie: " + cookie))).lower()
    assert "over" in states(taken)


async def test_what_was_known_under_another_policy_is_known_no_more(behind, visiting, published, taken):
    """Of two visitors of one kind the second comes after the change."""
    _, proxy = await behind(always(answer(more=b"Set-Cookie: mystery=1\r\n")), policy_file=published())
    visit = await visiting(proxy)
    for _ in range(3):
        assert b"mystery" in await visit.ask(get())
    cookie = PolicyCookie(name="mystery", purpose=Purpose.MARKETING)
    proxy.reload(in_force(SitePolicy(site="shop", hosts=("shop.localhost",), cookies=(cookie,)), None))
    for line in (b"User-Agent: one", b"User-Agent: other") * 2:
        assert b"mystery" not in await visit.ask(get(b"/a.txt", line))
    assert len(taken) == 4


async def test_trackers_cookies_are_taken_off_and_counted_each_time(behind, visiting, taken):
    said = answer(more=b"Set-Cookie: _ga=GA1.2.3; Max-Age=63072000\r\nSet-Cookie: basket=1\r\n")
    wire, proxy = await behind(always(said))
    visit = await visiting(proxy)
    heard = [await visit.ask(get(b"/a.txt", b"Cookie: _ga=GA1.2.3; basket=1")) for _ in range(4)]
    assert all(b"_ga" not in one and b"basket=1" in one for one in heard)
    assert all(b"_ga" not in head and b"basket=1" in head for head in wire.heads)
    assert states(taken) == ["over"] * 3
    assert await visit.ask(get(b"/a.txt", b"User-Agent: other")) == heard[0]
    assert len(taken) == 3
    counted = proxy.counted.counts.stripped(1)
    assert (counted["cookie_set"], counted["cookie_sent"]) == (5, 4)
    found = {key[4]: number for key, number in proxy.ledger.evidence.items() if key[5] == "strip"}
    assert found == {"cookie_set": 5, "cookie_sent": 4}
    assert proxy.ledger.sightings == {("shop", "cookie", "basket", "/a.txt"): 5}


async def test_another_head_goes_the_long_way(behind, visiting, taken):
    one, other = answer(), answer(b"silk!", more=b"X-More: 1\r\n")
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nyarn\r\n0\r\n\r\n"
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"
    said = [one, one, other, one, chunked, one, missing, one]

    async def script(line: Line, number: int) -> None:
        await line.say(said[number])

    wire, proxy = await behind(script)
    visit = await visiting(proxy)
    with capture_logs() as logs:
        heard = [await visit.ask(get()) for _ in said]
    logged = [entry["request_id"].encode() for entry in logs if entry["event"] == "request"]
    assert logged == [re.search(rb"X-Request-Id: (\w+)", head)[1] for head in wire.heads]
    assert [one.partition(b"\r\n\r\n")[2] for one in heard] == [
        b"wool", b"wool", b"silk!", b"wool", b"yarn", b"wool", b"gone", b"wool",
    ]  # fmt: skip
    assert len(taken) == 7
    assert heard[6].startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("cut", [1, 30, 75, 80])
async def test_an_answer_in_pieces_is_the_same(behind, visiting, taken, cut):
    said = answer(b"wool and silk")

    async def script(line: Line, number: int) -> None:
        if number % 2:
            await line.say(said[:cut], said[cut:], pause=0.03)
        else:
            await line.say(said)

    _, proxy = await behind(script)
    visit = await visiting(proxy)
    assert len({await visit.ask(get()) for _ in range(5)}) == 1
    assert len(taken) == 4


async def test_a_page_in_slow_pieces_is_rewritten_all_the_same(behind, visiting, asking, taken):
    said = answer(PAGE % b"shop", kind=b"text/html")

    async def script(line: Line, number: int) -> None:
        if number > 6:
            await line.say(said[:120], said[120:], pause=0.2)
        else:
            await line.say(said)

    _, proxy = await behind(script, parts=asking)
    visit, cookie = await visiting(proxy), await refusal(await visiting(proxy))
    for _ in range(6):
        quick = await visit.ask(page_of(cookie))
    slow = await visit.ask(page_of(cookie))
    assert states(taken)[-1] == "taken over"
    assert b' src="https://www.google-analytics.com' not in slow
    marks = (b"data-samtykke", b"<title>shop</title>", b"<p>wool</p></body>", b"samtykke-reopen")
    assert [slow.count(mark) for mark in marks] == [quick.count(mark) for mark in marks]


async def test_a_policy_put_in_force_counts_from_the_next_request_on(behind, visiting, published, taken):
    said = answer(more=b"Set-Cookie: mystery=1\r\n")
    _, proxy = await behind(always(said), unknown_cookies="pass", policy_file=published())
    visit = await visiting(proxy)
    for _ in range(3):
        assert b"mystery" in await visit.ask(get())
    assert len(taken) == 2
    assert proxy.ledger.sightings == {("shop", "cookie", "mystery", "/a.txt"): 3}
    proxy._sites.all[0].put_in_force(None)
    assert b"mystery" in await visit.ask(get())
    assert len(taken) == 2, "what was known under the old policy is known no more"


async def test_the_kill_switch_is_obeyed(behind, visiting, tmp_path, taken):
    _, proxy = await behind(always(answer(more=b"Set-Cookie: _ga=1\r\n")), state=tmp_path)
    visit = await visiting(proxy)
    for _ in range(3):
        assert b"_ga" not in await visit.ask(get())
    (tmp_path / "samtykke.bypass").touch()
    proxy._look()
    assert b"_ga" in await visit.ask(get())
    assert len(taken) == 2


@pytest.mark.parametrize(
    "line", [b"If-None-Match: \"a\"", b"Range: bytes=0-1", b"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"]
)  # fmt: skip
async def test_conditional_requests_and_ranges_never_go_the_short_way(behind, visiting, taken, line):
    _, proxy = await behind(always(answer()))
    visit = await visiting(proxy)
    for _ in range(3):
        await visit.ask(get(b"/a.txt", line))
    assert taken == []


@pytest.mark.parametrize("settings", [{"mode": "report"}, {"request_id": True}])
async def test_modes_that_tell_or_change_nothing_never_go_the_short_way(behind, visiting, taken, settings):
    _, proxy = await behind(always(answer()), **settings)
    visit = await visiting(proxy)
    for _ in range(3):
        assert (await visit.ask(get())).endswith(b"wool")
    assert taken == []


async def test_a_body_whose_kind_has_to_be_guessed_is_looked_at_each_time(behind, visiting, taken):
    """Without a Content-Type the same head may come before a document and before something else."""
    text, page = b"wool" + b" " * (len(PAGE % b"t") - 4), PAGE % b"t"
    said = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body for body in (text, page)]

    async def script(line: Line, number: int) -> None:
        await line.say(said[number % 2])

    _, proxy = await behind(script)
    visit = await visiting(proxy)
    for _ in range(4):
        assert (await visit.ask(get(b"/", accept=b"text/html", to=b"document"))).endswith(text)
        heard = await visit.ask(get(b"/", accept=b"text/html", to=b"document"))
        assert b' src="https://www.google-analytics.com' not in heard


async def test_a_head_asked_for_is_no_whole_answer(behind, visiting, taken):
    async def script(line: Line, number: int) -> None:
        said = answer(b"silk!") if number == 9 else answer()
        await line.say(said if wire.heads[number].startswith(b"GET ") else answer()[:-4])

    wire, proxy = await behind(script)
    visit = await visiting(proxy)
    whole = [await visit.ask(get()) for _ in range(2)][-1]
    for _ in range(3):
        visit.writer.write(get().replace(b"GET", b"HEAD"))
        assert await visit.reader.readuntil(b"\r\n\r\n") == whole[:-4]
        assert await visit.ask(get()) == whole
    visit.writer.write(get().replace(b"GET", b"HEAD"))
    assert await visit.reader.readuntil(b"\r\n\r\n") == whole[:-4]
    assert (await visit.ask(get())).endswith(b"silk!")
    assert len(taken) == 5


async def test_visitors_behind_a_balancer_are_told_apart(behind, taken):
    wire, proxy = await behind(always(answer()), proxy_protocol=True, trusted_proxies=("127.0.0.1",))
    writers = []
    for address in (b"192.0.2.7", b"192.0.2.8"):
        reader, writer = await asyncio.open_connection(*proxy.address)
        writers.append(writer)
        visit = Visit(reader, writer)
        writer.write(b"PROXY TCP4 " + address + b" 198.51.100.1 5000 443\r\n")
        for _ in range(3):
            assert (await visit.ask(get())).endswith(b"wool")
        assert [re.search(rb"X-Forwarded-For: (\S+)", head)[1] for head in wire.heads[-3:]] == [address] * 3
    assert len(taken) == 4
    for writer in writers:
        writer.close()


async def test_only_so_many_bytes_are_known_within_a_second(behind, visiting, taken, monkeypatch):
    monkeypatch.setattr("proxy.arrival._ROOM", 2000)
    _, proxy = await behind(always(answer()))
    visit = await visiting(proxy)
    for target in [b"/a.txt", b"/b.txt"]:
        assert len({await visit.ask(get(target)) for _ in range(3)}) == 1
    assert len(taken) == 2, "there was room for the first alone"
    proxy._look()
    for _ in range(3):
        await visit.ask(get(b"/b.txt"))
    assert len(taken) == 4


ANSWERS = (
    answer(), answer(b"silk"), answer(b"", more=b"Set-Cookie: _ga=1; Path=/\r\n"),
    answer(more=b"Link: <https://www.google-analytics.com/a.js>; rel=preload; as=script\r\n"),
    answer(PAGE % b"wool", kind=b"text/html"), answer(PAGE % b"silk", kind=b"text/html"),
    answer(PAGE % b"silk", kind=b"text/html", more=b"Content-Security-Policy: script-src 'nonce-abcdef'\r\n"),
    answer(PAGE % b"silk", kind=b"text/html", more=b"Cache-Control: no-store\r\nETag: \"a\"\r\n"),
    b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\n5\r\n<p>a<\r\n0\r\n\r\n",
)  # fmt: skip
REQUESTS = st.tuples(
    st.sampled_from([b"/", b"/a.txt", b"/a/b?c=d"]),
    st.sampled_from([b"document", b"empty", b"iframe", b"script"]),
    st.sampled_from([(), (b"Accept-Encoding: gzip",), (b"Cookie: _ga=1; basket=2",)]),
    st.integers(0, len(ANSWERS) - 1),
    st.integers(0, 400),
)


@pytest.mark.usefixtures("in_no_hurry")
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asked=st.lists(REQUESTS, min_size=2, max_size=8))
async def test_either_way_says_the_same(behind, visiting, asking, taken, asked):
    """Whatever is asked and answered in whatever order: a proxy that has just answered the like, and one that has
    never answered anything, say the same."""
    now = [ANSWERS[4]]

    async def script(line: Line, _: int) -> None:
        await line.say(*now)

    _, proxy = await behind(script, parts=asking)
    cookie = await refusal(await visiting(proxy))
    for target, to, lines, which, cut in asked * 3:
        said = ANSWERS[which]
        now[:] = [said[:cut], said[cut:]]
        mine = get(target, cookie, *lines, accept=b"text/html", to=to)
        others = get(target, cookie, b"User-Agent: other", *lines, accept=b"text/html", to=to)
        knowing = await (await visiting(proxy)).ask(mine)
        proxy._look()  # a second passes, and all is forgotten
        heard = [await (await visiting(proxy)).ask(request) for request in (mine, others, mine, others)]
        assert set(heard) == {knowing}

"""What is read in one step is read the same by aiohttp's parser, and nothing ambiguous is read in one step."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.http_parser import HttpResponseParser
from hypothesis import given
from hypothesis import strategies as st

from proxy import plain
from proxy.headers import HOP_BY_HOP, refusal

HOST = b"Host: shop.localhost\r\n"
NAMES = st.sampled_from(
    [b"Accept", b"Cookie", b"X-A", b"Connection", b"Content-Length", b"Transfer-Encoding", b"Host", b"Upgrade", b"Te"]
) | st.binary(min_size=1, max_size=6)
VALUES = st.sampled_from(
    [b"keep-alive", b"close", b"5", b"chunked", b"a, b", b"shop.localhost", b"", b" x\t"]
) | st.binary(max_size=8)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n "])
LINES = st.lists(
    st.builds(lambda n, c, v, e: n + c + v + e, NAMES, st.sampled_from([b": ", b":", b" :"]), VALUES, ENDS)
)


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def is_plain(data):
    found = plain.request(data)
    return found is not None and plain.request_fields(found.lines) is not None


def parsed(kind, loop, data, **options):
    """All messages that aiohttp reads here; None where it refuses."""
    protocol = BaseProtocol(loop)
    protocol.transport = mock.create_autospec(asyncio.Transport, instance=True)
    parser = kind(protocol, loop, 65_536, **options)
    protocol._parser = parser
    try:
        messages, _, rest = parser.feed_data(data)
    except Exception:
        return None
    return messages, rest


@given(
    method=st.sampled_from([b"GET", b"HEAD", b"POST", b"get"]),
    target=st.sampled_from([b"/", b"/a?b=%20", b"/a#b", b"*", b"http://shop.localhost/"]) | st.binary(max_size=5),
    version=st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"]),
    lines=LINES,
    tail=st.sampled_from([b"", b"", b"x", b"GET / HTTP/1.1\r\n"]),
)
def test_a_plain_request_is_what_the_parser_reads_and_nothing_against_it(loop, method, target, version, lines, tail):
    data = method + b" " + target + b" " + version + b"\r\n" + HOST + b"".join(lines) + b"\r\n" + tail
    found = plain.request(data)
    fields = plain.request_fields(found.lines) if found is not None else None
    if found is None or fields is None:
        return
    read = parsed(HttpRequestParser, loop, data)
    assert read is not None
    [(message, body)], rest = read
    assert (message.method, message.path.encode()) == (found.method, found.target)
    assert list(message.raw_headers) == list(fields)
    assert body.is_eof()
    assert not message.should_close
    assert not message.upgrade
    assert not rest
    assert refusal(found.method, found.target, (1, 1), fields) is None


@given(
    first=st.sampled_from(
        [
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 404 ",
            b"HTTP/1.1 204 No",
            b"HTTP/1.1 100 Go",
            b"HTTP/1.0 200 OK",
            b"HTTP/1.1 304",
        ]
    ),
    lines=LINES,
    length=st.integers(0, 6),
    body=st.binary(max_size=8),
    bodyless=st.booleans(),
)
def test_a_plain_answer_is_what_the_parser_reads(loop, first, lines, length, body, bodyless):
    data = first + b"\r\nContent-Length: %d\r\n" % length + b"".join(lines) + b"\r\n" + body
    found = plain.answer(data, bodyless=bodyless)
    if found is None:
        return
    read = parsed(HttpResponseParser, loop, data, response_with_body=not bodyless, read_until_eof=True)
    assert read is not None
    [(message, content)], rest = read
    assert message.code == found.status
    assert (message.reason or "").encode("utf-8", "surrogateescape") == found.reason
    kept = [(name, value) for name, value in message.raw_headers if name.lower() not in HOP_BY_HOP]
    assert kept == list(found.fields)
    assert not message.should_close
    assert not rest
    if not bodyless and found.status not in {204, 304}:
        assert content.is_eof() == (len(data) - found.begins == found.length)
        assert (content.read_nowait(-1) if body else b"") == data[found.begins :]


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Upgrade: h2c", b"Host: b",
        b"Connection: close", b"Connection: keep-alive, x-a", b"Content_Length: 4", b"X_Forwarded_For: 1",
        b" folded: 1", b"No colon", b"X:\x00", b"X: a\rb", b"X: a\nb", b": empty", b"Na me: x",
    ],
)  # fmt: skip
def test_what_needs_a_second_look_is_not_plain(line):
    assert is_plain(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert not is_plain(b"GET / HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST,
        b"GET / HTTP/1.1\r\n" + HOST + b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xe6 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\n" + HOST + b"\n",
        b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 100 + b"\r\n",
    ],
)
def test_a_request_of_another_shape_is_not_plain(data):
    assert not is_plain(data)


def test_own_addresses_are_told_apart():
    for target, own in ((b"/.samtykke/me", True), (b"/.well-known/gpc.json", True), (b"/me", False)):
        found = plain.request(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert found is not None
        assert found.is_own is own

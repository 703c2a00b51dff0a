"""The same requests to a real httpbin, directly and through the proxy: the same answers, and the same echo."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from free_ports import free_port, until_it_listens

from proxy import coding

SERVER = """
import sys
from httpbin import app
from werkzeug.serving import WSGIRequestHandler
WSGIRequestHandler.protocol_version = "HTTP/1.1"
app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
"""


@pytest.fixture
async def httpbin(tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """Fails where httpbin is not installed: it is one of the development dependencies."""
    port = free_port()
    with (tmp_path / "httpbin.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, str(port), stdout=log, stderr=log)
    try:
        await until_it_listens(port, process, tmp_path / "httpbin.log")
        yield "127.0.0.1", port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STATUSES = (200, 201, 202, 204, 205, 301, 302, 303, 307, 400, 401, 402, 403, 404, 406, 409, 410, 418, 429, 500, 503)
BODIES = {
    "form": (b"Content-Type: application/x-www-form-urlencoded\r\n", b"a=1&a=2&b=%20%C3%A6"),
    "json": (b"Content-Type: application/json\r\n", b'{"a": [1, "\xc3\xa6"]}'),
    "bytes": (b"Content-Type: application/octet-stream\r\n", bytes(range(256)) * 40),
    "multipart": (
        b"Content-Type: multipart/form-data; boundary=x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n',
    ),
    "empty": (b"", b""),
}
READ = [
    "/get?a=1&a=2&&b=%2F+%26", "/base64/aGVsbG8=", "/bytes/1000?seed=1", "/stream-bytes/5000?seed=1&chunk_size=700",
    "/stream/3", "/range/1024", "/gzip", "/deflate", "/brotli", "/encoding/utf8", "/html", "/xml", "/json",
    "/robots.txt", "/deny", "/image/png", "/image/svg", "/image/jpeg", "/image/webp",
    "/cookies", "/cookies/set?a=1&b=2", "/cookies/delete?a", "/redirect/2", "/absolute-redirect/2",
    "/relative-redirect/2",
    "/redirect-to?url=https%3A%2F%2Fother.example%2Fa%3Fb", "/response-headers?X-A=1&X-A=2&X-B=%C3%A6",
    "/cache/60", "/etag/abc", "/basic-auth/u/p", "/hidden-basic-auth/u/p", "/bearer", "/links/3/1", "/drip?duration=0",
    "/delay/0", "/forms/post", "/user-agent", "/anything/%C3%A6/..%2f/b;c=d?e=f%00", "/missing",
]  # fmt: skip
VARIATIONS = (
    b"", b"Range: bytes=0-9\r\n", b"Range: bytes=-4\r\n", b"Range: bytes=2000-\r\n", b"Accept-Encoding: gzip, br\r\n",
    b"If-None-Match: abc\r\n",
    b'If-None-Match: "abc", W/"x"\r\n', b"If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
    b"Authorization: Basic dTpw\r\n", b"Cookie: a=1; b=2; c\r\n", b"Accept: image/webp\r\n",
)  # fmt: skip
OURS = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"}
HOP = {"connection", "keep-alive", "transfer-encoding", "date"}


def shapes() -> list[bytes]:
    found = [b"GET " + path.encode() + b" HTTP/1.1\r\n" + more for path, more in itertools.product(READ, VARIATIONS)]
    found += [b"%b /status/%d HTTP/1.1\r\n" % (method.encode(), status) for method, status in
              itertools.product(METHODS, STATUSES)]  # fmt: skip
    for method, (kind, body), chunked in itertools.product(METHODS[2:6], BODIES.values(), (False, True)):
        head = b"%b /anything?x HTTP/1.1\r\n%b" % (method.encode(), kind)
        if chunked:
            # httpbin's own server reads no chunks; what is compared is that it hears of them in the same words.
            found.append(head + b"X-Chunk: 1\r\n")
        else:
            found.append(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return found


def with_host(request: bytes) -> bytes:
    line, _, rest = request.partition(b"\r\n")
    whole = line + b"\r\nHost: shop.localhost\r\nSec-Fetch-Dest: video\r\n" + rest
    return whole if b"\r\n\r\n" in rest else whole + b"\r\n"


def comparable(got) -> tuple:
    lines = [line.partition(b":") for line in got.head.split(b"\r\n")[1:] if line]
    headers = [(name.lower(), value.strip()) for name, _, value in lines if name.decode().lower() not in HOP]
    if not got.body or not (echo := echoed(got)):
        return got.status, headers, got.body
    # The echo tells of our own fields, so its length is not the same.
    return got.status, [(name, value) for name, value in headers if name != b"content-length"], echo


def echoed(got) -> list[dict]:
    """What httpbin says it was asked, without what we add: one document, or one in each line."""
    applied = coding.codings(", ".join(got.header("content-encoding")).encode())
    plain = b"".join(coding.decoder(applied, ratio=1000, free=1 << 24).feed(got.body))
    if plain[:1] != b"{":
        return []
    try:
        found = [json.loads(plain)]
    except ValueError:
        found = [json.loads(line) for line in plain.splitlines()]
    for echo in found:
        echo.pop("origin", None)
        if "headers" in echo:
            told = echo["headers"].items()
            echo["headers"] = {name: value for name, value in told if name.lower() not in OURS | HOP}
    return found


async def test_httpbin_answers_the_same_directly_and_through_the_proxy(httpbin, start_proxy, say):
    proxy = await start_proxy(f"http://{httpbin[0]}:{httpbin[1]}", remembered=0, access_log=False)
    requests = shapes()
    assert len(requests) > 500
    different = []
    for request in requests:
        # One after the other: httpbin's seeded bytes come from one generator for all its threads.
        direct, through = await say(httpbin, with_host(request)), await say(proxy.address, with_host(request))
        if comparable(direct) != comparable(through):
            different.append((request[:200], comparable(direct), comparable(through)))
    assert not different, (len(different), different[:2])

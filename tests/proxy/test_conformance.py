"""The same requests to a real nginx, directly and through the proxy: the answers are the same."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from free_ports import free_port, until_it_listens

CONFIG = """
daemon off; master_process off; worker_processes 1; error_log stderr error; pid {root}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off; server_tokens off; etag on; gzip on; gzip_types text/css application/json; gzip_min_length 20;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi; client_max_body_size 1m;
  types {{ text/css css; image/png png; application/json json; text/plain txt; video/mp4 mp4; text/html html; }}
  server {{
    listen 127.0.0.1:{port}; root {root}/files; absolute_redirect off;
    location /status/204 {{ return 204; }}
    location /status/301 {{ return 301 /plain.txt; }}
    location /status/302 {{ return 302 "/a b?c=%20"; }}
    location /status/404 {{ return 404; }}
    location /status/410 {{ return 410 "gone"; }}
    location /status/418 {{ return 418 "teapot"; }}
    location /status/503 {{ add_header Retry-After 5 always; return 503 "busy"; }}
    location /headers {{
      default_type text/plain; add_header X-One 1; add_header X-One 2; add_header X-Empty "";
      add_header X-Long "{long}";
      add_header Set-Cookie "a=1; Path=/"; add_header Set-Cookie "b=2; Path=/x"; return 200 "headers";
    }}
    location /echo {{ default_type text/plain;
      return 200 "$request_method|$request_uri|$http_x_a|$http_range|$host|$args"; }}
    location /upload {{ default_type text/plain;
      return 200 "$content_length|$http_transfer_encoding|$http_content_type"; }}
    location /dav/ {{ dav_methods PUT DELETE MKCOL; create_full_put_path on; }}
  }}
}}
"""


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """A real nginx with files and small locations."""
    files = tmp_path / "files"
    files.mkdir()
    for name, content in {
        "plain.txt": b"plain text\n", "style.css": b"body { color: red }\n" * 50, "data.json": b'{"a": 1}' * 40,
        "pixel.png": bytes(range(256)) * 4, "large.mp4": os.urandom(300_000), "empty.txt": b"",
    }.items():  # fmt: skip
        (files / name).write_bytes(content)
    port = free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(root=tmp_path, port=port, long="x" * 3000))
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    with (tmp_path / "nginx.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            binary, "-c", str(config), "-p", str(tmp_path), stdout=log, stderr=log
        )
    try:
        await until_it_listens(port, process, tmp_path / "nginx.log")
        yield "127.0.0.1", port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


FILES = [
    "/plain.txt",
    "/style.css",
    "/data.json",
    "/pixel.png",
    "/large.mp4",
    "/empty.txt",
    "/missing",
    "/%2e%2e/plain.txt",
]
VARIATIONS = [
    b"", b"Range: bytes=0-0\r\n", b"Range: bytes=-5\r\n", b"Range: bytes=5-\r\n", b"Range: bytes=3-2\r\n",
    b"Range: bytes=99999999-\r\n", b"Range: lines=1\r\n", b"Accept-Encoding: gzip\r\n",
    b"Accept-Encoding: identity\r\n",
    b"If-Modified-Since: Wed, 01 Jan 2999 00:00:00 GMT\r\n", b"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    b"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", b'If-None-Match: "x"\r\n', b"If-None-Match: *\r\n",
    b'If-Match: "x"\r\n', b'If-Range: "x"\r\nRange: bytes=0-3\r\n',
]  # fmt: skip
OTHERS = [
    *(b"GET /status/%d HTTP/1.1\r\n" % status for status in (204, 301, 302, 404, 410, 418, 503)),
    *(b"HEAD /status/%d HTTP/1.1\r\n" % status for status in (204, 301, 410)),
    b"GET /headers HTTP/1.1\r\n", b"HEAD /headers HTTP/1.1\r\n",
    *(method + b" /echo?" + query + b" HTTP/1.1\r\nX-A: " + value + b"\r\n"
      for method, query, value in itertools.product(
          (b"GET", b"POST", b"OPTIONS", b"DELETE", b"PATCH"), (b"", b"a=%20&b=+&&", b"?"), (b"", b"\xe6", b"a, b"))),
    b"POST /upload HTTP/1.1\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /upload HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"POST /upload HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n",
    b"PUT /dav/x.txt HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    b"PUT /dav/y.txt HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"MKCOL /dav/z/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
]  # fmt: skip
HOP = {"connection", "keep-alive", "transfer-encoding", "date"}


def shapes() -> list[bytes]:
    found = [
        method + b" " + path.encode() + b" HTTP/1.1\r\n" + variation
        for method, path, variation in itertools.product((b"GET", b"HEAD"), FILES, VARIATIONS)
    ]
    return found + OTHERS


def with_host(request: bytes) -> bytes:
    line, _, rest = request.partition(b"\r\n")
    return (
        line
        + b"\r\nHost: shop.localhost\r\nSec-Fetch-Dest: video\r\n"
        + rest
        + (b"" if b"\r\n\r\n" in rest else b"\r\n")
    )


def comparable(got) -> tuple:
    lines = [line.partition(b":") for line in got.head.split(b"\r\n")[1:] if line]
    headers = [(name.decode().lower(), value.strip()) for name, _, value in lines if name.decode().lower() not in HOP]
    return got.status, got.head.split(b"\r\n")[0], headers, got.body


async def test_answers_are_the_same_directly_and_through_the_proxy(nginx, start_proxy, say):
    proxy = await start_proxy(f"http://{nginx[0]}:{nginx[1]}")
    requests = shapes()
    assert len(requests) > 300
    different = []
    for request in requests:
        direct, through = await asyncio.gather(say(nginx, with_host(request)), say(proxy.address, with_host(request)))
        if request.startswith((b"PUT", b"MKCOL")):
            continue
        if comparable(direct) != comparable(through):
            different.append((request, comparable(direct)[:3], comparable(through)[:3]))
    assert not different, different[:3]

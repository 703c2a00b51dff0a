"""A real shared cache in front of a proxy: nginx `proxy_cache`, or Varnish. A missing program is a failure."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from free_ports import free_port, until_it_listens

NGINX = """
daemon off; master_process off; worker_processes 1; error_log stderr error; pid {root}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  proxy_cache_path {root}/cache keys_zone=one:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_set_header Host $http_host;
      proxy_cache one; proxy_cache_key $host$request_uri; proxy_cache_revalidate on;
      add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""
VARNISH = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{behind}"; }}
# The cache that a shop would write: cookies do not keep it from caching what the answer allows.
sub vcl_recv {{ return (hash); }}
sub vcl_deliver {{ if (obj.hits > 0) {{ set resp.http.X-Cache = "HIT"; }} else {{ set resp.http.X-Cache = "MISS"; }} }}
"""


def program(name: str) -> str:
    """Where it is. Raises FileNotFoundError saying how to get it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: run `sh tools/system-packages.sh test`")
    return found


@asynccontextmanager
async def shared_cache(kind: str, behind: int, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """Start it in front of the port `behind`; gives its address."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  before anything else runs
    if kind == "nginx":
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(root=folder, port=port, behind=behind))
        command = [program("nginx"), "-c", str(config), "-p", str(folder)]
    else:
        config = folder / "cache.vcl"
        config.write_text(VARNISH.format(behind=behind))
        command = [
            program("varnishd"), "-F", "-a", f"127.0.0.1:{port}", "-f", str(config), "-n", str(folder / "varnish"),
            "-s", "malloc,16m", "-j", "none",
        ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await until_it_listens(port, process, folder / "log")
        yield "127.0.0.1", port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()

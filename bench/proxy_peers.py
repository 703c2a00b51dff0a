"""The peers that the proxy is measured beside, as real programs: each is started on one core and stopped afterwards.

What is missing fails with how to get it: nginx, Apache and wrk from the system (`sh tools/system-packages.sh bench`),
mitmproxy into a virtual environment of its own and workerd by npm, both in a temporary folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOSTS = [f"t{rule}.example" for rule in range(40)]


class MissingPeerError(RuntimeError):
    """A peer cannot be had: the message says which and why."""


@dataclass(frozen=True)
class Place:
    """Where a peer runs: its folder, its port, the site behind it, the core it is bound to."""

    folder: Path
    port: int
    behind: int
    core: str


Command = Callable[[Place], list[str]]


def program(name: str) -> str:
    """Raises MissingPeerError."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingPeerError(f"{name} is missing: run `sh tools/system-packages.sh bench`")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(name: str, command: Sequence[str], place: Place, *, path: str = "/") -> Iterator[int]:
    """Start a program bound to its core; gives its process id once it answers. Raises MissingPeerError."""
    log = (place.folder / f"{name}.log").open("wb")
    bound = [program("taskset"), "-c", place.core, *command]
    process = subprocess.Popen(bound, stdout=log, stderr=log, cwd=place.folder, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (place.folder / f"{name}.log").read_text("utf-8", "replace")[-2000:]
                raise MissingPeerError(f"{name} does not answer:\n{said}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{place.port}{path}", timeout=5) as answer:
                    answer.read()
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        with_children(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            with_children(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def with_children(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def family(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split() if int(child) not in found]
        except OSError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living children."""
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


# nginx

_NGINX = """
daemon off; worker_processes 1; error_log stderr error; pid {root}/{name}.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off; server_tokens off; sendfile on; tcp_nopush on; keepalive_requests 100000000; gzip off;
  types {{ text/html html; text/plain txt; }} default_type text/html;
  client_body_temp_path {root}/{name}b; proxy_temp_path {root}/{name}p; fastcgi_temp_path {root}/{name}f;
  uwsgi_temp_path {root}/{name}u; scgi_temp_path {root}/{name}s; proxy_buffers 16 16k; proxy_buffer_size 16k;
  {more}
}}
"""


def _nginx(name: str, place: Place, more: str) -> list[str]:
    config = place.folder / f"{name}.conf"
    config.write_text(_NGINX.format(root=place.folder, name=name, more=more))
    return [program("nginx"), "-c", str(config), "-p", str(place.folder)]


def upstream(place: Place) -> list[str]:
    """The site: /page.html, /small.txt, and /unique/page.html and /unique/parts.html that are never the same twice."""
    return _nginx("upstream", place, f"""
  server {{ listen 127.0.0.1:{place.port} backlog=1024; root {place.folder}/files;
    location /unique/ {{ alias {place.folder}/files/;
      sub_filter 'UNIQUE' $request_id; sub_filter_once off; }} }}""")  # fmt: skip


def _front(place: Place, more: str = "") -> str:
    return f"""
  upstream site {{ server 127.0.0.1:{place.behind}; keepalive 64; }}
  server {{ listen 127.0.0.1:{place.port} backlog=1024;
    location / {{ proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; {more} }} }}"""


def nginx_pass(place: Place) -> list[str]:
    return _nginx("pass", place, _front(place))


def nginx_sub_filter(place: Place) -> list[str]:
    rules = " ".join(f"sub_filter 'src=\"https://{host}/' 'data-src=\"https://{host}/';" for host in HOSTS)
    return _nginx("sub_filter", place, _front(place, f"{rules} sub_filter_once off;"))


# Apache


def apache(place: Place) -> list[str]:
    modules = "/usr/lib/apache2/modules"
    if not Path(modules, "mod_substitute.so").is_file():
        raise MissingPeerError("Apache's mod_substitute is missing: run `sh tools/system-packages.sh bench`")
    load = "\n".join(
        f"LoadModule {name}_module {modules}/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "filter", "substitute", "proxy", "proxy_http")
    )
    rules = "\n".join(f'Substitute "s|src=\\"https://{host}/|data-src=\\"https://{host}/|n"' for host in HOSTS)
    config = place.folder / "apache.conf"
    config.write_text(f"""
ServerRoot {place.folder}
ServerName localhost
PidFile {place.folder}/apache.pid
DefaultRuntimeDir {place.folder}
Listen 127.0.0.1:{place.port}
ErrorLog {place.folder}/apache.error
{load}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
ProxyPass / http://127.0.0.1:{place.behind}/ keepalive=On
AddOutputFilterByType SUBSTITUTE text/html
SubstituteMaxLineLength 4m
{rules}
""")
    return [program("apache2"), "-f", str(config), "-D", "FOREGROUND"]


# mitmproxy

_ADDON = """
HOSTS = {hosts}
def response(flow):
    if "text/html" in flow.response.headers.get("content-type", ""):
        body = flow.response.content
        for host in HOSTS:
            body = body.replace(b'src="https://' + host + b'/', b'data-src="https://' + host + b'/')
        flow.response.content = body
"""


def mitmproxy(place: Place) -> list[str]:
    home = place.folder / "mitmproxy"
    if not (home / "bin" / "mitmdump").exists():
        _install([sys.executable, "-m", "venv", str(home)], "mitmproxy")
        _install([str(home / "bin" / "pip"), "install", "-q", "mitmproxy"], "mitmproxy")
    addon = place.folder / "addon.py"
    addon.write_text(_ADDON.format(hosts=[host.encode() for host in HOSTS]))
    return [
        str(home / "bin" / "mitmdump"), "-q", "--mode", f"reverse:http://127.0.0.1:{place.behind}",
        "--listen-host", "127.0.0.1", "-p", str(place.port), "-s", str(addon),
        "--set", f"confdir={place.folder}/mitm", "--set", "flow_detail=0",
    ]  # fmt: skip


# workerd

_CAPNP = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2024-09-01", bindings = [(name = "site", service = "site")])),
    (name = "site", external = (address = "127.0.0.1:{behind}", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")]
);
"""
_WORKER = """
const hosts = new Set({hosts});
const hold = {{ element(e) {{
  const src = e.getAttribute("src");
  let host = ""; try {{ host = new URL(src, "https://shop.example/").hostname; }} catch {{}}
  if (hosts.has(host)) {{ e.setAttribute("data-src", src); e.removeAttribute("src"); }}
}} }};
export default {{ async fetch(request, env) {{
  const answer = await env.site.fetch(request);
  return new HTMLRewriter().on("script[src]", hold).on("img[src]", hold).on("iframe[src]", hold).transform(answer);
}} }};
"""


def workerd(place: Place) -> list[str]:
    home = place.folder / "workerd"
    binary = home / "node_modules" / ".bin" / "workerd"
    if not binary.exists():
        home.mkdir(exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        _install([program("npm"), "install", "--prefix", str(home), "--no-audit", "--no-fund", "workerd"], "workerd")
    (place.folder / "worker.js").write_text(_WORKER.format(hosts=json.dumps(HOSTS)))
    config = place.folder / "workerd.capnp"
    config.write_text(_CAPNP.format(behind=place.behind, port=place.port))
    real = next(iter(home.glob("node_modules/@cloudflare/workerd-linux-*/bin/workerd")), binary)
    return [str(real), "serve", str(config)]


def _install(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingPeerError(f"{what} could not be installed: {done.stderr[-1000:] or done.stdout[-1000:]}")


# Ours


def ours(place: Place, *, workers: int = 1, more: str = "") -> list[str]:
    overrides = "".join(
        f'[[policy.override]]\nkind = "host"\nmatch = "{host}"\npurpose = "marketing"\nreason = "measured"\n'
        for host in HOSTS
    )
    home = place.folder / f"ours{place.port}"
    home.mkdir(exist_ok=True)
    (home / "samtykke.toml").write_text(f"""
[[site]]
name = "shop"
hosts = ["127.0.0.1"]
upstream = "http://127.0.0.1:{place.behind}"
[proxy]
listen = "127.0.0.1:{place.port}"
access_log = false
{more}
[consent]
languages = ["en"]
[policy]
{overrides}
""")
    config = str(home / "samtykke.toml")
    return [sys.executable, "-m", "samtykke", "serve", "--workers", str(workers), "--config", config]


def refusal(port: int, path: str) -> str:
    """The Cookie header of a visitor who has refused. Raises MissingPeerError where none is given."""
    url = f"http://127.0.0.1:{port}"
    asked = urllib.request.Request(url + path, headers={"Sec-Fetch-Dest": "document"})
    with urllib.request.urlopen(asked) as answer:
        token = re.search(rb'name="notice" value="([^"]+)"', answer.read())
    fields = b"action=reject&return=/&notice=" + (token[1] if token else b"")
    posted = urllib.request.Request(
        url + "/.samtykke/choice", fields, {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
    )
    with urllib.request.urlopen(posted) as answer:
        cookies = [line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie") or []]
    if not cookies:
        raise MissingPeerError("the proxy gave a refuser no cookie")
    return "; ".join(cookies)

"""The proxy beside its peers in one run: one core for each peer, the other one for wrk and the site.

Run `python -m bench.proxy [SECONDS]`, or `make bench`. A page of 60 KB with 40 trackers of which all have to be held
back, and a small text that only passes. Unique bodies differ in a word of the head, as one shop page from the next in
the parts that all have; "in every part" they differ in each of their 149 products. A repeated body is asked for in the
same words each time, as by one crowd on one page; "never the same words" has another User-Agent in each request, so
that nothing found out about the asking helps. Besides requests per second there
are requests per second of the peer's own processor time, which other work on the machine disturbs less.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import proxy_peers as peers
from bench.proxy_peers import Command, Place
from bench.rewriting import page

PEER_CORE, OTHER_CORE = "0", "1"
ROUNDS = 3
"""Everybody's turn comes so often; the median counts, since the machine is not the same from minute to minute."""
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_LATENCY = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_ERRORS = re.compile(r"(Socket errors: .*|Non-2xx or 3xx responses: \d+)")
_VARYING = """
local number = 0
function request()
  number = number + 1
  wrk.headers["User-Agent"] = "visitor " .. number
  return wrk.format()
end
"""
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Row:
    """One peer with one path. `decided`: the visitor has refused; `varied`: no two requests have the same lines."""

    name: str
    command: Command
    path: str
    decided: bool = False
    varied: bool = False
    cores: str = PEER_CORE


@dataclass(frozen=True)
class Figure:
    """Requests per second, per second of processor time, and the slowest hundredth in milliseconds."""

    rate: float
    per_cpu: float
    p99: float
    errors: str


ROWS = (
    Row("nginx proxy_pass", peers.nginx_pass, "/page.html"),
    Row("nginx sub_filter, 40 rules", peers.nginx_sub_filter, "/page.html"),
    Row("nginx sub_filter, unique bodies", peers.nginx_sub_filter, "/unique/page.html"),
    Row("nginx sub_filter, unique in every part", peers.nginx_sub_filter, "/unique/parts.html"),
    Row("Apache mod_substitute, 40 rules", peers.apache, "/page.html"),
    Row("mitmproxy with an addon", peers.mitmproxy, "/page.html"),
    Row("workerd HTMLRewriter", peers.workerd, "/page.html"),
    Row("samtykke, repeated body", peers.ours, "/page.html", decided=True),
    Row("samtykke, repeated body, never the same words", peers.ours, "/page.html", decided=True, varied=True),
    Row("samtykke, repeated body, banner and token", peers.ours, "/page.html"),
    Row("samtykke, unique bodies", peers.ours, "/unique/page.html", decided=True),
    Row("samtykke, unique in every part", peers.ours, "/unique/parts.html", decided=True),
    Row("samtykke, repeated body, two workers on both cores", partial(peers.ours, workers=2), "/page.html",
        decided=True, cores="0,1"),
    Row("samtykke, never the same words, two workers on both cores", partial(peers.ours, workers=2), "/page.html",
        decided=True, varied=True, cores="0,1"),
    Row("nginx proxy_pass, small", peers.nginx_pass, "/small.txt"),
    Row("samtykke pass-through, small", peers.ours, "/small.txt", decided=True),
    Row("samtykke pass-through, small, never the same words", peers.ours, "/small.txt", decided=True, varied=True),
)  # fmt: skip
BARS = (
    ("samtykke, repeated body", "nginx sub_filter, 40 rules", 1.2),
    ("samtykke, unique bodies", "nginx sub_filter, unique bodies", 0.5),
    ("samtykke, unique in every part", "nginx sub_filter, unique in every part", 0.5),
    ("samtykke, repeated body", "mitmproxy with an addon", 5.0),
    ("samtykke, repeated body", "workerd HTMLRewriter", 4.0),
    ("samtykke pass-through, small", "nginx proxy_pass, small", 0.5),
)
SCALES = (
    ("two workers / one", "samtykke, repeated body, two workers on both cores", "samtykke, repeated body"),
    (
        "two workers / one, never the same words", "samtykke, never the same words, two workers on both cores",
        "samtykke, repeated body, never the same words",
    ),
)  # fmt: skip
"""One worker answers repeated bodies as fast as site and wrk on the other core go: a second one takes from these."""


def hammer(url: str, seconds: float, headers: list[str], script: Path | None = None) -> tuple[float, float, str]:
    """wrk on the other core: requests per second, slowest hundredth in milliseconds, errors."""
    command = [peers.program("taskset"), "-c", OTHER_CORE, peers.program("wrk"), "-t1", "-c32", "--latency"]
    command += [f"-d{seconds:g}s", *(word for header in headers for word in ("-H", header))]
    command += ["-s", str(script), url] if script is not None else [url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, slow, errors = _RATE.search(said), _LATENCY.search(said), _ERRORS.search(said)
    if rate is None or slow is None:
        raise RuntimeError(f"wrk said nothing that is understood:\n{said}")
    return float(rate[1]), float(slow[1]) * _UNITS[slow[2]], errors[1] if errors else ""


def measure(row: Row, folder: Path, behind: int, seconds: float) -> Figure:
    place = Place(folder, peers.free_port(), behind, row.cores)
    command = row.command(place)
    with peers.running(re.sub(r"\W+", "-", row.name), command, place, path=row.path) as pid:
        headers = ["Sec-Fetch-Dest: document", "Accept: text/html"]
        if row.decided:
            headers.append("Cookie: " + peers.refusal(place.port, "/page.html"))
        url = f"http://127.0.0.1:{place.port}{row.path}"
        _check(url, row, headers)
        script = _varying(folder) if row.varied else None
        hammer(url, min(seconds, 2.0), headers, script)
        before = peers.cpu_seconds(pid)
        rate, p99, errors = hammer(url, seconds, headers, script)
        spent = peers.cpu_seconds(pid) - before
    return Figure(rate, rate * seconds / spent if spent else 0.0, p99, errors)


def _varying(folder: Path) -> Path:
    """A script of wrk's that gives each request another User-Agent."""
    script = folder / "varying.lua"
    script.write_text(_VARYING)
    return script


def _check(url: str, row: Row, headers: list[str]) -> None:
    """Does the peer do its work? A peer that rewrites nothing would be quick."""
    asked = urllib.request.Request(url, headers=dict(header.split(": ", 1) for header in headers))
    with urllib.request.urlopen(asked) as answer:
        body = answer.read()
    if row.path.endswith(".html") and "proxy_pass" not in row.name:
        loading = len(re.findall(rb'<script src="https://t\d', body))
        if loading:
            raise RuntimeError(f"{row.name} leaves {loading} trackers in the page")


def table(figures: dict[str, Figure], seconds: float, load: tuple[float, float, float]) -> str:
    """Markdown."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"Measured {now} with `python -m bench.proxy {seconds:g}`: {os.cpu_count()} cores, load average before the run "
        f"{load[0]:.1f} (1 min), {load[1]:.1f} (5 min). Medians of {ROUNDS} rounds.",
        "The machine was busy with other work: compare rows, and rather by requests per CPU-second."
        if load[0] > 0.5 else "The machine did nothing else.",
        "",
        "| | requests/s | requests per CPU-second | p99 |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one.rate:,.0f} | {one.per_cpu:,.0f} | {one.p99:.1f} ms {one.errors} |"
            for name, one in figures.items()
        ),
        "",
        "| | bar | requests/s | per CPU-second |",
        "|---|---:|---:|---:|",
        *(
            f"| {ours} / {theirs} | {bar:g} | {figures[ours].rate / figures[theirs].rate:.2f} | "
            f"{figures[ours].per_cpu / figures[theirs].per_cpu:.2f} |"
            for ours, theirs, bar in BARS
        ),
        *(
            f"| {name} | 0.9 | {figures[two].rate / figures[one].rate:.2f} | "
            f"{figures[two].per_cpu / figures[one].per_cpu:.2f} |"
            for name, two, one in SCALES
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def run(seconds: float, told: Callable[[str], None]) -> str:
    """Measure everything, each peer `seconds` in all. Raises MissingPeerError for a peer that cannot be had."""
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="samtykke-bench-") as name:
        folder = Path(os.environ.get("SAMTYKKE_BENCH_FOLDER") or name)
        files = folder / "files"
        files.mkdir(parents=True, exist_ok=True)
        (files / "page.html").write_bytes(page().replace(b"<title>", b"<title>UNIQUE "))
        parts = page().replace(b"<title>", b"<title>UNIQUE ").replace(b'class="title">', b'class="title">UNIQUE ')
        (files / "parts.html").write_bytes(parts)
        (files / "small.txt").write_bytes(b"small\n" * 20)
        files.chmod(0o755)
        folder.chmod(0o755)
        site = Place(folder, peers.free_port(), 0, OTHER_CORE)
        with peers.running("upstream", peers.upstream(site), site, path="/small.txt"):
            rounds: dict[str, list[Figure]] = {row.name: [] for row in ROWS}
            for _ in range(ROUNDS):
                for row in ROWS:
                    rounds[row.name].append(measure(row, folder, site.port, seconds / ROUNDS))
                    told(f"{row.name:52} {rounds[row.name][-1]}")
            figures = {name: sorted(found, key=lambda one: one.rate)[len(found) // 2] for name, found in rounds.items()}
    return table(figures, seconds, load)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    print(run(seconds, lambda line: print(line, file=sys.stderr)))


if __name__ == "__main__":
    main()

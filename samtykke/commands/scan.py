"""`samtykke scan`: visit a site like a person would and write down what it stores and whom it contacts."""

from __future__ import annotations

from typing import Annotated

import typer

from policies.observation import Scan
from samtykke.commands.inventory import print_cookies
from samtykke.commands.options import ConfigFile, JsonTarget
from samtykke.config import load_config
from samtykke.outcome import check_target, write_json
from samtykke.promises import declared_of, findings_against
from samtykke.reports import Targets, write_reports
from samtykke.scanning import run_scans, scan_settings
from samtykke.terminal import Terminal, coloured


def register(app: typer.Typer) -> None:
    app.command()(scan)


def scan(
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="Where to start.")],
    mode: Annotated[str, typer.Option(help="browser or static.")] = "browser",
    consent: Annotated[
        list[str] | None,
        typer.Option(help="none, reject, accept or PURPOSE,..; several times: states side by side.  [default: none]"),
    ] = None,
    max_pages: Annotated[int, typer.Option(help="Pages to visit at most.")] = 50,
    depth: Annotated[int, typer.Option(help="Links to follow from the start page.")] = 3,
    concurrency: Annotated[int, typer.Option(help="Pages at the same time.")] = 4,
    third_party_cookies: Annotated[str, typer.Option(help="allowed or blocked.")] = "allowed",
    ignore_robots: Annotated[bool, typer.Option("--ignore-robots", help="For one's own site.")] = False,
    allow_private: Annotated[list[str] | None, typer.Option(metavar="CIDR", help="Inner networks allowed.")] = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Scroll and idle: late trackers show.")] = False,
    chromium_arg: Annotated[list[str] | None, typer.Option(metavar="ARG", help="Further browser arguments.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Time for the whole scan.")] = None,
    page_seconds: Annotated[float, typer.Option(help="Time for one page.")] = 30.0,
    page_bytes: Annotated[int, typer.Option(help="How much of one page is read.")] = 5_000_000,
    samples: Annotated[int, typer.Option(help="Pages that differ only in a number, date or parameter.")] = 6,
    delay: Annotated[float, typer.Option(help="Seconds between two pages of one host.")] = 0.0,
    report: Annotated[str | None, typer.Option(metavar="FILE.html|.pdf", help="A report to show.")] = None,
    har: Annotated[str | None, typer.Option(metavar="FILE", help="Requests as HAR.")] = None,
    csv: Annotated[str | None, typer.Option(metavar="FILE", help="Cookies and keys as CSV.")] = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """Inventory every cookie, storage key, request and frame: who set it, what for, how long it lives.

    Example: samtykke scan https://shop.example/ --consent none --consent reject --consent accept --report report.html
    """
    settings = [
        scan_settings(
            url=url, mode=mode, consent=state, max_pages=max_pages, depth=depth, concurrency=concurrency,
            third_party_cookies=third_party_cookies, ignore_robots=ignore_robots,
            allow_private=tuple(allow_private or ()), thorough=thorough, chromium_arguments=tuple(chromium_arg or ()),
            max_seconds=max_seconds, page_seconds=page_seconds, page_bytes=page_bytes, samples=samples, delay=delay,
            transfers=har is not None,
        )
        for url in urls
        for state in dict.fromkeys(consent or ["none"])
    ]  # fmt: skip
    targets = Targets(report, har, csv)
    targets.check()
    check_target("json", json_target)
    loaded = load_config(config)
    scans = run_scans(loaded, settings)
    if json_target:
        answers = [found.scan.model_dump(mode="json") for found in scans]
        write_json(answers[0] if len(answers) == 1 else answers, json_target)
    else:
        for found in scans:
            print_scan(Terminal(), found.scan)
    write_reports(scans, targets, lambda found: findings_against(declared_of(loaded, found.scan), found.scan)[1])


def print_scan(console: Terminal, found: Scan) -> None:
    """What a scan saw, for a terminal."""
    print_cookies(console, found)
    for key in found.storage:
        console.print(f"{key.kind} storage {key.key} at {key.origin} ({key.vendor or 'unknown'})")
    hosts = sorted(
        {(request.vendor or "-", request.url.split("/")[2]) for request in found.requests if request.third_party}
    )
    for vendor, host in hosts:
        console.print(f"contacts {host} ({vendor})")
    for technique in found.techniques:
        console.print(f"{technique.kind} by {technique.script}: {technique.detail}")
    for page in found.pages:
        if page.error:
            console.print(coloured(("failed", "red"), f" {page.url}: {page.error}"))

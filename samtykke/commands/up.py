"""`samtykke up`: scan, compile and publish the policy, serve: the whole loop with one command."""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from runtime.log import configure
from runtime.resolve import is_localhost_name
from samtykke.commands.policy import draft_from
from samtykke.config import ConfigError
from samtykke.demo import start_demo
from samtykke.outcome import UnreachableError
from samtykke.promises import policy_page
from samtykke.scanning import scan_settings, scan_site
from samtykke.serving import run_until_stopped, serve_until
from samtykke.terminal import Terminal, coloured
from samtykke.up import (
    LISTEN,
    Plan,
    findings_of,
    inner_addresses,
    plan_config,
    plan_demo,
    plan_site,
    print_summary,
    publish_first,
)

DEMO_PORT = 9080


def register(app: typer.Typer) -> None:
    app.command()(up)


def up(
    site: Annotated[
        str | None, typer.Argument(metavar="[SITE]", help="https://...; without it the demo shop, or FILE's site.")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help=f"Where the proxy listens (default: {LISTEN}, or what FILE says)."),
    ] = None,
    demo_port: Annotated[int, typer.Option(metavar="PORT", help="Where the demo shop listens.")] = DEMO_PORT,
    max_pages: Annotated[int, typer.Option(help="Pages to visit at most.")] = 24,
    name: Annotated[str | None, typer.Option("--site", metavar="NAME", help="Which [[site]] of FILE.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Your own config (default: one is made in samtykke-data/)."),
    ] = None,
) -> None:
    """Scan a site, compile and publish its policy, and serve it with banner and gates. Ctrl-C ends everything.

    With --config FILE it is a site of FILE, scanned at its upstream and served with FILE's settings; stores, key and
    policies are where FILE says. A policy that is in force already stays; the new one is a draft beside it.

    Example: samtykke up https://shop.example
    """
    if config is None and name is not None:
        raise ConfigError("--site chooses among the sites of --config FILE")
    configure(level="warning")
    run_until_stopped(lambda: _up(site, listen, demo_port, max_pages, config, name))


async def _up(
    site: str | None, listen: str | None, demo_port: int, max_pages: int, config: Path | None, name: str | None
) -> None:
    console = Terminal()
    async with AsyncExitStack() as stack:
        if config is not None:
            plan = plan_config(config, site, name, listen)
        elif site is None:
            plan = await _demo(stack, console, demo_port, listen)
        else:
            plan = plan_site(site, listen)
        leading = (f"--host-resolver-rules={plan.mapping}",) if plan.mapping else ()
        settings = scan_settings(
            url=plan.direct,
            max_pages=max_pages,
            allow_private=await inner_addresses(plan),
            chromium_arguments=leading,
        )
        console.print(f"Scanning {plan.direct} as it is, without the proxy{_at_upstream(plan)} ...")
        scanned = await scan_site(plan.config, settings)
        if scanned.number is None:
            raise UnreachableError(f"{plan.direct}: a policy cannot be made of error pages")
        scan = scanned.scan
        policy, now = publish_first(plan, draft_from(plan.config, plan.site, scan))
        source = plan.config.declared(plan.site) or policy_page(scan) or ""
        print_summary(console, scan, policy, source, await findings_of(plan, source, scan))
        if not now:
            console.print(
                f"A policy is in force already; the new draft: samtykke policy diff current draft {plan.options}"
            )
        await serve_until(plan.config, lambda address: _welcome(console, plan, address))


async def _demo(stack: AsyncExitStack, console: Terminal, port: int, listen: str | None) -> Plan:
    try:
        demo = await start_demo(port)
    except OSError as error:
        raise ConfigError(f"--demo-port {port}: {error.strerror or error}") from error
    stack.push_async_callback(demo.stop)
    console.print(f"The demo shop and its trackers run on {demo.origin}/")
    return plan_demo(demo.port, listen)


def _welcome(console: Terminal, plan: Plan, address: tuple[str, int]) -> None:
    host = plan.site.hosts[0].partition(":")[0]
    open_here = f"{'https' if plan.config.proxy.certificate else 'http'}://{host}:{address[1]}/"
    console.print()
    opening = coloured((f"Open {open_here}", "bold green"), "  the site behind the proxy, with the banner")
    console.print(opening, soft_wrap=True)
    program = os.path.relpath(sys.argv[0]) if os.sep in sys.argv[0] else "samtykke"
    if program.endswith(".py"):
        program = "python -m samtykke"
    rows = (
        (plan.direct, f"the same site without it{_at_upstream(plan)}"),
        (f"{open_here}.samtykke/cookies", "what visitors are told"),
        (f"{open_here}.samtykke/me", "what is recorded of you"),
        (f"{program} policy compare {plan.options}", "every finding"),
        (f"{program} log verify --config {plan.file}", "is the record intact?"),
        (f"{program} prove {open_here} --config {plan.file}", "does anything leak?"),
    )
    for what, why in rows:
        console.print(f"  {what}  {why}", soft_wrap=True)
    if plan.mapping and not is_localhost_name(host):
        console.print(f"The proxy listens on {address[0]}:{address[1]}: {host} must lead there.", soft_wrap=True)
    console.print("Ctrl-C ends everything.")


def _at_upstream(plan: Plan) -> str:
    """For a name that leads elsewhere than to the site: where the site really is."""
    return f", at {plan.site.upstream}" if plan.mapping else ""

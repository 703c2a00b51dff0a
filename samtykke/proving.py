"""Prove a configured site: where it is without the proxy, by which rules to judge, and where the proof is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from policies.drafting import draft_policy
from policies.observation import Scan
from policies.rules import Rules
from policies.site_policy import in_force
from proxy.consent.log import Event, LogUnavailable
from proxy.settings import SiteSettings
from runtime.resolve import address_of, is_localhost_name, is_loopback
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError, write_json, write_text
from samtykke.stores import open_log
from samtykke.wiring import catalogue, site_rules
from scanner.choice import ChoiceError
from scanner.prove import STATES, Proof, Task, prove
from scanner.report.proof import render_proof
from scanner.settings import ScanSettings


def site_of(config: Config, url: str) -> SiteSettings | None:
    """The configured site that this address of the proxy belongs to."""
    return next((site for site in config.site if urlsplit(url).hostname in site.own_names), None)


async def prove_site(
    config: Config,
    asked: ScanSettings,
    *,
    direct: str | None = None,
    pages: int = 4,
    states: Sequence[str] = (),
    report: Callable[[str], None],
) -> Proof:
    """Visit `asked.url`, an address of the proxy, in these consent states (none named: all), beside the site itself.

    Raises ConfigError where it is not known where that is, UnreachableError naming what could not be reached.
    """
    site = site_of(config, asked.url)
    source, mapping = (direct, "") if direct else direct_address(site, asked.url)
    task = Task(asked, source, pages, tuple(state for state in STATES if not states or state.name in states), mapping)
    try:
        return await prove(
            task, lambda seen: _rules(config, site, asked.url, seen), now=lambda: datetime.now(UTC), report=report
        )
    except (ChoiceError, OSError) as error:
        raise UnreachableError(str(error)) from error


def direct_address(site: SiteSettings | None, url: str) -> tuple[str, str]:
    """(where the site is without the proxy, Chromium's resolver rules to get there). Raises ConfigError.

    The site's own host name is kept, so that its cookies and links are what they are in production: the one it is asked
    under where it has an `upstream_host`.
    """
    if site is None:
        raise ConfigError(f"no [[site]] has the host of {url}: say where the site is with --direct URL")
    upstream, asked = urlsplit(site.upstream), urlsplit(url)
    path = asked.path or "/"
    if site.upstream_host.lower() == upstream.netloc.lower():
        return f"{site.upstream}{path}", ""
    netloc = site.upstream_host or asked.hostname or ""
    host = netloc.partition(":")[0].lower()
    port = upstream.port or (443 if upstream.scheme == "https" else 80)
    target = upstream.hostname or ""
    if (host == target and not site.upstream_host) or (host.endswith(".localhost") and _is_here(target)):
        return f"{upstream.scheme}://{host}:{port}{path}", ""
    target = f"[{target}]" if ":" in target else target
    return f"{upstream.scheme}://{netloc}{path}", f"MAP {host} {target}:{port}"


def _is_here(host: str) -> bool:
    """Is this host spelled as the machine itself?"""
    address = address_of(host)
    return is_localhost_name(host) if address is None else is_loopback(address)


def _rules(config: Config, site: SiteSettings | None, url: str, seen: Scan) -> Rules:
    """The published policy's rules, or those drafted from what the site itself has just shown."""
    if site is not None and (rules := site_rules(config, site)).policy is not None:
        return rules
    host = urlsplit(url).hostname or ""
    draft = draft_policy([seen], catalogue(), site=site.name if site else host, hosts=[host])
    return Rules.for_site(in_force(draft, None), catalogue(), hosts=[host])


async def keep_digest(config: Config, site: SiteSettings, proof: Proof) -> str:
    """Append the proof's digest to the site's chain in the consent log; says where it is, or why it is nowhere.

    Raises ConfigError, UnreachableError.
    """
    if not config.path(config.consent.key_file).exists():
        return "The digest is not logged: there is no key file yet."
    event = Event(
        "prove",
        datetime.now(UTC),
        site.name,
        path=urlsplit(proof.url).path or "/",
        surface="prove",
        method="samtykke prove",
        policy=proof.policy_hash,
        detail={
            "digest": proof.digest,
            "cells": len(proof.cells),
            "leaks": sum(len(cell.leaks) for cell in proof.cells),
            "broken": sum(len(cell.breakage) for cell in proof.cells),
        },
    )
    log = await open_log(config)
    try:
        row = await log.append(event)
    except LogUnavailable as error:
        raise UnreachableError(f"the consent log is out of reach: {error}") from error
    finally:
        await log.close()
    return f"The digest {proof.digest[:16]} is row {row.id} of the consent log."


def write_reports(proof: Proof, folder: Path, name: str) -> Path:
    """`NAME-TIME.html` and `.json`, TIME being when the proof began (UTC); the page's path. Raises ConfigError."""
    began = datetime.fromisoformat(proof.started).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}") from error
    page = folder / f"{name}-{began}.html"
    write_text(render_proof(proof, generated=datetime.now(UTC)), str(page))
    write_json(proof.to_json(), str(page.with_suffix(".json")))
    return page

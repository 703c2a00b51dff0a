"""The main job, in order: read or make the config, scan, compare, publish the first policy, serve.

Without SITE it is the bundled demo shop. Everything it makes stands in one folder, `samtykke-data/<name>`, so that
the next `up`, and every other command with `--config`, finds it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.table import Table

from policies.findings import Finding
from policies.observation import Scan
from policies.purpose import Purpose
from policies.site_policy import SitePolicy
from runtime.keys import create_key_file
from samtykke.config import Config, ConfigError, load_config
from samtykke.demo import demo_config
from samtykke.terminal import Terminal, coloured
from samtykke.wiring import policy_folder

DATA = Path("samtykke-data")


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` is about. `direct` is the address that is scanned: the site without the proxy."""

    config: Config
    file: Path
    direct: str
    demo_port: int | None = None


def plan_demo(port: int, listen: str) -> Plan:
    """The demo shop on this port. Its config is written anew each time: nothing in it is the operator's."""
    folder = DATA / "demo"
    file = _write(folder, demo_config(port, listen, folder))
    return Plan(_with_key(load_config(file)), file, f"http://shop.localhost:{port}/", port)


def plan_site(address: str, listen: str) -> Plan:
    """Somebody's own site. A config that is there already is kept: it may have been edited."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{address!r} is no web address: write https://HOST/")
    folder = DATA / parts.hostname
    file = folder / "samtykke.toml"
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if not file.exists():
        file = _write(folder, _site_config(parts.hostname, parts.netloc.rpartition("@")[2], origin, listen))
    return Plan(_with_key(load_config(file)), file, parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


def _site_config(name: str, netloc: str, origin: str, listen: str) -> str:
    local = name if name == "localhost" or name.endswith(".localhost") else f"{name}.localhost"
    hosts = json.dumps(list(dict.fromkeys([local, "localhost", "127.0.0.1"])))
    return (
        f"# {name} behind the proxy on this machine. Every key is explained in samtykke.example.toml.\n\n"
        f'[[site]]\nname = "{name}"\nhosts = {hosts}\nupstream = "{origin}"\nupstream_host = "{netloc}"\n'
        f'declared = ""\n\n[proxy]\nlisten = "{listen}"\n'
    )


def _write(folder: Path, text: str) -> Path:
    file = folder / "samtykke.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    return file


def _with_key(config: Config) -> Config:
    path = config.path(config.consent.key_file)
    try:
        if not path.exists():
            create_key_file(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return config


def publish_first(plan: Plan, draft: SitePolicy) -> tuple[SitePolicy, bool]:
    """(policy in force, was it published now). Later scans only write drafts; the demo's is always published."""
    folder = policy_folder(plan.config)
    folder.write_draft(draft)
    current = folder.current(draft.site)
    if current is not None and plan.demo_port is None:
        return current, False
    return folder.publish(draft), True


def print_summary(
    console: Terminal, scan: Scan, policy: SitePolicy, source: str | None, found: tuple[Finding, ...]
) -> None:
    """What was found, in a few lines and one table."""
    pages = sum(not page.error for page in scan.pages)
    console.print(
        f"\nVisited {pages} pages ({scan.mode}): {len(scan.cookies)} cookies, {len(scan.storage)} storage keys, "
        f"{len(policy.contacts)} other hosts."
    )
    table = Table(title="Held back until consent")
    for heading in ("purpose", "cookies and keys", "hosts"):
        table.add_column(heading, overflow="fold")
    for purpose in (Purpose.PREFERENCES, Purpose.STATISTICS, Purpose.MARKETING, None):
        names = [cookie.name for cookie in policy.cookies if cookie.purpose is purpose and purpose]
        names += [key.key for key in policy.storage if key.purpose is purpose and purpose]
        hosts = [host.host for host in policy.contacts if host.purpose is purpose]
        if names or hosts:
            table.add_row(purpose or "unknown", ", ".join(names) or "-", ", ".join(hosts) or "-")
    console.print(table)
    if source is None:
        console.print("No privacy policy found to compare with: set `declared` in the config.")
        return
    print_findings_in_short(console, source, found)


def print_findings_in_short(console: Terminal, source: str, found: tuple[Finding, ...]) -> None:
    """One line a kind of finding, with its subjects; the first of each in full."""
    grave = sum(finding.severity == "high" for finding in found)
    console.print(f"\n{len(found)} findings against {source}, {grave} of them grave:", soft_wrap=True)
    for kind in dict.fromkeys(finding.kind for finding in found):
        of_kind = [finding for finding in found if finding.kind == kind]
        colour = "red" if any(finding.severity == "high" for finding in of_kind) else "yellow"
        names = ", ".join(dict.fromkeys(finding.subject for finding in of_kind))
        console.print(coloured("  ", (kind.replace("_", " "), colour), ": ", (names, "bold")), soft_wrap=True)
        console.print(f"    for instance {of_kind[0].subject}: {of_kind[0].because}", soft_wrap=True)

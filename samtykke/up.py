"""The main job, in order: read or make the config, scan, compare, publish the first policy, serve.

Without SITE it is the bundled demo shop. Everything it makes stands in one folder, `samtykke-data/<name>`, so that
the next `up`, and every other command with `--config`, finds it again. With a config of the operator's own nothing is
made but what that config names.
"""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationError
from rich.table import Table

from policies.compare import compare
from policies.findings import Finding
from policies.observation import Scan
from policies.purpose import Purpose
from policies.site_policy import SitePolicy
from proxy.settings import ProxySettings, SiteSettings
from runtime.keys import create_key_file
from runtime.resolve import LocalhostResolver, address_of, is_private
from samtykke.config import Config, ConfigError, load_config
from samtykke.demo import demo_config
from samtykke.outcome import UnreachableError
from samtykke.promises import read_declared
from samtykke.proving import direct_address, site_of
from samtykke.terminal import Terminal, coloured
from samtykke.wiring import catalogue, policy_folder

DATA = Path("samtykke-data")
LISTEN = "127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` is about. `direct` is the address that is scanned: the site without the proxy."""

    config: Config
    file: Path
    direct: str
    site: SiteSettings
    """Which of the config's sites is scanned. All of them are served."""
    mapping: str = ""
    """Chromium's --host-resolver-rules that lead to `direct`."""
    demo_port: int | None = None

    @property
    def options(self) -> str:
        """What leads another command to this site."""
        return f"--config {self.file}" + (f" --site {self.site.name}" if len(self.config.site) > 1 else "")


def plan_demo(port: int, listen: str | None) -> Plan:
    """The demo shop on this port. Its config is written anew each time: nothing in it is the operator's."""
    folder = DATA / "demo"
    _listening(ProxySettings(), listen)
    file = _write(folder, demo_config(port, listen or LISTEN, folder))
    config = _with_key(_load(file, listen))
    return Plan(config, file, f"http://shop.localhost:{port}/", config.site[0], demo_port=port)


def plan_site(address: str, listen: str | None) -> Plan:
    """Somebody's own site. A config that is there already is kept: it may have been edited."""
    parts = _parts(address)
    assert parts.hostname  # noqa: S101 - _parts has seen to it
    folder = DATA / parts.hostname
    file = folder / "samtykke.toml"
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    _listening(ProxySettings(), listen)
    if not file.exists():
        file = _write(folder, _site_config(parts.hostname, parts.netloc.rpartition("@")[2], origin, listen or LISTEN))
    config = _with_key(_load(file, listen))
    return Plan(config, file, parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), config.site[0])


def plan_config(file: Path, address: str | None, name: str | None, listen: str | None) -> Plan:
    """A site of the operator's own config: the one of this name, or with the host of this address, or the only one.

    It is scanned at its `upstream` under its own name, from the path of `address` on. Raises ConfigError.
    """
    config = _load(file, listen)
    url = None if address is None else _parts(address).geturl()
    site = config.one_site(name) if name is not None or url is None else site_of(config, url)
    if site is None or (url is not None and urlsplit(url).hostname not in site.own_names):
        raise ConfigError(f"{file}: {f'{site.name} has not' if site else 'no [[site]] has'} the host of {address}")
    direct, mapping = direct_address(site, url or f"http://{site.hosts[0]}/")
    return Plan(_with_key(config), file, direct, site, mapping)


def _parts(address: str) -> SplitResult:
    parts = urlsplit(address if "://" in address else f"https://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{address!r} is no web address: write https://HOST/")
    return parts


async def inner_addresses(plan: Plan) -> tuple[str, ...]:
    """The addresses on inner networks that the site's upstream leads to: whoever wrote the config named them, so a
    scan may visit them."""
    host = urlsplit(plan.site.upstream).hostname or ""
    if (address := address_of(host)) is not None:
        return (str(address),) if is_private(address) else ()
    resolver = LocalhostResolver()
    try:
        found = [address_of(entry["host"]) for entry in await resolver.resolve(host, 0, socket.AF_UNSPEC)]
    except OSError:
        return ()
    finally:
        await resolver.close()
    return tuple(dict.fromkeys(str(address) for address in found if address is not None and is_private(address)))


async def findings_of(plan: Plan, source: str, scan: Scan) -> tuple[Finding, ...] | str:
    """What the scan shows that the privacy policy does not say, or why that could not be read."""
    if not source:
        return ()
    try:
        declared = await asyncio.to_thread(read_declared, *_place_of(plan, source))
    except (ConfigError, UnreachableError) as error:
        return str(error)
    return compare(declared, scan, catalogue())


def _place_of(plan: Plan, source: str) -> tuple[str, str]:
    """(where a document is read, Chromium's resolver rules to get there): a page of the site itself where the site
    is scanned, for its own name may not lead anywhere yet."""
    parts = urlsplit(source)
    if not plan.mapping or parts.scheme not in ("http", "https") or parts.hostname not in plan.site.own_names:
        return source, ""
    direct, mapping = direct_address(plan.site, source)
    return direct + (f"?{parts.query}" if parts.query else ""), mapping


def _load(file: Path, listen: str | None) -> Config:
    """An explicit --listen wins over the file, and over the environment."""
    config = load_config(file)
    return config.model_copy(update={"proxy": _listening(config.proxy, listen)})


def _listening(settings: ProxySettings, listen: str | None) -> ProxySettings:
    if listen is None:
        return settings
    try:
        return ProxySettings.model_validate(settings.model_dump() | {"listen": listen})
    except ValidationError as error:
        raise ConfigError(f"--listen {listen}: {error.errors()[0]['msg']}") from error


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
    console: Terminal, scan: Scan, policy: SitePolicy, source: str, found: tuple[Finding, ...] | str
) -> None:
    """What was found, in a few lines and one table. `source` is the privacy policy, empty where there is none; `found`
    what differs from it, or why it could not be read."""
    pages = sum(not page.error for page in scan.pages)
    console.print()
    console.print(
        f"Visited {pages} pages ({scan.mode}): {len(scan.cookies)} cookies, {len(scan.storage)} storage keys, "
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
    if not source:
        console.print("No privacy policy found to compare with: set `declared` in the config.")
    elif isinstance(found, str):
        console.print()
        console.print(f"Nothing is compared: the privacy policy could not be read. {found}", soft_wrap=True)
    else:
        print_findings_in_short(console, source, found)


def print_findings_in_short(console: Terminal, source: str, found: tuple[Finding, ...]) -> None:
    """One line a kind of finding, with its subjects; the first of each in full."""
    grave = sum(finding.severity == "high" for finding in found)
    console.print()
    console.print(f"{len(found)} findings against {source}, {grave} of them grave:", soft_wrap=True)
    for kind in dict.fromkeys(finding.kind for finding in found):
        of_kind = [finding for finding in found if finding.kind == kind]
        colour = "red" if any(finding.severity == "high" for finding in of_kind) else "yellow"
        names = ", ".join(dict.fromkeys(finding.subject for finding in of_kind))
        console.print(coloured("  ", (kind.replace("_", " "), colour), ": ", (names, "bold")), soft_wrap=True)
        console.print(f"    for instance {of_kind[0].subject}: {of_kind[0].because}", soft_wrap=True)

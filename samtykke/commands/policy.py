"""`samtykke policy`: what a text declares, how it compares with practice, and what is in force."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from policies.compare import compare as compare_sides
from policies.drafting import draft_policy
from policies.findings import Finding
from policies.observation import Scan
from policies.policy_changes import policy_changes
from policies.site_policy import SitePolicy
from proxy.settings import SiteSettings
from samtykke.commands.inventory import Answer, scans_of, site_hosts, with_inventory
from samtykke.commands.options import ConfigFile, JsonTarget, SiteName, group
from samtykke.config import Config, ConfigError, load_config
from samtykke.documents import read_document
from samtykke.outcome import NO, write_json, write_text
from samtykke.plain import plain
from samtykke.promises import read_declared
from samtykke.terminal import Terminal, coloured
from samtykke.wiring import catalogue, policy_folder
from scanner.inventory import Inventory

app = group("policy", "What is declared, what is observed, what is enforced.", "samtykke policy compare")


@app.command()
def read(
    document: Annotated[
        str | None,
        typer.Argument(
            metavar="DOC|URL|-", help="A file, a URL, or - for standard input; default: the site's `declared`."
        ),
    ] = None,
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """What a policy document declares: cookies, vendors, claims, and what the law requires it to say.

    Example: samtykke policy read https://shop.example/privacy
    """
    settings = load_config(config)
    if site is not None:
        settings.one_site(site)
    declared = read_declared(document or _declared_source(settings, site, "give a file or URL"))
    if json_target:
        write_json(declared.model_dump(mode="json"), json_target)
        return
    console = Terminal()
    table = Table("name", "lifetime", "vendor", "purpose", "quote", title=f"Declared ({declared.language or '?'})")
    for entry in declared.cookies:
        life = entry.lifetime_text or ("session" if entry.session else "-")
        table.add_row(entry.name, life, entry.vendor or "-", entry.purpose or "-", entry.quote[:100])
    console.print(table)
    console.print("Vendors: " + (", ".join(vendor.name for vendor in declared.vendors) or "none named"))
    for claim in declared.claims:
        console.print(f"Claims {claim.kind}: {claim.quote}")
    for item in declared.checklist:
        console.print(coloured(("says", "green") if item.quote else ("lacks", "red"), f" {item.item}"))


@app.command()
def compare(
    declared: Annotated[str | None, typer.Option("--declared", metavar="DOC|URL")] = None,
    observed: Annotated[str | None, typer.Option("--observed", metavar="SCAN.json|-")] = None,
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """What is undeclared, missing, or outlives its promise. Exit 1 with findings of severity high.

    Example: samtykke policy compare --declared policy.html --observed scan.json
    """
    settings = load_config(config)
    source = declared or _declared_source(settings, site, "give --declared")
    scan = _read_scan(observed) if observed else _newest_scan(settings, site)
    findings = compare_sides(read_declared(source), scan, catalogue())
    if json_target:
        write_json({"findings": [finding.model_dump(mode="json") for finding in findings]}, json_target)
    else:
        print_findings(Terminal(), findings, source)
    if any(finding.severity == "high" for finding in findings):
        raise typer.Exit(NO)


@app.command()
def build(site: SiteName = None, config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Draft the policy from the newest scan; `policy publish` puts the draft into force.

    Example: samtykke policy build
    """
    settings = load_config(config)
    chosen = settings.one_site(site)
    draft = draft_from(settings, chosen, *_newest_scans(settings, site))
    path = policy_folder(settings).write_draft(draft)
    if json_target:
        write_json(draft.model_dump(mode="json"), json_target)
    else:
        typer.echo(f"{path}: {_summary(draft)}")


@app.command()
def publish(site: SiteName = None, config: ConfigFile = None, json_target: JsonTarget = None) -> None:
    """Put the draft into force. Running servers take it up by themselves; every version is kept by hash.

    Example: samtykke policy publish
    """
    settings = load_config(config)
    chosen = settings.one_site(site)
    folder = policy_folder(settings)
    before = folder.current(chosen.name)
    policy = folder.publish(folder.version(chosen.name, "draft"))
    replaced = before if before and before.hash != policy.hash else None
    again = replaced is not None and replaced.material != policy.material
    if json_target:
        answer = {
            "site": chosen.name,
            "file": str(folder.path(chosen.name)),
            "hash": policy.hash,
            "replaced": replaced and replaced.hash,
            "material": again,
        }
        write_json(answer, json_target)
        return
    typer.echo(f"{folder.path(chosen.name)}: {policy.hash[:16]} in force, {_summary(policy)}")
    if replaced:
        typer.echo("consent is asked again" if again else "no new consent is needed")


@app.command()
def show(
    version: Annotated[str, typer.Argument(metavar="HASH", help="current, draft, or a version's hash.")] = "current",
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """A policy: in force, drafted, or any version that ever was.

    Example: samtykke policy show draft
    """
    settings = load_config(config)
    policy = policy_folder(settings).version(settings.one_site(site).name, version)
    if json_target:
        write_json(policy.model_dump(mode="json"), json_target)
        return
    table = Table(title=f"{policy.site} {policy.hash[:16] or '(draft)'}")
    for heading in ("what", "name", "vendor", "purpose", "because"):
        table.add_column(heading, overflow="fold")
    for cookie in policy.cookies:
        table.add_row("cookie", cookie.name, cookie.vendor or "-", cookie.purpose or "unknown", cookie.because)
    for key in policy.storage:
        table.add_row("storage", key.key, key.vendor or "-", key.purpose or "unknown", key.because)
    for host in policy.contacts:
        table.add_row("host", host.host, host.vendor or "-", host.purpose or "unknown", host.because)
    Terminal().print(table)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A version's hash, current or draft.")],
    after: Annotated[str, typer.Argument(metavar="B")],
    site: SiteName = None,
    config: ConfigFile = None,
    json_target: JsonTarget = None,
) -> None:
    """What differs between two versions, in words.

    Example: samtykke policy diff current draft
    """
    settings = load_config(config)
    name = settings.one_site(site).name
    folder = policy_folder(settings)
    changes = policy_changes(folder.version(name, before), folder.version(name, after))
    if json_target:
        write_json([change.model_dump(mode="json") for change in changes], json_target)
        return
    for change in changes:
        typer.echo(plain(f"{'!' if change.material else ' '} {change.because}"))
    if not changes:
        typer.echo("Nothing has changed.")


@app.command()
def declaration(
    format_: Annotated[str, typer.Option("--format", help="html, md, json or iab.")] = "html",
    language: Annotated[str, typer.Option("--lang", help="nb, nn, en, da, sv, de, fi, nl, fr or es.")] = "nb",
    target: Annotated[str, typer.Option("--output", metavar="-|FILE")] = "-",
    site: SiteName = None,
    config: ConfigFile = None,
) -> None:
    """The cookie table that the site should publish.

    Example: samtykke policy declaration --format md --lang nb
    """
    from policies.declaration import FORMATS, LANGUAGES, declare

    if format_ not in FORMATS or language not in LANGUAGES:
        raise ConfigError(f"--format is one of {', '.join(FORMATS)}, --lang one of {', '.join(LANGUAGES)}")
    settings = load_config(config)
    policy = policy_folder(settings).version(settings.one_site(site).name, "current")
    kept = settings.consent.lifetime_days * 86_400
    write_text(declare(policy, format_, language, choice_lifetime=kept), target)


def draft_from(config: Config, site: SiteSettings, *scans: Scan) -> SitePolicy:
    """A draft for one configured site from scans in one or more consent states."""
    overrides = config.policy.override
    return draft_policy(scans, catalogue(), site=site.name, hosts=site.own_names, overrides=overrides)


def print_findings(console: Terminal, findings: tuple[Finding, ...], source: str) -> None:
    """Findings as a table, the gravest first."""
    if not findings:
        console.print(f"Nothing differs from {source}.")
        return
    colours = {"high": "bold red", "medium": "yellow", "low": "dim"}
    table = Table(title=f"{len(findings)} findings against {source}")
    for heading in ("severity", "kind", "subject", "because"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        style = colours[finding.severity]
        table.add_row(coloured((finding.severity, style)), finding.kind, finding.subject, finding.because)
    console.print(table)


def _declared_source(config: Config, site: str | None, otherwise: str) -> str:
    found = config.declared(config.one_site(site))
    if not found:
        raise ConfigError(f"no policy document is known: set `declared` of the [[site]] or {otherwise}")
    return found


def _newest_scan(config: Config, site: str | None) -> Scan:
    """The newest scan without a choice (what is stored and sent before anybody agreed), else the newest of any."""

    async def read(inventory: Inventory, newest: Mapping[str, int]) -> Scan:
        return await inventory.load(newest.get("none", next(iter(newest.values()))))

    scan = _with_newest(config, site, read)
    if scan.consent != "none":
        found = f"the newest, {scan.started}, has consent {scan.consent}"
        typer.echo(f"no scan without a choice is kept: {found}", err=True)
    return scan


def _newest_scans(config: Config, site: str | None) -> list[Scan]:
    """The newest scan without a choice, and those of other consent states: some trackers load only after a yes."""

    async def read(inventory: Inventory, newest: Mapping[str, int]) -> list[Scan]:
        if "none" not in newest:
            raise ConfigError("the inventory holds no scan without a choice: run `samtykke scan URL`")
        return [await inventory.load(newest[state]) for state in ("none", *sorted(newest.keys() - {"none"}))]

    return _with_newest(config, site, read)


def _with_newest(
    config: Config, site: str | None, work: Callable[[Inventory, Mapping[str, int]], Awaitable[Answer]]
) -> Answer:
    """Work with the ids of a site's newest scans by consent state, the newest first. Raises ConfigError without any."""
    hosts = site_hosts(config, site)

    async def read(inventory: Inventory) -> Answer:
        newest: dict[str, int] = {}
        for entry in await scans_of(inventory, hosts):
            if entry.reached:
                newest.setdefault(entry.consent, entry.id)
        if not newest:
            names = ", ".join(hosts) or "any site"
            raise ConfigError(f"the inventory holds no scan of {names} yet: run `samtykke scan URL`")
        return await work(inventory, newest)

    return with_inventory(config, read)


def _read_scan(source: str) -> Scan:
    try:
        document = json.loads(read_document(source).data)
        return Scan.model_validate(document[0] if isinstance(document, list) and document else document)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{source}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise ConfigError(f"{source}: no scan: {error}") from error


def _summary(policy: SitePolicy) -> str:
    parts = (
        ("cookies", policy.cookies),
        ("keys", policy.storage),
        ("hosts", policy.contacts),
        ("vendors", policy.vendors),
    )
    return ", ".join(f"{len(found)} {what}" for what, found in parts)

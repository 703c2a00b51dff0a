"""A site's rules as a browser needs them: the hosts of a content security policy, the tables of the guard. Pure.

Both are said in advance of any request, so they hold hosts, names and patterns, not verdicts. `Rules` knows the parts
and calls these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from policies.catalogue import Catalogue
from policies.catalogue.names import is_glob
from policies.known import Known, judge
from policies.purpose import Consent
from policies.site_policy import Override, SitePolicy

Facts = list[str | None]
"""What the guard is told of a subject: its purpose and its vendor; null where nobody knows. A host's also say what
stands in for a frame of it."""
_LOADS = ("script", "image", "connect", "frame")
"""What a vendor's host, or a host of an override, may be asked for."""


def csp_hosts(
    policy: SitePolicy | None,
    catalogue: Catalogue,
    contacts: Iterable[tuple[str, str, Known]],
    consent: Consent,
    *,
    consentable: bool = False,
) -> dict[str, tuple[str, ...]]:
    """Third-party hosts that pages may contact, by kind of load.

    `contacts` are the policy's, each as (kind of load, host, what it is). With `consentable` also those that consent
    could open: what an undecided visitor's pages may name, so that an accept works in place.
    """
    found: dict[str, set[str]] = {}

    def opens(known: Known) -> bool:
        return consentable or judge(known, consent, "block").allowed

    for kind, host, known in contacts:
        if opens(known):
            found.setdefault(kind, set()).add(host)
    if policy:
        for vendor_id, known in _vendors(policy, catalogue):
            if opens(known):
                for entry in catalogue.files[vendor_id].host:
                    for kind in _LOADS:
                        found.setdefault(kind, set()).update((entry.match, "*." + entry.match))
        for kind, host, known in _overridden(policy.overrides):
            if opens(known):
                found.setdefault(kind, set()).add(host)
    return {kind: tuple(sorted(hosts)) for kind, hosts in sorted(found.items())}


def _vendors(policy: SitePolicy, catalogue: Catalogue) -> Iterator[tuple[str, Known]]:
    """The policy's vendors that have hosts of their own."""
    for vendor in policy.vendors:
        known = catalogue.vendors.get(vendor.id)
        if known and not known.operator_hosted:
            yield vendor.id, Known("", vendor.id, vendor.id, known.purpose, manager=known.manager)


def _overridden(overrides: Iterable[Override]) -> Iterator[tuple[str, str, Known]]:
    """(kind of load, host, what it is) of every override that names one host."""
    for override in overrides:
        if override.kind in {"host", "script", "frame"} and not is_glob(override.match):
            known = Known("", override.match, override.vendor, override.purpose)
            host = urlsplit(override.match).hostname or override.match.partition("/")[0]
            for kind in _LOADS if override.kind == "host" else (override.kind,):
                yield kind, host, known


def url_glob(match: str) -> str:
    """An override's address as a glob over whole URLs: without a scheme it stands for any, without a path for all."""
    if "://" in match:
        return match
    return f"*://{match}" if "/" in match else f"*://{match}/*"


def is_address(override: Override) -> bool:
    """Does an override of what is loaded name addresses (a URL, a pattern), rather than a host with all below it?"""
    return "/" in override.match or is_glob(override.match)


def browser_rules(
    policy: SitePolicy | None,
    catalogue: Catalogue,
    *,
    own: Iterable[str],
    unknown: Mapping[str, str],
    overrides: Iterable[Override] = (),
) -> dict[str, object]:
    """What the guard needs, ready for JSON: the site's own trackers, or the whole catalogue without a policy.

    `own` are the site's host names; `unknown` says block or pass for each kind of thing that nobody knows;
    `overrides` the operator's words that hold beside the policy's, of two on one subject the first. The keys stand
    in the order in which `Rules` asks: overrides, contacts, endpoints on the site's own hosts (`paths`), prefixes of
    hosts, hosts.
    """
    ids = [vendor.id for vendor in policy.vendors] if policy else list(catalogue.files)
    files = {vendor_id: catalogue.files[vendor_id] for vendor_id in sorted(ids) if vendor_id in catalogue.files}
    hosts: dict[str, Facts] = {}
    cookies: dict[str, Facts] = {}
    storage: dict[str, Facts] = {}
    prefixes: list[Facts] = []
    paths: list[Facts] = []
    inline: list[Facts] = []
    for vendor_id, file in files.items():
        for host in file.host:
            facts: Facts = [host.purpose or file.purpose, vendor_id, host.placeholder]
            if not host.paths:
                hosts.setdefault(host.match, facts)
            prefixes += [[host.match, path, *facts] for path in host.paths]
        for cookie in file.cookie:
            if cookie.sure != "low":
                cookies.setdefault(cookie.name, [cookie.purpose or file.purpose, vendor_id])
        for key in file.storage:
            if key.sure != "low":
                storage.setdefault(key.key, [key.purpose or file.purpose, vendor_id])
        paths += [[entry.match, entry.purpose or file.purpose, vendor_id] for entry in file.path]
        inline += [[entry.contains, entry.purpose or file.purpose, vendor_id] for entry in file.inline]
    contacts: dict[str, Facts] = {}
    if policy:
        contacts = {c.host: [c.purpose, c.vendor, c.placeholder] for c in policy.contacts if c.tracker or c.purpose}
        cookies |= {c.name: [c.purpose, c.vendor] for c in policy.cookies if c.purpose}
        storage |= {k.key: [k.purpose, k.vendor] for k in policy.storage if k.purpose}
    said: list[Facts] = []
    names_said: set[tuple[str, str]] = set()
    for override in overrides:
        names = {"cookie": cookies, "storage": storage}.get(override.kind)
        if names is None:
            kind, match = ("url", url_glob(override.match)) if is_address(override) else (override.kind, override.match)
            instead = override.placeholder or ("frame" if override.kind == "frame" else None)
            said.append([kind, match, override.purpose, override.vendor, instead])
        elif (override.kind, override.match) not in names_said:
            names_said.add((override.kind, override.match))
            names[override.match] = [override.purpose, override.vendor]
    return {
        "overrides": said,
        "contacts": contacts,
        "paths": paths,
        "prefixes": prefixes,
        "hosts": hosts,
        "cookies": _exact_and_globs(cookies),
        "storage": _exact_and_globs(storage),
        "inline": inline,
        "own": list(own),
        "unknown": dict(unknown),
        "exempt": False,
        "managers": sorted(v for v in files if catalogue.vendors[v].manager),
        "hosted": sorted(v for v in files if catalogue.vendors[v].operator_hosted),
    }


def _exact_and_globs(table: dict[str, Facts]) -> dict[str, object]:
    return {
        "exact": {name: facts for name, facts in table.items() if not is_glob(name)},
        "globs": [[name, *facts] for name, facts in table.items() if is_glob(name)],
    }

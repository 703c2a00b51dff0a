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
"""What the guard is told of a subject: its purpose and its vendor; null where nobody knows."""
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


def browser_rules(
    policy: SitePolicy | None, catalogue: Catalogue, *, own: Iterable[str], unknown: Mapping[str, str]
) -> dict[str, object]:
    """What the guard needs, ready for JSON: the site's own trackers, or the whole catalogue without a policy.

    `own` are the site's host names; `unknown` says block or pass for each kind of thing that nobody knows.
    """
    ids = [vendor.id for vendor in policy.vendors] if policy else list(catalogue.files)
    files = {vendor_id: catalogue.files[vendor_id] for vendor_id in ids if vendor_id in catalogue.files}
    hosts: dict[str, Facts] = {}
    cookies: dict[str, Facts] = {}
    storage: dict[str, Facts] = {}
    paths: list[Facts] = []
    inline: list[Facts] = []
    for vendor_id, file in files.items():
        for host in file.host:
            facts: Facts = [host.purpose or file.purpose, vendor_id]
            if not host.paths:
                hosts[host.match] = facts
            paths += [[f"{host.match}{path}*", *facts] for path in host.paths]
        for cookie in file.cookie:
            if cookie.sure != "low":
                cookies.setdefault(cookie.name, [cookie.purpose or file.purpose, vendor_id])
        for key in file.storage:
            if key.sure != "low":
                storage.setdefault(key.key, [key.purpose or file.purpose, vendor_id])
        paths += [[entry.match, entry.purpose or file.purpose, vendor_id] for entry in file.path]
        inline += [[entry.contains, entry.purpose or file.purpose, vendor_id] for entry in file.inline]
    if policy:
        hosts |= {c.host: [c.purpose, c.vendor] for c in policy.contacts if c.tracker or c.purpose}
        cookies |= {c.name: [c.purpose, c.vendor] for c in policy.cookies if c.purpose}
        storage |= {k.key: [k.purpose, k.vendor] for k in policy.storage if k.purpose}
        for override in policy.overrides:
            table = {"cookie": cookies, "storage": storage}.get(override.kind, hosts)
            table[override.match] = [override.purpose, override.vendor]
    return {
        "hosts": hosts,
        "paths": paths,
        "cookies": _exact_and_globs(cookies),
        "storage": _exact_and_globs(storage),
        "inline": inline,
        "own": list(own),
        "unknown": dict(unknown),
        "exempt": False,
        "managers": sorted(v for v in files if catalogue.vendors[v].manager),
    }


def _exact_and_globs(table: dict[str, Facts]) -> dict[str, object]:
    return {
        "exact": {name: facts for name, facts in table.items() if not is_glob(name)},
        "globs": [[name, *facts] for name, facts in table.items() if is_glob(name)],
    }

"""Draft a SitePolicy from a scan, the catalogue and the operator's overrides. Pure.

A scan only ever writes drafts; `policies.site_policy.in_force` makes one what the proxy enforces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from policies.attribution import attribute, host_evidence
from policies.catalogue import Catalogue
from policies.catalogue.names import compile_glob
from policies.observation import ObservedCookie, ObservedKey, Scan
from policies.party import same_site
from policies.purpose import Purpose
from policies.rules import OWN_COOKIES
from policies.site_policy import (
    Override,
    OverrideKind,
    PolicyCookie,
    PolicyHost,
    PolicyKey,
    SitePolicy,
    named_vendors,
)

KIND_OF_TYPE = {
    "script": "script",
    "document": "frame",
    "image": "image",
    "stylesheet": "style",
    "font": "font",
    "media": "media",
    "manifest": "connect",
    "worker": "worker",
}
"""CDP's resource types, lower case, as kinds of load; anything else connects."""


def draft_policy(
    scans: Sequence[Scan],
    catalogue: Catalogue,
    *,
    site: str,
    hosts: Iterable[str],
    overrides: Iterable[Override] = (),
) -> SitePolicy:
    """One draft from any number of scans of the same site. Hash and `material` stay empty until it is published."""
    own_overrides = tuple(o for o in overrides if o.site in (None, site))
    cookies: dict[tuple[str, str], PolicyCookie] = {}
    keys: dict[tuple[str, str], PolicyKey] = {}
    contacts: dict[str, PolicyHost] = {}
    for scan in (attribute(scan, catalogue) for scan in scans):
        for cookie in scan.cookies:
            if cookie.name not in OWN_COOKIES and cookie.state != "blocked":
                _merge_cookie(cookies, _policy_cookie(cookie, catalogue, own_overrides))
        for key in scan.storage:
            entry = _policy_key(key, catalogue, own_overrides)
            keys[entry.kind, entry.key] = entry
        for contact in _contacts(scan, catalogue, own_overrides):
            seen = contacts.get(contact.host)
            kinds = tuple(sorted({*contact.kinds, *(seen.kinds if seen else ())}))
            contacts[contact.host] = contact.model_copy(update={"kinds": kinds})
    vendors = {cookie.vendor for cookie in cookies.values()}
    vendors |= {key.vendor for key in keys.values()}
    vendors |= {contact.vendor for contact in contacts.values()}
    return SitePolicy(
        site=site,
        hosts=tuple(sorted(hosts)),
        catalogue=catalogue.digest,
        vendors=named_vendors(vendors, catalogue),
        cookies=tuple(cookies[key] for key in sorted(cookies)),
        storage=tuple(keys[key] for key in sorted(keys)),
        contacts=tuple(contacts[host] for host in sorted(contacts)),
        overrides=own_overrides,
    )


def find_override(overrides: Iterable[Override], kinds: Iterable[OverrideKind], name: str) -> Override | None:
    """The first override of one of these kinds that names this; hosts cover what is below them."""
    wanted = frozenset(kinds)
    for override in overrides:
        if override.kind not in wanted:
            continue
        below = override.kind in {"host", "script", "frame"} and name.endswith("." + override.match)
        if below or compile_glob(override.match).fullmatch(name):
            return override
    return None


def _policy_cookie(cookie: ObservedCookie, catalogue: Catalogue, overrides: Iterable[Override]) -> PolicyCookie:
    matches = [match for match in catalogue.match_cookie(cookie.name) if match.vendor == cookie.vendor]
    about = matches[0].about if matches else ""
    entry = PolicyCookie(
        name=matches[0].tracker if matches else cookie.name,
        domain="" if cookie.first_party else cookie.domain.lstrip("."),
        vendor=cookie.vendor,
        purpose=cookie.purpose,
        lifetime=cookie.declared_lifetime,
        session=cookie.session,
        first_party=cookie.first_party,
        http_only=cookie.http_only,
        because=cookie.because,
        about=about,
    )
    override = find_override(overrides, ("cookie",), cookie.name)
    return entry.model_copy(update=_by_override(override, cookie.vendor)) if override else entry


def _merge_cookie(cookies: dict[tuple[str, str], PolicyCookie], entry: PolicyCookie) -> None:
    """Several cookies of one pattern are one entry, with the longest lifetime."""
    key = entry.name, entry.domain
    seen = cookies.get(key)
    if seen is None or (entry.lifetime or -1) > (seen.lifetime or -1):
        cookies[key] = entry


def _policy_key(key: ObservedKey, catalogue: Catalogue, overrides: Iterable[Override]) -> PolicyKey:
    matches = [match for match in catalogue.match_storage(key.key) if match.vendor == key.vendor]
    name = matches[0].tracker if matches else key.key
    entry = PolicyKey(kind=key.kind, key=name, vendor=key.vendor, purpose=key.purpose, because=key.because)
    override = find_override(overrides, ("storage",), key.key)
    return entry.model_copy(update=_by_override(override, key.vendor)) if override else entry


def _contacts(scan: Scan, catalogue: Catalogue, overrides: Iterable[Override]) -> Iterable[PolicyHost]:
    site = urlsplit(scan.site).hostname or scan.site
    evidence = host_evidence(scan, catalogue)
    kinds: dict[str, set[str]] = {}
    for request in scan.requests:
        host = urlsplit(request.url).hostname
        if host and not same_site(host, site):
            kinds.setdefault(host, set()).add(KIND_OF_TYPE.get(request.type, "connect"))
    for host, served in kinds.items():
        known = evidence.get(host)
        entry = PolicyHost(
            host=host,
            vendor=known.vendor if known else None,
            purpose=known.purpose if known else None,
            tracker=known.tracker if known else False,
            kinds=tuple(sorted(served)),
            because=known.because if known else f"third party {host}, nothing known about it",
            placeholder=known.placeholder if known else None,
        )
        override = find_override(overrides, ("host", "frame", "script"), host)
        if override:
            tracker = override.purpose is not Purpose.NECESSARY
            entry = entry.model_copy(update={**_by_override(override, entry.vendor), "tracker": tracker})
        yield entry


def _by_override(override: Override, vendor: str | None) -> dict[str, object]:
    because = override.reason or f"the operator's own word on {override.kind} {override.match}"
    return {"purpose": override.purpose, "vendor": override.vendor or vendor, "because": because}

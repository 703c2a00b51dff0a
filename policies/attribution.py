"""Say who is behind what a scan saw: by name, by host, and by behaviour. Pure: a scan and the catalogue in.

A host that nobody has heard of gives itself away by what it does: whose script sets `_fbp` is Meta's, whatever
the host is called (a CNAME, a self-hosted copy); who sets a cookie of its own on other people's sites follows
visitors across them; who reads a canvas recognises browsers. Each label says which of these it rests on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.catalogue import Catalogue, Match
from policies.observation import ObservedCookie, ObservedKey, ObservedRequest, Scan, Setter
from policies.party import same_site
from policies.purpose import Purpose

RECOGNISES_BROWSERS = frozenset({"canvas", "audio", "webgl", "fonts", "navigator"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one third-party host was found to be. `purpose` None with `tracker`: follows visitors, what for unknown."""

    because: str
    vendor: str | None = None
    purpose: Purpose | None = None
    tracker: bool = True
    placeholder: str | None = None


def attribute(scan: Scan, catalogue: Catalogue) -> Scan:
    """The scan with `vendor`, `purpose` and `because` filled in wherever they can be told."""
    hosts = host_evidence(scan, catalogue)
    return scan.model_copy(
        update={
            "cookies": tuple(_label_cookie(cookie, catalogue, hosts) for cookie in scan.cookies),
            "storage": tuple(_label_key(key, catalogue, hosts) for key in scan.storage),
            "requests": tuple(_label_request(request, catalogue, hosts) for request in scan.requests),
        }
    )


def host_evidence(scan: Scan, catalogue: Catalogue) -> dict[str, Evidence]:
    """Every third-party host of the scan that tracks or is known, with the reason; unknown harmless ones are absent."""
    site = urlsplit(scan.site).hostname or scan.site
    found: dict[str, Evidence] = {}
    by_cookies = _vendors_by_cookies(scan, catalogue, site)
    followers = _hosts_with_own_cookies(scan)
    techniques: dict[str, set[str]] = {}
    for technique in scan.techniques:
        if technique.kind in RECOGNISES_BROWSERS:
            techniques.setdefault(_host(technique.script), set()).add(technique.kind)
    for host, paths in sorted(_third_party_paths(scan, site).items()):
        match = next(filter(None, (catalogue.match_host(host, path) for path in sorted(paths))), None)
        match = match or next(filter(None, (catalogue.match_foreign_path(path) for path in sorted(paths))), None)
        if match:
            found[host] = Evidence(
                match.because, match.vendor, match.purpose,
                tracker=match.purpose is not Purpose.NECESSARY, placeholder=match.placeholder,
            )  # fmt: skip
        elif host in by_cookies:
            cookie = by_cookies[host]
            found[host] = Evidence(f"{host} sets {cookie.tracker}, a cookie of {cookie.vendor_name}",
                                   cookie.vendor, cookie.purpose)  # fmt: skip
        elif host in followers:
            name = followers[host]
            found[host] = Evidence(f"{host} sets a cookie of its own ({name}) on this site's pages",
                                   purpose=Purpose.MARKETING)  # fmt: skip
        elif host in techniques:
            kinds = ", ".join(sorted(techniques[host]))
            found[host] = Evidence(f"{host} recognises browsers without a cookie ({kinds})")
    return found


def _third_party_paths(scan: Scan, site: str) -> dict[str, set[str]]:
    paths: dict[str, set[str]] = {}
    for request in scan.requests:
        parts = urlsplit(request.url)
        if parts.hostname and not same_site(parts.hostname, site):
            paths.setdefault(parts.hostname, set()).add(parts.path or "/")
    return paths


def _vendors_by_cookies(scan: Scan, catalogue: Catalogue, site: str) -> dict[str, Match]:
    """Hosts whose scripts or answers set cookies that are known by name, with the commonest vendor's match."""
    votes: dict[str, Counter[str]] = {}
    matches: dict[tuple[str, str], Match] = {}
    for cookie in scan.cookies:
        known = [match for match in catalogue.match_cookie(cookie.name) if match.confidence == "high"]
        if not known:
            continue
        for host in _setter_hosts(cookie.set_by):
            if not same_site(host, site):
                votes.setdefault(host, Counter())[known[0].vendor] += 1
                matches.setdefault((host, known[0].vendor), known[0])
    return {host: matches[host, max(sorted(count), key=count.__getitem__)] for host, count in votes.items()}


def _hosts_with_own_cookies(scan: Scan) -> dict[str, str]:
    return {
        _host(setter.url): cookie.name
        for cookie in sorted(scan.cookies, key=lambda cookie: cookie.name, reverse=True)
        if not cookie.first_party
        for setter in cookie.set_by
    }


def _label_cookie(cookie: ObservedCookie, catalogue: Catalogue, hosts: Mapping[str, Evidence]) -> ObservedCookie:
    witnesses = (*_setter_hosts(cookie.set_by), cookie.domain.lstrip("."))
    label = _label(catalogue.match_cookie(cookie.name, witnesses), witnesses, hosts)
    return cookie.model_copy(update=label)


def _label_key(key: ObservedKey, catalogue: Catalogue, hosts: Mapping[str, Evidence]) -> ObservedKey:
    witnesses = (*_setter_hosts(key.set_by), _host(key.origin))
    return key.model_copy(update=_label(catalogue.match_storage(key.key, witnesses), witnesses, hosts))


def _label_request(
    request: ObservedRequest, catalogue: Catalogue, hosts: Mapping[str, Evidence]
) -> ObservedRequest:  # fmt: skip
    parts = urlsplit(request.url)
    if evidence := hosts.get(parts.hostname or ""):
        return request.model_copy(update={"vendor": evidence.vendor, "purpose": evidence.purpose})
    match = catalogue.match_path(parts.path)
    if match and not catalogue.vendors[match.vendor].operator_hosted:
        return request.model_copy(update={"vendor": match.vendor, "purpose": match.purpose})
    return request


def _label(
    matches: tuple[Match, ...], witnesses: Iterable[str], hosts: Mapping[str, Evidence]
) -> dict[str, object]:  # fmt: skip
    if matches and matches[0].confidence != "low":
        best = matches[0]
        return {"vendor": best.vendor, "purpose": best.purpose, "because": best.because}
    for host in witnesses:
        if evidence := hosts.get(host):
            because = f"set by {host}: {evidence.because}"
            return {"vendor": evidence.vendor, "purpose": evidence.purpose, "because": because}
    return {"vendor": None, "purpose": None, "because": "nothing known about it"}


def _setter_hosts(setters: Iterable[Setter]) -> list[str]:
    """Hosts to blame, the setting script first, then who called it."""
    found: list[str] = []
    for setter in setters:
        for url in (setter.url, *(frame.url for frame in setter.stack)):
            host = _host(url)
            if host and host not in found:
                found.append(host)
    return found


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""

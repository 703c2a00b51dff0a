"""Cookies that trackers left behind -> Set-Cookie lines that expire them. No I/O.

A Cookie header tells neither domain nor path, so each name is expired for the host, for every parent domain up to the
registrable one, and for every folder of the page the visitor came from. Third parties' own cookies are out of reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from policies.party import is_public_suffix, registrable_domain
from policies.purpose import Consent, Purpose
from proxy.consent.site_notice import SiteNotice

MAX_LINES = 30
"""Set-Cookie lines in one answer at most: servers in front of us refuse heads above 4 KB."""
_NAME = re.compile(r"[a-z0-9_.-]{1,253}", re.ASCII)
_PAST = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"


def present(cookie_header: bytes | None) -> list[str]:
    """The names in a request's Cookie header, each once, in order."""
    pairs = (cookie_header or b"").decode("latin-1").split(";")
    return list(dict.fromkeys(name for pair in pairs if (name := pair.partition("=")[0].strip()) and "=" in pair))


def refused_patterns(site: SiteNotice, consent: Consent) -> list[str]:
    """Names and globs of the cookies that this consent does not cover; what a necessary entry names is spared."""
    spared = {cookie.name for vendor in site.of(Purpose.NECESSARY) for cookie in vendor.cookies}
    wanted = (
        cookie.name
        for vendor in site.vendors
        if not consent.allows(vendor.purpose, vendor.id or None)
        for cookie in vendor.cookies
        if cookie.kind == "cookie" and cookie.name not in spared
    )
    return list(dict.fromkeys(wanted))


def expiries(
    site: SiteNotice, consent: Consent, cookie_header: bytes | None, *, host: str, page: str, secure: bool
) -> list[str]:
    """Set-Cookie lines, the cookies seen in the request first. `host` without port, `page` a path."""
    patterns = refused_patterns(site, consent)
    spared = [cookie.name for vendor in site.of(Purpose.NECESSARY) for cookie in vendor.cookies]
    seen = [
        name
        for name in present(cookie_header)
        if any(fnmatchcase(name, pattern) for pattern in patterns) and name not in spared and _writable(name)
    ]
    unseen = [name for name in patterns if not set(name) & set("*?[") and name not in seen and _writable(name)]
    domains, folders = _domains(host), _folders(page)
    combinations = [
        *((name, domain, "/") for name in seen for domain in domains),
        *((name, domain, folder) for name in [*seen, *unseen] for folder in folders for domain in ("", domains[-1])),
        *((name, domain, "/") for name in unseen for domain in ("", domains[-1])),
    ]
    unique = list(dict.fromkeys(combinations))[:MAX_LINES]
    return [_line(name, domain, path, secure) for name, domain, path in unique]


def _line(name: str, domain: str, path: str, secure: bool) -> str:
    where = f"; Domain={domain}" if domain else ""
    return f"{name}=; Path={path}{where}; {_PAST}{'; Secure' if secure else ''}"


def _writable(name: str) -> bool:
    return name.isascii() and name.isprintable() and not set(name) & set('=;, "\t')


def _domains(host: str) -> list[str]:
    """`www.shop.example` -> "", www.shop.example, shop.example: host-only first, the registrable domain last."""
    host = host.lower().rstrip(".")
    found = [""]
    if not _NAME.fullmatch(host) or host.replace(".", "").isdigit():
        return found
    top = registrable_domain(host)
    while host and not is_public_suffix(host):
        found.append(host)
        if host == top:
            break
        host = host.partition(".")[2]
    return found


def _folders(page: str) -> list[str]:
    """`/shop/boots?x=1` -> /shop, /shop/boots: what a script on that page may have used as Path."""
    parts = [part for part in page.partition("?")[0].split("/") if part]
    safe: Iterable[str] = ("/" + "/".join(parts[: depth + 1]) for depth in range(min(len(parts), 3)))
    return [path for path in safe if path.isascii() and path.isprintable() and ";" not in path]

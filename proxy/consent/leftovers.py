"""Cookies that trackers left behind -> Set-Cookie lines that expire them. No I/O.

A Cookie header tells neither domain nor path, so each name is expired for the host, for every parent domain up to the
registrable one, and for every folder of the page the visitor came from. Third parties' own cookies are out of reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from functools import lru_cache
from itertools import islice

from policies.party import is_public_suffix, registrable_domain
from policies.purpose import Consent, Purpose
from proxy.consent.site_notice import SiteNotice

MAX_LINES = 30
"""Set-Cookie lines in one answer at most: servers in front of us refuse heads above 4 KB."""
_NAME = re.compile(r"[a-z0-9_.-]{1,253}", re.ASCII)
_PAST = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"


_WRITABLE = re.compile(r"[^\x00-\x20\x7f-\U0010ffff=;,\"]+")
_Owner = tuple[Purpose, str | None]


def present(cookie_header: bytes | None) -> list[str]:
    """The names in a request's Cookie header, each once, in order."""
    pairs = (cookie_header or b"").decode("latin-1").split(";")
    return list(dict.fromkeys(name for pair in pairs if (name := pair.partition("=")[0].strip()) and "=" in pair))


class Leftovers:
    """The cookies that a site's notice names, laid out once so that a choice costs a few look-ups, not all of them.

    What a necessary entry names is spared.
    """

    def __init__(self, site: SiteNotice) -> None:
        self._spared = {cookie.name for vendor in site.of(Purpose.NECESSARY) for cookie in vendor.cookies}
        self._owners: dict[str, list[_Owner]] = {}
        for vendor in site.vendors:
            for cookie in vendor.cookies:
                if cookie.kind == "cookie" and cookie.name not in self._spared:
                    self._owners.setdefault(cookie.name, []).append((vendor.purpose, vendor.id or None))
        globs = [name for name in self._owners if set(name) & set("*?[")]
        self._globs = [(re.compile(translate(name)), name) for name in globs]
        self._plain = [name for name in self._owners if name not in globs and _WRITABLE.fullmatch(name)]
        self._by_purposes: dict[frozenset[Purpose], dict[str, None]] = {}

    def __repr__(self) -> str:
        return f"<Leftovers {len(self._owners)} names>"

    def refused(self, consent: Consent) -> Mapping[str, None]:
        """Names and globs of the cookies that this consent does not cover, in the notice's order."""
        if consent.vendors:
            return self._refused(consent)
        found = self._by_purposes.get(consent.purposes)
        if found is None:
            found = self._by_purposes[consent.purposes] = self._refused(consent)
        return found

    def _refused(self, consent: Consent) -> dict[str, None]:
        return {
            name: None
            for name, owners in self._owners.items()
            if not all(consent.allows(purpose, vendor) for purpose, vendor in owners)
        }

    def expiries(
        self, consent: Consent, cookie_header: bytes | None, *, host: str, page: str, secure: bool
    ) -> list[str]:
        """Set-Cookie lines, the cookies seen in the request first. `host` without port, `page` a path."""
        refused = self.refused(consent)
        if not refused:
            return []
        seen = [name for name in present(cookie_header) if self._unwanted(name, refused)]
        unseen = list(islice((name for name in self._plain if name in refused and name not in seen), MAX_LINES))
        combinations = _combinations(seen, unseen, _domains(host), _folders(page))
        unique = dict.fromkeys(islice(combinations, 4 * MAX_LINES))
        return [_line(name, domain, path, secure) for name, domain, path in islice(unique, MAX_LINES)]

    def _unwanted(self, name: str, refused: Mapping[str, None]) -> bool:
        if name in self._spared or not _WRITABLE.fullmatch(name):
            return False
        return name in refused or any(glob in refused and pattern.match(name) for pattern, glob in self._globs)


def _combinations(
    seen: list[str], unseen: list[str], domains: tuple[str, ...], folders: list[str]
) -> Iterator[tuple[str, str, str]]:
    """Name, domain and path to expire, the likeliest first."""
    ends = dict.fromkeys(("", domains[-1]))
    for name in seen:
        yield from ((name, domain, "/") for domain in domains)
    for name in [*seen, *unseen]:
        yield from ((name, domain, folder) for folder in folders for domain in ends)
    for name in unseen:
        yield from ((name, domain, "/") for domain in ends)


def _line(name: str, domain: str, path: str, secure: bool) -> str:
    where = f"; Domain={domain}" if domain else ""
    return f"{name}=; Path={path}{where}; {_PAST}{'; Secure' if secure else ''}"


@lru_cache(maxsize=256)
def _domains(host: str) -> tuple[str, ...]:
    """`www.shop.example` -> "", www.shop.example, shop.example: host-only first, the registrable domain last."""
    host = host.lower().rstrip(".")
    found = [""]
    if not _NAME.fullmatch(host) or host.replace(".", "").isdigit():
        return tuple(found)
    top = registrable_domain(host)
    while host and not is_public_suffix(host):
        found.append(host)
        if host == top:
            break
        host = host.partition(".")[2]
    return tuple(found)


def _folders(page: str) -> list[str]:
    """`/shop/boots?x=1` -> /shop, /shop/boots: what a script on that page may have used as Path."""
    parts = [part for part in page.partition("?")[0].split("/") if part]
    safe: Iterable[str] = ("/" + "/".join(parts[: depth + 1]) for depth in range(min(len(parts), 3)))
    return [path for path in safe if path.isascii() and path.isprintable() and ";" not in path]

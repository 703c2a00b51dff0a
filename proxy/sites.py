"""The sites of one process: found by host name, each with its connection pool and the rules in force.

Rules are replaced whole and at once, when the published policy's file changes or when `reload` is called; an
exchange keeps the rules it began with. A policy that cannot be read leaves the old one in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import structlog
from aiohttp.abc import AbstractResolver

from policies.catalogue import Catalogue
from policies.purpose import Consent
from policies.rules import Rules
from policies.site_policy import Override, SitePolicy
from proxy import csp
from proxy.mapping import Mapping
from proxy.settings import ProxySettings, SiteSettings
from proxy.upstream import Upstream


class Site:
    """One site: its settings, its pool, its rules. `policy_file` is watched by `refresh`."""

    def __init__(
        self,
        settings: SiteSettings,
        proxy: ProxySettings,
        catalogue: Catalogue,
        resolver: AbstractResolver,
        *,
        policy_file: Path | None = None,
        overrides: Iterable[Override] = (),
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self._proxy = proxy
        self._catalogue = catalogue
        self._policy_file = policy_file
        self._seen: tuple[int, int] | None = None
        self._overrides = tuple(o for o in overrides if o.site in {None, settings.name})
        self._log = structlog.get_logger("samtykke.proxy").bind(site=self.name)
        self.upstream = Upstream(
            settings.upstream,
            proxy.limits,
            resolver,
            server_name=settings.upstream_host.partition(":")[0] or None,
            verify=settings.upstream_verify,
        )
        self.rules = self._rules(None)
        self.own_csp = self._remembered_csp()

    def __repr__(self) -> str:
        policy = self.rules.policy_hash
        return f"<Site {self.name} at {self.settings.upstream}, policy {policy[:12] if policy else 'none'}>"

    def _rules(self, policy: SitePolicy | None) -> Rules:
        return Rules.for_site(
            policy,
            self._catalogue,
            hosts=tuple(host.partition(":")[0] for host in self.settings.hosts),
            overrides=self._overrides,
            unknown_cookies=self._proxy.unknown_cookies,
            unknown_third_party=self._proxy.unknown_third_party,
            exempt_paths=self.settings.exempt_paths,
        )

    def _remembered_csp(self) -> Callable[[Consent, bool, bool, str], str | None]:
        rules = self.rules

        @lru_cache(maxsize=512)
        def own(consent: Consent, consentable: bool, exempt: bool, page_host: str) -> str | None:
            return csp.own_policy(
                rules.csp_hosts(consent, consentable=consentable),
                {page_host, *rules.hosts},
                code_only=rules.policy is None,
                code_open=exempt or rules.unknown_third_party == "pass",
            )

        return own

    def put_in_force(self, policy: SitePolicy | None) -> None:
        """Enforce this policy from the next exchange on; None: the catalogue alone."""
        self.rules = self._rules(policy)
        self.own_csp = self._remembered_csp()
        self._log.info("policy_in_force", policy=policy.hash if policy else None)

    def refresh(self) -> bool:
        """Read the policy's file again where it has changed; True where it did. Blocks for one small read."""
        if self._policy_file is None:
            return False
        try:
            found = self._policy_file.stat()
            seen = (found.st_mtime_ns, found.st_size)
        except OSError:
            seen = None
        if seen == self._seen:
            return False
        self._seen = seen
        if seen is None:
            self.put_in_force(None)
            return True
        try:
            text = self._policy_file.read_text("utf-8")
            policy = SitePolicy.from_json(text, source=self._policy_file.name)
        except (OSError, ValueError) as error:
            self._log.error("policy_unreadable", error=str(error), kept=self.rules.policy_hash)
            return False
        if policy.hash != self.rules.policy_hash:
            self.put_in_force(policy)
        return True

    def mapping(self, front_host: bytes, scheme: bytes) -> Mapping | None:
        """How the site's own name becomes the visitors' name; None where both are the same."""
        theirs = (self.settings.upstream_host or self.settings.upstream.partition("://")[2]).lower().encode()
        if theirs == front_host.lower():
            return None
        return Mapping(theirs, b"https" if self.upstream.tls else b"http", front_host, scheme)


class Sites:
    """Which site a Host names: with its port first, then without."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self.all = tuple(sites)
        self._by_host: dict[str, Site] = {}
        for site in self.all:
            for host in site.settings.hosts:
                if (other := self._by_host.setdefault(host, site)) is not site:
                    raise ValueError(f'host "{host}" belongs to both [[site]] {other.name} and {site.name}')

    def find(self, host: str) -> Site | None:
        """The site for a Host header as sent."""
        key = host.lower()
        if found := self._by_host.get(key):
            return found
        name = key if key.endswith("]") else key.rpartition(":")[0] or key
        return self._by_host.get(name.rstrip("."))

    def named(self, name: str) -> Site:
        """Raises KeyError."""
        return next((site for site in self.all if site.name == name), None) or _missing(name)


def _missing(name: str) -> Site:
    raise KeyError(name)

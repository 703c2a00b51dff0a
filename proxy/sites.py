"""The sites of one process: found by host name, each with its connection pool and the rules in force.

Rules are replaced whole and at once, when the published policy's file changes or when `reload` is called; an
exchange keeps the rules it began with. A policy that cannot be read leaves the old one in force.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import structlog
from aiohttp.abc import AbstractResolver

from policies.catalogue import Catalogue
from policies.imports import Imports
from policies.purpose import Consent
from policies.rules import Rules
from policies.site_policy import Override, SitePolicy
from proxy import csp, signals
from proxy.consent.site_notice import SiteNotice, of_policy, unscanned
from proxy.exchange import Exchange
from proxy.guard import Asset, guard_of
from proxy.judges import RulesJudge
from proxy.mapping import Mapping
from proxy.settings import ProxySettings, SiteSettings
from proxy.upstream import Upstream

_JUDGES = 32
"""Kinds of visitors whose judge is kept, each with a bounded memory."""
_ASSETS = 16
_NEVER = (-1, -1)
"""No file looks like that: the first look at a policy's file puts something in force, even that there is none."""


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
        imports: Imports | None = None,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self._proxy = proxy
        self._catalogue = catalogue
        self._policy_file = policy_file
        self._imports = imports
        self._seen: tuple[int, int] | None = _NEVER
        self._overrides = tuple(o for o in overrides if o.site in {None, settings.name})
        self._log = structlog.get_logger("samtykke.proxy").bind(site=self.name)
        self.upstream = Upstream(
            settings.upstream,
            proxy.limits,
            resolver,
            server_name=settings.upstream_host.partition(":")[0] or None,
            verify=settings.upstream_verify,
        )
        self._own_name = (settings.upstream_host or settings.upstream.partition("://")[2]).lower().encode()
        self.rules = self._rules(None)
        self.own_csp = self._remembered_csp()
        self.notice = self._told()
        self._judges: OrderedDict[tuple[object, ...], RulesJudge] = OrderedDict()
        self._assets: OrderedDict[str, Asset] = OrderedDict()

    def __repr__(self) -> str:
        policy = self.rules.policy_hash
        return f"<Site {self.name} at {self.settings.upstream}, policy {policy[:12] if policy else 'none'}>"

    def _rules(self, policy: SitePolicy | None) -> Rules:
        return Rules.for_site(
            policy,
            self._catalogue,
            hosts=self.settings.own_names,
            overrides=self._overrides,
            unknown_cookies=self._proxy.unknown_cookies,
            unknown_third_party=self._proxy.unknown_third_party,
            exempt_paths=self.settings.exempt_paths,
            imports=self._imports,
            signalling=signals.of_catalogue(self._catalogue) if self._proxy.consent_mode == "signals" else (),
        )

    def _told(self) -> SiteNotice:
        """What visitors are told: the policy in force, or that every purpose is asked for while there is none."""
        return of_policy(self.rules.policy) if self.rules.policy else unscanned(self.name)

    def _remembered_csp(self) -> Callable[[Consent, bool, bool, str], str | None]:
        """Our own policy header by consent. Without a published policy there is none: an allow-list needs to know
        which hosts the site has, and the catalogue's would be too long; rewriting, gates and guard then stand alone."""
        rules = self.rules

        @lru_cache(maxsize=512)
        def own(consent: Consent, consentable: bool, exempt: bool, page_host: str) -> str | None:
            if rules.policy is None:
                return None
            return csp.own_policy(
                rules.csp_hosts(signals.loading(consent, rules.signalling), consentable=consentable),
                {page_host, *rules.hosts},
                code_open=exempt or rules.unknown_third_party == "pass",
            )

        return own

    def put_in_force(self, policy: SitePolicy | None) -> None:
        """Enforce this policy from the next exchange on; None: the catalogue alone."""
        rules = self._rules(policy)
        guard_of(rules)  # compiled here, so that no visitor waits for it
        self.rules = rules
        self.own_csp = self._remembered_csp()
        self.notice = self._told()
        self._judges.clear()
        self._log.info("policy_in_force", policy=policy.hash if policy else None)

    def judge(self, exchange: Exchange) -> RulesJudge:
        """The judge for this exchange's consent; kept with what it remembers, since pages of a site repeat."""
        key = (id(exchange.rules), exchange.consent, exchange.page_host, exchange.exempt)
        judge = self._judges.get(key)
        if judge is None or judge.rules is not exchange.rules:
            judge = RulesJudge(exchange.rules, exchange.consent, exchange.page_host, exchange.path)
            self._judges[key] = judge
            while len(self._judges) > _JUDGES:
                self._judges.popitem(last=False)
        else:
            self._judges.move_to_end(key)
        return judge

    def asset(self, path: str) -> Asset | None:
        """The guard's file at this address: of the rules in force, or of older ones whose pages are still open."""
        for name, asset in guard_of(self.rules).assets.items():
            self._assets[name] = asset
        while len(self._assets) > _ASSETS:
            self._assets.popitem(last=False)
        return self._assets.get(path)

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
        theirs = self._own_name
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

"""A config made into running parts. The one place where packages meet."""

from __future__ import annotations

from functools import cache

from policies.catalogue import Catalogue
from policies.rules import Rules
from proxy.settings import SiteSettings
from samtykke.config import Config
from samtykke.imported import imports_of
from samtykke.policy_folder import PolicyFolder


@cache
def catalogue() -> Catalogue:
    """The packaged catalogue, read once in a process."""
    return Catalogue.load()


def policy_folder(config: Config) -> PolicyFolder:
    return PolicyFolder(config.path(config.policy.folder))


def rules_for(config: Config, site: str | None = None) -> Rules:
    """The rules of one site, or the catalogue's alone where no site is configured. Raises ConfigError."""
    if not config.site and site is None:
        return Rules.for_site(None, catalogue(), overrides=config.policy.override, imports=imports_of(config))
    return site_rules(config, config.one_site(site))


def site_rules(config: Config, site: SiteSettings) -> Rules:
    """The rules of one configured site: its published policy, the catalogue, the operator's overrides and imports."""
    return Rules.for_site(
        policy_folder(config).current(site.name),
        catalogue(),
        hosts=site.own_names,
        unknown_cookies=config.proxy.unknown_cookies,
        unknown_third_party=config.proxy.unknown_third_party,
        exempt_paths=site.exempt_paths,
        overrides=[override for override in config.policy.override if override.site in (None, site.name)],
        imports=imports_of(config),
    )

"""First party or third party, by registrable domain. No network: the packaged public suffix list.

The private section counts (github.io is a suffix), an unknown suffix follows the list's default rule `*`
(so shop.localhost and ads.localhost are different sites, as they are to a browser), and an IP address is
its own site.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

import tldextract

_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=16_384)
def registrable_domain(host: str) -> str:
    """The site a host belongs to: `www.shop.co.uk` -> `shop.co.uk`; a bare suffix or IP address is itself."""
    host = host.lower().rstrip(".")
    if not host or _is_ip(host):
        return host
    found = _extract(host)
    if found.suffix:
        return found.top_domain_under_public_suffix or host
    return ".".join(host.split(".")[-2:])


def same_site(one: str, other: str) -> bool:
    """Do two hosts share a registrable domain?"""
    return one == other or registrable_domain(one) == registrable_domain(other)


@lru_cache(maxsize=16_384)
def is_public_suffix(host: str) -> bool:
    """May no cookie be set for this domain (RFC 6265bis 5.7, step 9)? A single label is one by the default rule."""
    host = host.lower().rstrip(".")
    if not host or _is_ip(host):
        return False
    if "." not in host:
        return True
    found = _extract(host)
    return bool(found.suffix) and not found.domain

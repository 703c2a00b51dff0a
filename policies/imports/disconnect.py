"""Disconnect's services.json: hosts by category and company. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.imports.gathered import Gathered
from policies.imports.model import ImportedHost, ImportFailedError
from policies.purpose import Purpose

PURPOSES: Mapping[str, Purpose | None] = {
    "Advertising": Purpose.MARKETING,
    "Analytics": Purpose.STATISTICS,
    "Social": Purpose.MARKETING,
    "Email": Purpose.MARKETING,
    "EmailAggressive": Purpose.MARKETING,
    "FingerprintingGeneral": Purpose.MARKETING,
    "FingerprintingInvasive": Purpose.MARKETING,
    "Cryptomining": None,
}
"""Categories that track. Others (Content, ConsentManagers, Anti-fraud ...) are counted and left out."""


def read(document: Any, name: str, found: Gathered) -> None:
    """Raises ImportFailedError naming category and company."""
    categories = document["categories"]
    if not isinstance(categories, Mapping):
        raise ImportFailedError(f"{name}: categories: expected an object, found {type(categories).__name__}")
    for category, companies in categories.items():
        if not isinstance(companies, list):
            raise ImportFailedError(f"{name}: categories.{category}: expected a list, found {type(companies).__name__}")
        for number, entry in enumerate(companies, 1):
            if not isinstance(entry, Mapping):
                raise ImportFailedError(f"{name}: categories.{category}: entry {number}: expected an object")
            for company, sites in entry.items():
                _company(category, company, sites, name, found)


def _company(category: str, company: str, sites: Any, name: str, found: Gathered) -> None:
    where = f"{category}/{company}"
    if not isinstance(sites, Mapping):
        raise ImportFailedError(f"{name}: {where}: expected its sites, found {type(sites).__name__}")
    for homepage, hosts in sites.items():
        if not isinstance(hosts, list):
            continue  # remarks such as "performance": "true" stand between the sites
        for host in hosts:
            if not isinstance(host, str) or "." not in host:
                raise ImportFailedError(f"{name}: {where}: {homepage}: {host!r} is no host")
            if category in PURPOSES:
                found.hosts.append(
                    ImportedHost(host=host.lower(), vendor=company, purpose=PURPOSES[category], origin=where)
                )
            else:
                found.skip(f"category {category}")

"""Whose tags read Google Consent Mode: with `consent_mode = "signals"` they may load and hold back themselves. Pure.

What they store is refused as ever. A visitor's no to one such vendor keeps its tags out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from policies.catalogue import Catalogue
from policies.purpose import Consent
from policies.verdict import Verdict

HOSTS = frozenset({
    "google-analytics.com", "googletagmanager.com", "doubleclick.net", "googleadservices.com", "googlesyndication.com",
})  # fmt: skip
"""Hosts of tags that read Consent Mode and hold back while it says `denied`."""


def signalling(hosts: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The vendors among these (host, vendor id) whose tags do."""
    return frozenset(vendor for host, vendor in hosts if host in HOSTS)


def of_catalogue(catalogue: Catalogue) -> frozenset[str]:
    """The catalogue's vendors whose tags do: the same that the guard is told."""
    files = catalogue.files.items()
    return signalling((host.match, vendor) for vendor, file in files for host in file.host if not host.paths)


def loading(consent: Consent, vendors: Iterable[str]) -> Consent:
    """The consent by which to judge what loads: these vendors may, unless the visitor refused one of them."""
    answered = dict(consent.vendors)
    return Consent(consent.purposes, tuple(sorted((dict.fromkeys(vendors, True) | answered).items())), consent.decided)


def heard(verdict: Verdict, consent: Consent, vendors: Collection[str]) -> Verdict:
    """The same for one load that was judged by what the visitor said himself: in markup and in headers."""
    if verdict.allowed or verdict.vendor not in vendors or consent.refuses(verdict.vendor):
        return verdict
    return replace(verdict, action="allow", because=f"{verdict.because}; loads, since it reads Consent Mode")

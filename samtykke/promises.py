"""Find the privacy policy of a scanned site, and hold it against the scan."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from policies.compare import compare
from policies.declared import read_policy
from policies.declared.model import Declared
from policies.findings import Finding
from policies.observation import Scan
from samtykke.config import Config, ConfigError
from samtykke.documents import Document, as_shown, read_document
from samtykke.outcome import UnreachableError
from samtykke.wiring import catalogue

POLICY_WORDS = re.compile(
    r"personvern|privacy|datenschutz|integritet|privatliv|cookie|informasjonskaps|tietosuoja", re.I
)


def read_declared(source: str, mapping: str = "") -> Declared:
    """Read a file, URL or `-` into what it declares. Raises ConfigError or UnreachableError naming it.

    `mapping` is Chromium's --host-resolver-rules, for a name that does not lead to its site yet.

    A page that declares no cookie by itself may have its table, or all of its text, written by a script: then what a
    browser shows of it is read.
    """
    document = read_document(source, mapping)
    declared = _read(document)
    if declared.cookies or (shown := as_shown(document, mapping)) is None:
        return declared
    after = _read(shown)
    return after if after.cookies or not (declared.vendors or declared.claims) else declared


def _read(document: Document) -> Declared:
    return read_policy(document.data, content_type=document.content_type, catalogue=catalogue())


def declared_of(config: Config, scan: Scan) -> str | None:
    """The configured policy of the scanned site, else the page of the scan that looks like one."""
    host = urlsplit(scan.site).hostname
    for site in config.site:
        if site.declared and host in site.own_names:
            return config.declared(site)
    return policy_page(scan)


def policy_page(scan: Scan) -> str | None:
    """The page of a scan that looks like the site's privacy policy, by its address or title; else where its pages'
    links say it is, on a host that the scan has visited."""
    for page in scan.pages:
        if not page.error and POLICY_WORDS.search(f"{urlsplit(page.url).path} {page.title}"):
            return page.final_url or page.url
    visited = {urlsplit(page.final_url or page.url).netloc for page in scan.pages if not page.error}
    return next((link.url for link in scan.policy_links if urlsplit(link.url).netloc in visited), None)


def findings_against(source: str | None, scan: Scan) -> tuple[str | None, tuple[Finding, ...]]:
    """(the policy document that was read, what differs from it); (None, ()) where there is none to read."""
    if not source:
        return None, ()
    try:
        declared = read_declared(source)
    except (ConfigError, UnreachableError):
        return None, ()
    return source, compare(declared, scan, catalogue())

"""Every packaged vendor file is sound by itself and beside the others, and answers for its own samples."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from urllib.parse import urlsplit

import pytest

from policies.catalogue import Catalogue
from policies.catalogue.lookup import read_vendor
from policies.catalogue.names import is_glob
from policies.catalogue.schema import VendorFile
from policies.purpose import Purpose

TEXTS = {
    entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
    for entry in resources.files("policies.catalogue").joinpath("vendors").iterdir()
    if entry.name.endswith(".toml")
}
FILES = {vendor: read_vendor(vendor, text) for vendor, text in sorted(TEXTS.items())}
CATALOGUE = Catalogue.of(TEXTS)
IDS = tuple(FILES)


@pytest.mark.parametrize("vendor", IDS)
def test_id_is_lower_case_words_joined_by_hyphens(vendor: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", vendor)


@pytest.mark.parametrize("vendor", IDS)
def test_each_sample_is_recognised_as_its_vendor(vendor: str) -> None:
    file = FILES[vendor]
    assert file.samples or not (file.host or file.path), "a vendor with hosts or paths shows at least one sample"
    for sample in file.samples:
        parts = urlsplit(sample)
        assert parts.hostname, sample
        match = CATALOGUE.match_host(parts.hostname, parts.path) or CATALOGUE.match_path(parts.path)
        assert match is not None, sample
        assert match.vendor == vendor, sample


@pytest.mark.parametrize("vendor", IDS)
def test_names_keys_and_signatures_are_unique_within_a_vendor(vendor: str) -> None:
    file = FILES[vendor]
    for entries in (
        [cookie.name for cookie in file.cookie],
        [key.key for key in file.storage],
        [inline.contains for inline in file.inline],
        [path.match for path in file.path],
        [(host.match, host.paths) for host in file.host],
    ):
        assert [entry for entry, count in Counter(entries).items() if count > 1] == []


@pytest.mark.parametrize("vendor", IDS)
def test_whatever_is_necessary_says_why(vendor: str) -> None:
    file = FILES[vendor]
    assert file.purpose is not Purpose.NECESSARY or len(file.necessary_because or "") > 20
    for entry in (*file.host, *file.path, *file.cookie, *file.storage, *file.inline):
        if entry.purpose is Purpose.NECESSARY:
            assert len(entry.necessary_because or file.necessary_because or "") > 20, entry


@pytest.mark.parametrize("vendor", IDS)
def test_facts_can_be_looked_up(vendor: str) -> None:
    file = FILES[vendor]
    for url in (file.source, file.privacy):
        parts = urlsplit(url)
        assert parts.scheme == "https", url
        assert parts.hostname, url


@pytest.mark.parametrize("vendor", IDS)
def test_hosts_are_plain_lower_case_names_and_paths_start_at_the_root(vendor: str) -> None:
    for host in FILES[vendor].host:
        assert re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9-]+)+", host.match), host
        assert all(path.startswith("/") and "?" not in path for path in host.paths), host


@pytest.mark.parametrize("vendor", IDS)
def test_no_pattern_takes_everything(vendor: str) -> None:
    file = FILES[vendor]
    for pattern in (*(cookie.name for cookie in file.cookie), *(key.key for key in file.storage)):
        assert pattern.strip("*?_-."), pattern
    for inline in file.inline:
        assert len(inline.contains) >= 4, inline


def test_no_two_vendors_claim_the_same_host() -> None:
    claims: dict[str, set[str]] = {}
    for vendor, file in FILES.items():
        for host in file.host:
            for path in host.paths or ("",):
                claims.setdefault(host.match + path, set()).add(vendor)
    assert {claim: vendors for claim, vendors in claims.items() if len(vendors) > 1} == {}


def test_no_two_vendors_go_by_the_same_name() -> None:
    def names(vendor: str, file: VendorFile) -> set[str]:
        return {name.casefold() for name in (vendor, file.name, *file.aliases)}

    owners: dict[str, set[str]] = {}
    for vendor, file in FILES.items():
        for name in names(vendor, file):
            owners.setdefault(name, set()).add(vendor)
    assert {name: vendors for name, vendors in owners.items() if len(vendors) > 1} == {}


def test_no_two_vendors_are_equally_sure_of_the_same_cookie_name() -> None:
    sure: dict[str, set[str]] = {}
    for vendor, file in FILES.items():
        for cookie in file.cookie:
            if cookie.sure == "high":
                sure.setdefault(cookie.name, set()).add(vendor)
    assert {name: vendors for name, vendors in sure.items() if len(vendors) > 1} == {}


def test_a_glob_of_one_vendor_does_not_take_a_name_that_another_spells_out() -> None:
    spelt: dict[str, set[str]] = {}
    for vendor, file in FILES.items():
        for cookie in file.cookie:
            if cookie.sure != "low" and not is_glob(cookie.name):
                spelt.setdefault(cookie.name, set()).add(vendor)
    answers = {name: CATALOGUE.match_cookie(name)[0] for name in spelt}
    assert {name: match.vendor for name, match in answers.items() if match.vendor not in spelt[name]} == {}


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("_ga_ABC123", "google-analytics"),
        ("_gat_gtag_UA_1_1", "google-analytics"),
        ("_pk_id.7.1fff", "matomo"),
        ("_pk_id.0a1b2c3d-1111-2222-3333-444455556666.1fff", "piwik-pro"),
        ("_dc_gtm_UA-1-1", "google-tag-manager"),
        ("_hjSession_123", "hotjar"),
        ("mp_abc_mixpanel", "mixpanel"),
        ("ph_abc_posthog", "posthog"),
        ("AMP_0123456789", "amplitude"),
        ("0a1b/cly_hc_1", "countly"),
        ("_sp_id.1fff", "snowplow"),
        ("_fbp", "meta"),
        ("_gcl_au", "google-ads"),
    ],
)
def test_names_with_ids_of_their_own_are_recognised(name: str, vendor: str) -> None:
    assert CATALOGUE.match_cookie(name)[0].vendor == vendor


@pytest.mark.parametrize("name", ["basket", "lang", "cart_id", "session", "theme", "token", "user"])
def test_everyday_names_are_nobodys_without_evidence(name: str) -> None:
    assert [match for match in CATALOGUE.match_cookie(name) if match.confidence == "high"] == []


@pytest.mark.parametrize(
    "script",
    [
        "document.querySelector('#menu').addEventListener('click', () => document.body.classList.toggle('open'));",
        "window.dataLayer = window.dataLayer || []; var basket = JSON.parse(localStorage.getItem('basket') || '[]');",
        "function heapify(list) { list.sort((a, b) => a - b); } const stats = new Map(); stats.set('seen', 1);",
    ],
)
def test_a_sites_own_scripts_carry_no_signature(script: str) -> None:
    assert CATALOGUE.match_inline(script) is None


def test_no_two_vendors_have_the_same_inline_signature() -> None:
    owners: dict[str, set[str]] = {}
    for vendor, file in FILES.items():
        for inline in file.inline:
            owners.setdefault(inline.contains, set()).add(vendor)
    assert {text: vendors for text, vendors in owners.items() if len(vendors) > 1} == {}

"""Every packaged vendor file is sound by itself and beside the others, and answers for its own samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from importlib import resources
from urllib.parse import urlsplit

import pytest

from policies.catalogue import Catalogue
from policies.catalogue.lookup import read_vendor
from policies.catalogue.names import is_glob
from policies.purpose import Purpose

TEXTS = {
    entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
    for entry in resources.files("policies.catalogue").joinpath("vendors").iterdir()
    if entry.name.endswith(".toml")
}
FILES = {vendor: read_vendor(vendor, text) for vendor, text in sorted(TEXTS.items())}
CATALOGUE = Catalogue(FILES)


def claimed_twice(claims: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Which claims more than one vendor makes, from pairs of claim and vendor."""
    owners: dict[str, set[str]] = {}
    for claim, vendor in claims:
        owners.setdefault(claim, set()).add(vendor)
    return {claim: vendors for claim, vendors in owners.items() if len(vendors) > 1}


def test_the_catalogue_knows_what_european_sites_meet() -> None:
    assert len(FILES) >= 150
    assert sum(len(file.cookie) for file in FILES.values()) >= 600


@pytest.mark.parametrize("vendor", list(FILES))
def test_each_sample_is_recognised_as_its_vendor(vendor: str) -> None:
    file = FILES[vendor]
    assert file.samples or not (file.host or file.path), "a vendor with hosts or paths shows at least one sample"
    for sample in file.samples:
        parts = urlsplit(sample)
        assert parts.hostname, sample
        match = CATALOGUE.match_host(parts.hostname, parts.path) or CATALOGUE.match_path(parts.path)
        assert match is not None, sample
        assert match.vendor == vendor, sample


def test_ids_are_lower_case_words_joined_by_hyphens() -> None:
    assert [vendor for vendor in FILES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", vendor)] == []


def test_names_keys_and_signatures_are_unique_within_a_vendor() -> None:
    faults = []
    for vendor, file in FILES.items():
        for entries in (
            [cookie.name for cookie in file.cookie],
            [key.key for key in file.storage],
            [inline.contains for inline in file.inline],
            [path.match for path in file.path],
            [f"{host.match} {host.paths}" for host in file.host],
        ):
            faults += [(vendor, entry) for entry, count in Counter(entries).items() if count > 1]
    assert faults == []


def test_whatever_is_necessary_says_why() -> None:
    faults = []
    for vendor, file in FILES.items():
        for entry in (file, *file.host, *file.path, *file.cookie, *file.storage, *file.inline):
            reason = entry.necessary_because or file.necessary_because or ""
            if entry.purpose is Purpose.NECESSARY and len(reason) <= 20:
                faults.append((vendor, entry))
    assert faults == []


def test_facts_can_be_looked_up_at_addresses_that_are_encrypted() -> None:
    faults = []
    for vendor, file in FILES.items():
        for url in (file.source, file.privacy):
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname:
                faults.append((vendor, url))
    assert faults == []


def test_hosts_are_plain_lower_case_names_and_paths_start_at_the_root() -> None:
    faults = []
    for vendor, file in FILES.items():
        for host in file.host:
            plain = re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9-]+)+", host.match)
            if not plain or any("?" in path or not path.startswith("/") for path in host.paths):
                faults.append((vendor, host))
    assert faults == []


def test_no_pattern_takes_everything() -> None:
    faults = []
    for vendor, file in FILES.items():
        patterns = (*(cookie.name for cookie in file.cookie), *(key.key for key in file.storage))
        faults += [(vendor, pattern) for pattern in patterns if not pattern.strip("*?_-.")]
        faults += [(vendor, inline.contains) for inline in file.inline if len(inline.contains) < 4]
    assert faults == []


def test_no_two_vendors_claim_the_same_host() -> None:
    claims = (
        (host.match + path, vendor)
        for vendor, file in FILES.items()
        for host in file.host
        for path in host.paths or ("",)
    )
    assert claimed_twice(claims) == {}


def test_no_two_vendors_go_by_the_same_name() -> None:
    claims = (
        (name.casefold(), vendor) for vendor, file in FILES.items() for name in (vendor, file.name, *file.aliases)
    )
    assert claimed_twice(claims) == {}


def test_no_two_vendors_are_equally_sure_of_the_same_cookie_name() -> None:
    claims = (
        (cookie.name, vendor) for vendor, file in FILES.items() for cookie in file.cookie if cookie.sure == "high"
    )
    assert claimed_twice(claims) == {}


def test_no_two_vendors_have_the_same_inline_signature() -> None:
    claims = ((inline.contains, vendor) for vendor, file in FILES.items() for inline in file.inline)
    assert claimed_twice(claims) == {}


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
        ("_uetvid", "microsoft-advertising"),
        ("ai_user", "application-insights"),
        ("__qca", "quantcast"),
    ],
)
def test_names_with_ids_of_their_own_are_recognised(name: str, vendor: str) -> None:
    assert CATALOGUE.match_cookie(name)[0].vendor == vendor


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("_ga", 730),
        ("_gid", 1),
        ("_fbp", 90),
        ("_uetvid", 390),
        ("_uetsid", 1),
        ("_clck", 365),
        ("li_fat_id", 30),
        ("_pk_id.1.1fff", 393),
        ("_ttp", 390),
        ("__qca", 392),
        ("_cb", 395),
        ("_ym_uid", 365),
        ("_gcl_au", 90),
    ],
)
def test_usual_lifetimes_are_those_that_browsers_are_asked_for(name: str, days: int) -> None:
    assert CATALOGUE.match_cookie(name)[0].lifetime == days * 86_400


@pytest.mark.parametrize("name", ["basket", "lang", "cart_id", "session", "theme", "token", "user", "id", "uid", "c"])
def test_everyday_names_are_nobodys_without_evidence(name: str) -> None:
    assert [match for match in CATALOGUE.match_cookie(name) if match.confidence == "high"] == []


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        ("https://www.google.com/recaptcha/api.js", "recaptcha"),
        ("https://www.google.com/pagead/1p-conversion/1/", "google-ads"),
        ("https://www.googletagmanager.com/gtm.js", "google-tag-manager"),
        ("https://www.googletagmanager.com/gtag/js", "google-analytics"),
        ("https://stats.g.doubleclick.net/j/collect", "google-ads"),
        ("https://www.facebook.com/tr", "meta"),
    ],
)
def test_a_host_shared_by_several_services_is_told_apart_by_its_paths(url: str, vendor: str) -> None:
    parts = urlsplit(url)
    match = CATALOGUE.match_host(parts.hostname or "", parts.path)
    assert match is not None
    assert match.vendor == vendor


@pytest.mark.parametrize(
    ("script", "vendor"),
    [
        ("!function(f,b,e,v){}(window,document,'script');fbq('init', '1');", "meta"),
        (
            "function gtag(){dataLayer.push(arguments);} gtag('js', new Date()); gtag('config', 'G-1');",
            "google-analytics",
        ),
        ("(function(w,d,s,l,i){w[l].push({'gtm.start': new Date()})})(window);", "google-tag-manager"),
        ("var _paq = window._paq = window._paq || []; _paq.push(['trackPageView']);", "matomo"),
        ("_linkedin_partner_id = '1';", "linkedin"),
        ("posthog.init('phc_1', {api_host: 'https://eu.i.posthog.com'})", "posthog"),
    ],
)
def test_the_usual_snippets_are_recognised(script: str, vendor: str) -> None:
    match = CATALOGUE.match_inline(script)
    assert match is not None
    assert match.vendor == vendor


@pytest.mark.parametrize(
    "script",
    [
        "document.querySelector('#menu').addEventListener('click', () => document.body.classList.toggle('open'));",
        "window.dataLayer = window.dataLayer || []; var basket = JSON.parse(localStorage.getItem('basket') || '[]');",
        "function heapify(list) { list.sort((a, b) => a - b); } const stats = new Map(); stats.set('seen', 1);",
        "canvas.setup({mode: 'team_data'}); this.spring.config = {}; stats.start(); hasData.push(1); this.t();",
        "fetch('/api/content_ml.json').then((answer) => answer.json()).then((list) => render(list));",
    ],
)
def test_a_sites_own_scripts_carry_no_signature(script: str) -> None:
    assert CATALOGUE.match_inline(script) is None

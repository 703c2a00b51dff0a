"""Proxy and guard judge alike: the same addresses, asked of `policies.rules` and of the script in Chromium."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from policies.catalogue import Catalogue
from policies.purpose import ACCEPT, REJECT, Consent
from policies.rules import Rules
from policies.site_policy import Override, PolicyHost, PolicyVendor, SitePolicy
from proxy.guard import ConsentMode, guard_of
from proxy.judges import RulesJudge
from proxy.signals import of_catalogue

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONSENTS = (
    REJECT,
    Consent.of(["statistics"]),
    Consent.of(["marketing"], [("google-analytics", True), ("meta", False)]),
    Consent.of(["preferences", "statistics"], [("google-tag-manager", False)]),
    ACCEPT,
)
KINDS = ("script", "image", "frame", "connect")
AT_ONCE = 200
"""Addresses that the page is asked about in one command."""
SEEN = (
    "google-analytics", "google-tag-manager", "google-ads", "meta", "hotjar", "matomo", "youtube", "vimeo", "linkedin",
    "google-maps", "google", "recaptcha",
    "cloudflare", "cloudflare-web-analytics", "cloudflare-zaraz", "shopify", "plausible", "tiktok", "microsoft-clarity",
)  # fmt: skip
OVERRIDES = (
    Override(kind="host", match="hotjar.com", purpose="necessary"),
    Override(kind="host", match="static.hotjar.com", purpose="marketing", vendor="hotjar"),
    Override(kind="script", match="vimeo.com", purpose="statistics"),
    Override(kind="frame", match="maps.example", purpose="preferences", placeholder="map"),
    Override(kind="host", match="https://cdn.example/free/*", purpose="necessary"),
    Override(kind="host", match="cdn.example/ads*", purpose="marketing"),
    Override(kind="host", match="*.wild.example", purpose="statistics"),
)
CONTACTS = (
    PolicyHost(host="www.googletagmanager.com", vendor="google-tag-manager", purpose="statistics", tracker=True),
    PolicyHost(host="px.shop.localhost", vendor="meta", purpose="marketing", tracker=True, kinds=("image",)),
    PolicyHost(host="stats.shop.localhost", vendor="matomo", purpose="statistics", tracker=True),
    PolicyHost(host="found.example", tracker=True, kinds=("script",)),
    PolicyHost(host="harmless.example", kinds=("script",)),
    PolicyHost(host="www.youtube.com", vendor="youtube", purpose="marketing", tracker=True, placeholder="video"),
)
ODD = [
    "https://www.googletagmanager.com/gtag/js?id=G-1",
    "https://googletagmanager.com/gtag/js",
    "https://eu.googletagmanager.com/gtag/js",
    "https://eu.googletagmanager.com/gtm.js?id=GTM-1",
    "https://googletagmanager.com.evil.example/gtm.js",
    "https://notgoogletagmanager.com/gtm.js",
    "https://unknown.example/www.googletagmanager.com/gtag/js",
    "https://unknown.example/x.js",
    "https://unknown.example/matomo.php",
    "https://unknown.example/cdn-cgi/rum",
    "https://shop.localhost/matomo.php?idsite=1",
    "https://shop.localhost/piwik/matomo.js",
    "https://shop.localhost/cdn-cgi/rum",
    "https://shop.localhost/cdn-cgi/challenge-platform/x.js",
    "https://shop.localhost/cdn-cgi/zaraz/t",
    "https://shop.localhost/index.php",
    "https://www.shop.localhost/app.js",
    "https://px.shop.localhost/tr",
    "https://stats.shop.localhost/matomo.js",
    "https://stats.shop.localhost/other.js",
    "https://SHOP.localhost/App.js",
    "https://found.example/a.js",
    "https://sub.found.example/a.js",
    "https://harmless.example/a.js",
    "https://static.hotjar.com/c/hotjar.js",
    "https://in.hotjar.com/api",
    "https://player.vimeo.com/video/1",
    "https://eu.maps.example/embed",
    "https://cdn.example/free/x.js",
    "https://cdn.example/ads.js",
    "https://cdn.example/other.js",
    "https://eu.wild.example/x",
    "https://wild.example/x",
    "https://www.youtube.com/embed/1",
    "https://www.youtube-nocookie.com/embed/1",
    "https://www.google.com/recaptcha/api.js",
    "https://www.google.com/maps/embed?pb=1",
    "https://www.google.com/pagead/1p-user-list/1",
    "https://www.facebook.com/tr?id=1",
    "https://connect.facebook.net/en_US/fbevents.js",
    "wss://ws.hotjar.com/api",
    "https://127.0.0.1/x.js",
]


def addresses(catalogue: Catalogue, vendors: tuple[str, ...]) -> list[str]:
    """What the catalogue's authors gave as examples, each also one path off, and the odd ones."""
    found = list(ODD)
    for vendor in vendors:
        for sample in catalogue.files[vendor].samples:
            parts = urlsplit(sample)
            found += [sample, f"https://{parts.hostname}/", f"https://{parts.hostname}/zz{parts.path}"]
    return list(dict.fromkeys(each for each in found if urlsplit(each).hostname))


async def compare(
    lab: Any, rules: Rules, urls: list[str], consents: tuple[Consent, ...] = CONSENTS, mode: ConsentMode = "strip"
) -> int:
    """How many verdicts were compared; raises AssertionError with those that differ."""
    guard = guard_of(rules)
    differing: list[object] = []
    for consent in consents:
        _, page = await lab.open("", guard=guard, consent=consent, mode=mode)
        told: list[list[bool]] = []
        for at in range(0, len(urls), AT_ONCE):
            told += await page.run(
                "(({find,refused})=>" + json.dumps(urls[at : at + AT_ONCE]) + ".map(url=>" + json.dumps(KINDS) +
                ".map(kind=>!refused(find(url,kind)))))(window[Symbol.for('samtykke.guard')])"
            )  # fmt: skip
        judge = RulesJudge(rules, consent, "shop.localhost", "/page1")
        for url, answers in zip(urls, told, strict=True):
            for kind, passes in zip(KINDS, answers, strict=True):
                if judge.load(url, kind).allowed is not passes:
                    says = "guard allows" if passes else "guard refuses"
                    differing.append((url, kind, sorted(consent.purposes), says))
    assert not differing, "\n".join(map(str, differing))
    return len(urls) * len(KINDS) * len(consents)


@pytest.mark.parametrize("mode", ["strip", "signals"])
async def test_of_a_sites_own_trackers_the_guard_thinks_as_the_proxy(mode: ConsentMode, lab: Any) -> None:
    catalogue = Catalogue.load()
    policy = SitePolicy(
        site="shop", hosts=("shop.localhost",), vendors=tuple(PolicyVendor(id=v, name=v) for v in SEEN),
        contacts=CONTACTS, overrides=OVERRIDES[:4],
    )  # fmt: skip
    signalling = of_catalogue(catalogue) if mode == "signals" else ()
    rules = Rules(catalogue, policy, overrides=OVERRIDES[4:], exempt_paths=["/checkout"], signalling=signalling)
    assert await compare(lab, rules, addresses(catalogue, SEEN), mode=mode) > 1500


async def test_of_the_whole_catalogue_the_guard_thinks_as_the_proxy(lab: Any) -> None:
    catalogue = Catalogue.load()
    rules = Rules(catalogue, hosts=["shop.localhost"])
    urls = addresses(catalogue, tuple(catalogue.files))
    assert await compare(lab, rules, urls, (REJECT, Consent.of(["marketing"]))) > 5000


async def test_unknown_third_parties_pass_where_the_operator_says_so(lab: Any) -> None:
    catalogue = Catalogue.load()
    rules = Rules(catalogue, hosts=["shop.localhost"], unknown_third_party="pass")
    await compare(lab, rules, ODD, (REJECT,))


async def test_the_path_of_a_host_says_more_than_the_host(lab: Any) -> None:
    """gtag.js and gtm.js come from one host, and an accepted purpose must bring back only its own."""
    guard = guard_of(Rules(Catalogue.load(), hosts=["shop.localhost"]))
    _, page = await lab.open("", guard=guard)
    vendor = "window[Symbol.for('samtykke.guard')].find('https://www.googletagmanager.com/%s','script')[1]"
    assert await page.run(vendor % "gtag/js?id=G-1") == "google-analytics"
    assert await page.run(vendor % "gtm.js?id=GTM-1") == "google-tag-manager"

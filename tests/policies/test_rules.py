"""What the rules decide, and that each verdict says why."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from made_up_vendor import COUNTER, COUNTING

from policies.catalogue import Catalogue
from policies.purpose import ACCEPT, REJECT, UNDECIDED, Consent
from policies.rules import CookieName, InlineScript, Rules, StorageKey, decide
from policies.site_policy import Override, PolicyCookie, PolicyHost, PolicyVendor, SitePolicy
from policies.verdict import Request, Verdict

STATISTICS = Consent.of(["statistics"])
MARKETING = Consent.of(["marketing"])

FACTS = f"""{COUNTER}{COUNTING}
[[inline]]
contains = "_countq"
"""
MANAGER = """
name = "Tags"
company = "Tags AS"
country = "NO"
privacy = "https://tags.example/privacy"
source = "https://tags.example/docs"
purpose = "marketing"
manager = true
samples = ["https://tags.example/t.js"]
[[host]]
match = "tags.example"
"""
CATALOGUE = Catalogue.of({"counter": FACTS, "tags": MANAGER})


def ask(rules: Rules, url: str, consent: Consent, kind: str = "script", page: str = "/") -> Verdict:
    parts = urlsplit(url)
    assert parts.hostname
    return rules.request(Request(url, parts.hostname, parts.path, "shop.example", kind, page), consent)


@pytest.fixture
def rules() -> Rules:
    return Rules(CATALOGUE, hosts=["shop.example"], exempt_paths=["/checkout"])


def test_a_known_tracker_waits_for_its_purpose(rules: Rules) -> None:
    url = "https://cdn.counter.example/c.js"
    assert ask(rules, url, UNDECIDED).action == "block"
    assert ask(rules, url, REJECT).action == "block"
    assert ask(rules, url, MARKETING).action == "block"
    assert ask(rules, url, STATISTICS).allowed
    assert ask(rules, url, ACCEPT).allowed


def test_a_verdict_says_who_and_why(rules: Rules) -> None:
    verdict = ask(rules, "https://cdn.counter.example/c.js", REJECT)
    assert verdict.vendor == "counter"
    assert verdict.purpose == "statistics"
    assert verdict.because == "counter.example belongs to Counter; needs consent to statistics: not given"


def test_a_vendors_own_choice_beats_its_purposes(rules: Rules) -> None:
    always = Consent.of([], [("counter", True)])
    never = Consent.of(["statistics"], [("counter", False)])
    assert ask(rules, "https://counter.example/c.js", always).allowed
    assert not ask(rules, "https://counter.example/c.js", never).allowed


def test_the_sites_own_scripts_pass_but_a_trackers_endpoint_on_its_host_does_not(rules: Rules) -> None:
    assert ask(rules, "https://static.shop.example/app.js", REJECT).allowed
    assert not ask(rules, "https://shop.example/stats/counter.php", REJECT, "connect").allowed


def test_an_unknown_third_party_runs_no_code_without_full_consent(rules: Rules) -> None:
    for kind in ("script", "frame", "worker", "object"):
        assert not ask(rules, "https://unheard.example/x", STATISTICS, kind).allowed
        assert ask(rules, "https://unheard.example/x", ACCEPT, kind).allowed
    assert ask(rules, "https://unheard.example/logo.png", REJECT, "image").allowed


def test_an_exempt_path_lets_unknown_third_parties_in_but_no_tracker(rules: Rules) -> None:
    assert ask(rules, "https://bank.example/pay", REJECT, "frame", "/checkout/pay").allowed
    assert not ask(rules, "https://bank.example/pay", REJECT, "frame", "/checkouts").allowed
    assert not ask(rules, "https://counter.example/c.js", REJECT, "script", "/checkout").allowed


def test_the_operator_may_let_unknown_third_parties_pass() -> None:
    rules = Rules(CATALOGUE, hosts=["shop.example"], unknown_third_party="pass")
    verdict = ask(rules, "https://unheard.example/x.js", REJECT)
    assert verdict.allowed
    assert not verdict.known


def test_a_tag_manager_loads_once_any_purpose_is_granted(rules: Rules) -> None:
    assert not ask(rules, "https://tags.example/t.js", REJECT).allowed
    assert ask(rules, "https://tags.example/t.js", STATISTICS).allowed
    assert not ask(rules, "https://counter.example/c.js", MARKETING).allowed


def test_a_strangers_path_makes_it_a_tracker_but_never_necessary() -> None:
    own = FACTS.replace('purpose = "statistics"', 'purpose = "necessary"\nnecessary_because = "the shop"')
    own = own.replace('match = "*/counter.php"', 'match = "*/shop/*"').replace("counter.example", "shopware.example")
    rules = Rules(Catalogue.of({"counter": FACTS, "own": own}), hosts=["shop.example"])
    assert not ask(rules, "https://stranger.example/counter.php", REJECT, "image").allowed
    assert not ask(rules, "https://stranger.example/shop/x.js", REJECT).allowed
    assert ask(rules, "https://shop.example/shop/x.js", REJECT).allowed


def test_a_refused_tag_manager_stays_out_whatever_else_is_granted(rules: Rules) -> None:
    consent = Consent.of(["statistics", "marketing"], [("tags", False)])
    assert not ask(rules, "https://tags.example/t.js", consent).allowed


def test_the_guard_learns_of_hosts_that_are_a_vendors_only_in_part() -> None:
    shared = FACTS.replace('match = "counter.example"', 'match = "shared.example"\npaths = ["/count/"]')
    told = Rules(Catalogue.of({"counter": shared}), unknown_cookies="block").browser_rules()
    assert ["shared.example", "/count/", "statistics", "counter", None] in told["prefixes"]
    assert "shared.example" not in told["hosts"]
    assert told["unknown"]["cookie"] == "block"


def test_an_overridden_address_may_leave_out_its_scheme() -> None:
    overrides = [
        Override(kind="host", match="counter.example/free/*", purpose="necessary"),
        Override(kind="host", match="*.counter.example", purpose="marketing"),
    ]
    rules = Rules(Catalogue.of({"counter": FACTS}), hosts=["shop.example"], overrides=overrides)
    assert ask(rules, "https://counter.example/free/x.js", REJECT).allowed
    assert not ask(rules, "https://counter.example/x.js", REJECT).allowed
    assert ask(rules, "https://eu.counter.example/x.js", Consent.of(["marketing"])).allowed
    assert ["url", "*://*.counter.example/*", "marketing", None, None] in rules.browser_rules()["overrides"]


def test_cookies_keys_and_snippets_are_known_by_name(rules: Rules) -> None:
    assert rules.cookie("_count.17", REJECT).action == "strip"
    assert rules.cookie("_count.17", STATISTICS).allowed
    assert rules.storage("count_visits", REJECT).action == "strip"
    assert rules.inline("var _countq = [];", REJECT).action == "block"
    assert rules.inline("var cart = [];", REJECT).allowed


def test_one_question_serves_every_kind_of_subject(rules: Rules) -> None:
    script = Request("https://counter.example/c.js", "counter.example", "/c.js", "shop.example")
    for subject in (script, CookieName("_count.1"), StorageKey("count_x"), InlineScript("_countq.push(1)")):
        assert not decide(subject, REJECT, rules).allowed
        assert decide(subject, STATISTICS, rules).allowed


def test_a_common_name_is_no_tracker_without_its_vendors_host(rules: Rules) -> None:
    assert rules.cookie("uid", REJECT).allowed
    assert not rules.cookie("uid", REJECT, ["cdn.counter.example"]).allowed


def test_an_unknown_cookie_passes_unless_the_operator_says_otherwise(rules: Rules) -> None:
    assert rules.cookie("basket", REJECT).allowed
    assert not Rules(CATALOGUE, unknown_cookies="block").cookie("basket", REJECT).allowed


def test_our_own_cookies_are_never_in_the_way() -> None:
    strict = Rules(CATALOGUE, unknown_cookies="block")
    assert strict.cookie("samtykke", REJECT).allowed
    assert strict.cookie("samtykke_purposes", REJECT).allowed


@pytest.mark.parametrize("match", ["counter.example", "cdn.counter.example/c.js", "*/c.js"])
def test_the_operators_word_comes_first(match: str) -> None:
    url = "https://cdn.counter.example/c.js"
    if match.startswith("cdn"):
        match = "https://" + match
    override = Override(kind="host", match=match, purpose="necessary", reason="our own count")
    verdict = ask(Rules(CATALOGUE, overrides=[override]), url, REJECT)
    assert verdict.allowed
    assert "our own count" in verdict.because


def test_a_published_policy_makes_an_unknown_host_a_tracker() -> None:
    policy = SitePolicy(
        site="shop",
        hosts=("shop.example",),
        vendors=(PolicyVendor(id="counter", name="Counter"),),
        cookies=(PolicyCookie(name="visit", purpose="statistics", because="set by the mirror"),),
        contacts=(
            PolicyHost(host="mirror.example", vendor="counter", purpose="statistics", tracker=True, because="a copy"),
            PolicyHost(host="images.example", kinds=("image",)),
        ),
    )
    rules = Rules(CATALOGUE, policy)
    assert not ask(rules, "https://mirror.example/pixel.gif", REJECT, "image").allowed
    assert ask(rules, "https://mirror.example/pixel.gif", STATISTICS, "image").allowed
    assert ask(rules, "https://images.example/hat.jpg", REJECT, "image").allowed
    assert not rules.cookie("visit", REJECT).allowed


def test_an_alias_of_a_tracker_is_that_tracker() -> None:
    rules = Rules(CATALOGUE, hosts=["shop.example"], cnames={"metrics.shop.example": "shop.counter.example"})
    verdict = ask(rules, "https://metrics.shop.example/c", REJECT, "connect")
    assert not verdict.allowed
    assert "alias" in verdict.because


def test_the_policys_hosts_appear_in_the_csp_only_with_consent() -> None:
    policy = SitePolicy(
        site="shop",
        contacts=(
            PolicyHost(host="mirror.example", purpose="statistics", tracker=True, kinds=("script", "image")),
            PolicyHost(host="images.example", kinds=("image",)),
        ),
    )
    rules = Rules(CATALOGUE, policy)
    assert rules.csp_hosts(REJECT) == {"image": ("images.example",)}
    assert rules.csp_hosts(STATISTICS)["script"] == ("mirror.example",)
    assert rules.csp_hosts(REJECT, consentable=True)["script"] == ("mirror.example",)

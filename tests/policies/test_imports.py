"""Every format brought into one normal form, with its origin; and imports never have the last word."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_vendor import COUNTER

from policies.catalogue import Catalogue
from policies.imports import Imported, ImportFailedError, Imports, read_import
from policies.purpose import ACCEPT, REJECT, Consent, Purpose
from policies.rules import Rules
from policies.site_policy import Override, PolicyHost, SitePolicy
from policies.verdict import Request, Verdict

OUTSIDE = Path(os.environ.get("SAMTYKKE_TEST_DATA", "/nowhere"))
DAY = 86_400

HEADER = "ID,Platform,Category,Cookie / Data Key name,Domain,Description,Retention period,Data Controller,Portal"
CSV = f"""{HEADER},Wildcard match
1,Counter,Analytics,_cnt_,,"Counts, and counts again",2 years,Counter AS,https://counter.example/,1
2,Counter,Marketing,zz,counter.example (3rd party),Follows,session,Counter AS,,0
3,Shopware,Functional,cart,,Keeps the cart,1 day,Shopware,,0
4,Chat,Personalization,chat_lang,,Kept in local storage,forever,Chat,,0
5,Odd,Astrology,stars,,,,,,0
6,Odd,Marketing,,,,,,,1
"""
OCD_JSON = {
    "Counter": [
        {
            "id": "1", "category": "Analytics", "cookie": "_cnt_", "domain": "", "description": "Counts",
            "retentionPeriod": "2 years", "dataController": "Counter AS", "privacyLink": "", "wildcardMatch": "1",
        }
    ]
}  # fmt: skip
SERVICES = {
    "license": "see elsewhere",
    "categories": {
        "Analytics": [{"Counter": {"https://counter.example/": ["counter.example", "cnt.example"], "dnt": "eff"}}],
        "Content": [{"Fonts": {"https://fonts.example/": ["fonts.example"]}}],
        "Cryptomining": [{"Miner": {"https://miner.example/": ["miner.example"]}}],
    },
}
DISCLOSURE = {
    "disclosures": [
        {
            "identifier": "uid_*",
            "type": "cookie",
            "maxAgeSeconds": 7776000,
            "cookieRefresh": True,
            "purposes": [1, 3, 7],
        },
        {"identifier": "sess", "type": "cookie", "maxAgeSeconds": 0, "cookieRefresh": False, "purposes": [1]},
        {"identifier": "seen_ads", "type": "web", "maxAgeSeconds": None, "purposes": [1, 8]},
        {"identifier": "idfa", "type": "app", "purposes": [1]},
        {"identifier": "*", "type": "cookie", "maxAgeSeconds": 1, "purposes": [1]},
    ]
}


def imported(content: str | object, name: str = "list.txt", purpose: Purpose | None = None) -> Imported:
    text = content if isinstance(content, str) else json.dumps(content)
    return read_import(text.encode(), name=name, purpose=purpose)


def test_an_open_cookie_database_is_read_from_csv() -> None:
    found = imported(CSV, "ocd.csv")
    assert found.format == "open-cookie-database"
    counter, third, cart = found.cookies
    assert (counter.match, counter.vendor, counter.purpose) == ("_cnt_*", "Counter", Purpose.STATISTICS)
    assert (counter.lifetime, counter.session, counter.origin) == (2 * 365 * DAY, False, "line 2")
    assert (third.hosts, third.session, third.lifetime) == (("counter.example",), True, None)
    assert cart.purpose is None
    assert [key.match for key in found.storage] == ["chat_lang"]
    assert found.skipped == {"unknown category astrology": 1, "matches everything": 1}


def test_an_open_cookie_database_is_read_from_json() -> None:
    found = imported(OCD_JSON, "ocd.json")
    assert found.format == "open-cookie-database"
    [counter] = found.cookies
    assert (counter.match, counter.purpose, counter.lifetime) == ("_cnt_*", Purpose.STATISTICS, 2 * 365 * DAY)
    assert counter.origin == "Counter/1"


def test_disconnects_categories_become_purposes() -> None:
    found = imported(SERVICES, "services.json")
    assert found.format == "disconnect"
    assert {host.host: host.purpose for host in found.hosts} == {
        "counter.example": Purpose.STATISTICS, "cnt.example": Purpose.STATISTICS, "miner.example": None,
    }  # fmt: skip
    assert found.skipped == {"category Content": 1}


def test_a_device_storage_disclosure_is_its_vendors() -> None:
    found = imported(DISCLOSURE, "Adtech")
    assert found.format == "iab"
    uid, sess = found.cookies
    assert (uid.match, uid.vendor, uid.purpose, uid.lifetime) == ("uid_*", "Adtech", Purpose.MARKETING, 90 * DAY)
    assert (sess.session, sess.lifetime, sess.purpose) == (True, None, None)
    [key] = found.storage
    assert (key.match, key.purpose) == ("seen_ads", Purpose.STATISTICS)
    assert found.skipped == {"type app": 1, "matches everything": 1}


def test_adblock_rules_keep_their_lines() -> None:
    found = imported("[Adblock Plus 2.0]\n! hello\n||ads.example^\nx.example##.ad\n", "my.txt")
    assert found.format == "adblock"
    assert found.rules == ((3, "||ads.example^"),)
    assert found.skipped == {"comment": 2, "cosmetic": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "x: byte 0: not UTF-8 text"),
        (b"  \n", "x: the file is empty"),
        (b"{", "x: no JSON"),
        (b"{}", "x: JSON of no known format"),
        (b'{"disclosures": {}}', "x: disclosures: expected a list"),
        (b'{"disclosures": [1]}', r"x: disclosures\[1\]: expected an object"),
        (b'{"disclosures": [{"identifier": 1, "type": "cookie"}]}', r"x: disclosures\[1\]: identifier: expected text"),
        (
            b'{"disclosures": [{"identifier": "a", "type": "cookie", "maxAgeSeconds": "1d"}]}',
            r"x: disclosures\[1\]: maxAgeSeconds: expected seconds, found '1d'",
        ),
        (b'{"categories": []}', "x: categories: expected an object"),
        (b'{"categories": {"Analytics": [{"Foo": {"https://f/": ["foo"]}}]}}', "x: Analytics/Foo: .* 'foo' is no host"),
        (b'{"Foo": [{"cookie": "a"}]}', "x: Foo/1: category: missing"),
        (b'{"Foo": [{"cookie": ["a"], "category": "x"}]}', "x: Foo/1: cookie: expected text, found list"),
        (b"ID,Cookie / Data Key name\n1,_a\n", 'x: line 1: there is no column "category"'),
        (b'a,Cookie / Data Key name,Category\n"1,2\n', "x: line 2: unexpected end of data"),
        (b"<html><body>Not found", "x: no known format"),
        (b"root:x:0:0:root:/root:/bin/sh\n", "x: no known format"),
        (b"[" * 100_000, "x: (nested too deeply|no JSON)"),
    ],
)
def test_what_cannot_be_read_names_file_entry_and_key(content: bytes, message: str) -> None:
    with pytest.raises(ImportFailedError, match=message):
        read_import(content, name="x")


def test_nothing_becomes_necessary_by_being_imported() -> None:
    with pytest.raises(ImportFailedError, match="cannot be necessary"):
        imported("||ads.example^", purpose=Purpose.NECESSARY)


def outcome(data: bytes) -> Imported | ImportFailedError:
    try:
        return read_import(data, name="x")
    except ImportFailedError as error:
        return error


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_an_import_or_a_clear_error(data: bytes) -> None:
    if isinstance(found := outcome(data), Imported):
        assert Imported.from_json(found.to_json(), source="x") == found
    else:
        assert str(found).startswith("x: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["disclosures", "categories", "cookie", "category", "identifier", "type", "A", "purposes"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_an_import_or_a_clear_error(document: object) -> None:
    found = outcome(json.dumps(document).encode())
    assert isinstance(found, Imported) or str(found).startswith("x: ")


def test_a_kept_copy_that_was_changed_is_refused() -> None:
    kept = imported("||ads.example^").to_json()
    assert Imported.from_json(kept, source="kept.json").rules
    with pytest.raises(ImportFailedError, match=r"kept\.json: the kept copy is damaged"):
        Imported.from_json(kept.replace("ads.example", "shop.example"), source="kept.json")
    with pytest.raises(ImportFailedError, match=r"kept\.json: format"):
        Imported.from_json(kept.replace('"adblock"', '"magic"'), source="kept.json")


# Who has the last word.

FACTS = f"""{COUNTER}
[[cookie]]
name = "_count"
[[cookie]]
name = "csrf_counter"
purpose = "necessary"
necessary_because = "user-centric security"
"""
CATALOGUE = Catalogue.of({"counter": FACTS})


def rules(*documents: Imported, overrides: tuple[Override, ...] = ()) -> Rules:
    return Rules(CATALOGUE, hosts=["shop.example"], imports=Imports(documents), overrides=overrides)


def ask(ruled: Rules, url: str, consent: Consent, kind: str = "script") -> Verdict:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return ruled.request(Request(url, parts.hostname or "", path, "shop.example", kind), consent)


def test_an_imported_rule_blocks_what_nobody_else_knows_and_says_so() -> None:
    ruled = rules(imported("! x\n||pix.example^", "mine.txt", Purpose.MARKETING))
    verdict = ask(ruled, "https://pix.example/1.gif", REJECT, "image")
    assert verdict.action == "block"
    assert verdict.because == (
        "filter ||pix.example^ (mine.txt, line 2); needs consent to marketing: not given"
    )  # fmt: skip
    assert ask(ruled, "https://pix.example/1.gif", Consent.of(["marketing"]), "image").allowed
    assert ask(ruled, "https://other.example/1.gif", REJECT, "image").allowed


def test_a_list_without_a_purpose_waits_for_full_consent() -> None:
    ruled = rules(imported("||pix.example^"))
    assert not ask(ruled, "https://pix.example/1.gif", Consent.of(["marketing"]), "image").allowed
    assert ask(ruled, "https://pix.example/1.gif", ACCEPT, "image").allowed


def test_the_query_counts_for_rules_although_it_does_not_for_the_catalogue() -> None:
    ruled = rules(imported("! mine\n&t=pageview&"))
    assert ask(ruled, "https://shop.example/c?v=1", REJECT, "image").allowed
    assert not ask(ruled, "https://shop.example/c?v=1&t=pageview&x=1", REJECT, "image").allowed
    assert ask(ruled, "https://shop.example/c?v=2", REJECT, "image").allowed


def test_listed_hosts_track_as_third_parties_only() -> None:
    services = imported({"categories": {"Analytics": [{"Shop": {"https://s/": ["shop.example", "cnt.example"]}}]}})
    ruled = rules(services)
    assert ask(ruled, "https://www.shop.example/a.js", REJECT).allowed
    assert not ask(ruled, "https://a.cnt.example/a.js", REJECT).allowed
    assert ask(ruled, "https://a.cnt.example/a.js", Consent.of(["statistics"])).allowed


def test_an_imported_host_is_not_named_in_the_content_security_policy() -> None:
    contacts = tuple(PolicyHost(host=host, kinds=("image",)) for host in ("cdn.example", "pix.example"))
    policy = SitePolicy(site="shop", hosts=("shop.example",), contacts=contacts)
    ruled = Rules(CATALOGUE, policy, imports=Imports([imported("||pix.example^", purpose=Purpose.MARKETING)]))
    assert ruled.csp_hosts(REJECT) == {"image": ("cdn.example",)}
    assert ruled.csp_hosts(Consent.of(["marketing"])) == {"image": ("cdn.example", "pix.example")}


def test_the_operators_word_and_the_catalogue_come_first() -> None:
    override = Override(kind="host", match="pix.example", purpose=Purpose.NECESSARY, reason="ours")
    ruled = rules(imported("||pix.example^$important\n||counter.example^"), overrides=(override,))
    assert ask(ruled, "https://pix.example/1.gif", REJECT).because.startswith("override of host pix.example")
    assert ask(ruled, "https://counter.example/c.js", Consent.of(["statistics"])).allowed


def test_what_is_necessary_stays_necessary() -> None:
    names = imported(CSV.replace("_cnt_,", "csrf_counter,").replace(",1\n2,", ",0\n2,"))
    assert rules(names).cookie("csrf_counter", REJECT).allowed


def test_imported_cookies_are_stripped_by_name_with_their_origin() -> None:
    ruled = rules(imported(CSV, "ocd.csv"))
    verdict = ruled.cookie("_cnt_17", REJECT)
    assert verdict.action == "strip"
    assert verdict.because.startswith("cookie _cnt_* is Counter's (ocd.csv, line 2)")
    assert verdict.vendor == "counter"
    assert ruled.cookie("_cnt_17", Consent.of(["statistics"])).allowed
    assert ruled.storage("chat_lang", REJECT).action == "strip"


def test_a_functional_cookie_is_named_but_not_judged() -> None:
    verdict = rules(imported(CSV, "ocd.csv")).cookie("cart", REJECT)
    assert verdict.allowed
    assert not verdict.known
    assert verdict.because == (
        "unknown cookie cart; cookie cart is Shopware's (ocd.csv, line 4), for a purpose it does not tell"
    )


def test_a_name_that_could_be_anybodys_needs_its_host() -> None:
    ruled = rules(imported(CSV, "ocd.csv"))
    assert ruled.cookie("zz", REJECT).allowed
    assert not ruled.cookie("zz", REJECT, ["www.counter.example"]).allowed


def test_sources_that_disagree_decide_nothing() -> None:
    other = CSV.replace("Analytics", "Marketing")
    assert rules(imported(CSV), imported(other)).cookie("_cnt_1", REJECT).allowed


if OUTSIDE.exists():

    def test_the_whole_open_cookie_database_is_imported() -> None:
        data = (OUTSIDE / "open-cookie-database.csv").read_bytes()
        found = read_import(data, name="open-cookie-database.csv")
        assert sum(found.counts().values()) + sum(found.skipped.values()) == 2264
        fact = Imports([found]).cookie("_gid")
        assert fact is not None
        assert (fact.vendor, fact.purpose, fact.lifetime) == ("Google Analytics", Purpose.STATISTICS, DAY)

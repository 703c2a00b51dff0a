"""The published table: complete, in ten languages, accessible, and nothing of a name ever becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.catalogue import Catalogue
from policies.declaration import FORMATS, LANGUAGES, declare
from policies.declaration.words import counted, words
from policies.site_policy import (
    Override,
    PolicyCookie,
    PolicyHost,
    PolicyKey,
    PolicyVendor,
    SitePolicy,
)

DAY = 86_400
POLICY = SitePolicy(
    site="shop",
    hosts=("shop.example", "www.shop.example"),
    vendors=(
        PolicyVendor(
            id="hotjar", name="Hotjar", company="Hotjar Limited", country="MT", privacy="https://hotjar.example/privacy"
        ),
        PolicyVendor(
            id="meta", name="Meta", company="Meta Platforms, Inc.", country="US", privacy="https://meta.example/p"
        ),
    ),
    cookies=(
        PolicyCookie(name="sid", purpose="necessary", session=True),
        PolicyCookie(name="_hjSession_*", vendor="hotjar", purpose="statistics", lifetime=1800,
                     about="Holds the visit"),
        PolicyCookie(name="fr", domain="meta.example", vendor="meta", purpose="marketing", lifetime=90 * DAY,
                     first_party=False),
        PolicyCookie(name="mystery", lifetime=2 * 365 * DAY),
    ),
    storage=(PolicyKey(kind="local", key="hjViewportId", vendor="hotjar", purpose="statistics"),),
    contacts=(PolicyHost(host="connect.meta.example", vendor="meta", purpose="marketing", tracker=True),
              PolicyHost(host="pixel.unheard.example", purpose="marketing", tracker=True)),
    overrides=(Override(kind="cookie", match="sid", purpose="necessary", reason="Handlekurven"),),
    hash="ab" * 32,
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_language_tells_every_cookie_key_vendor_and_our_own(format_: str, language: str) -> None:
    told = declare(POLICY, format_, language)
    for name in ("sid", "_hjSession_*", "fr", "mystery", "hjViewportId", "samtykke", "samtykke_purposes"):
        assert name in told
    if format_ != "iab":
        assert "Meta Platforms, Inc." in told.replace("\\", "")
        assert "https://hotjar.example/privacy" in told
        assert "pixel.unheard.example" in told
    assert told.endswith("\n")
    assert "{" not in told or format_ in ("json", "iab")


class Tables(HTMLParser):
    """Collects what assistive technology reads from a table."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.captions = self.tables = 0
        self.scopes: list[str] = []
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.lang: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.open.append(tag)
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag == "section":
            self.lang = found["lang"]
        if tag == "th":
            self.scopes.append(found["scope"] or "")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "a":
            self.links.append(found["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def parsed(html: str) -> Tables:
    parser = Tables()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def test_tables_can_be_read_aloud() -> None:
    seen = parsed(declare(POLICY, "html", "nb"))
    assert seen.lang == "nb"
    assert seen.tables == seen.captions == 4
    assert set(seen.scopes) == {"col", "row"}
    assert {len(row) for row in seen.rows} == {6}


def test_a_row_says_for_what_by_whom_and_how_long() -> None:
    seen = parsed(declare(POLICY, "html", "nb"))
    [row] = [row for row in seen.rows if row[0] == "_hjSession_*"]
    assert row[1:] == [
        "Måler hvordan nettstedet brukes. Brukes av Hotjar.",
        "Hotjar, Hotjar Limited (Malta). Personvernerklæring: Hotjar",
        "30 minutter",
        "Informasjonskapsel",
        "Førstepart",
    ]
    [row] = [row for row in seen.rows if row[0] == "fr"]
    assert "USA, utenfor EØS" in row[2]
    assert row[3] == "90 dager"
    assert row[5] == "Tredjepart"


def test_the_operators_reason_and_a_session_are_told() -> None:
    seen = parsed(declare(POLICY, "html", "nb"))
    [row] = [row for row in seen.rows if row[0] == "sid"]
    assert row[1] == "Handlekurven"
    assert row[3] == "Til du lukker nettleseren"


def test_english_keeps_what_the_catalogue_says_of_a_cookie() -> None:
    assert "Holds the visit" in declare(POLICY, "html", "en")
    assert "Holds the visit" not in declare(POLICY, "html", "de")


def test_the_way_back_is_linked_and_no_link_runs_code() -> None:
    evil = POLICY.model_copy(
        update={"vendors": (PolicyVendor(id="hotjar", name="H", privacy="javascript:alert(1)"),)}
    )  # fmt: skip
    links = parsed(declare(evil, "html", "en")).links
    assert "/.samtykke/preferences" in links
    assert not any(link.startswith("javascript") for link in links)


def test_our_own_cookies_live_as_long_as_the_operator_says() -> None:
    entries = json.loads(declare(POLICY, "json", "en", choice_lifetime=90 * DAY))["purposes"][0]["entries"]
    assert {entry["name"]: entry["lifetime"] for entry in entries} == {
        "samtykke": 90 * DAY, "samtykke_purposes": 90 * DAY, "samtykke_confirm": 600, "sid": None,
    }  # fmt: skip


def test_json_follows_the_contract_for_lifetimes() -> None:
    found = json.loads(declare(POLICY, "json", "sv"))
    entries = {entry["name"]: entry for section in found["purposes"] for entry in section["entries"]}
    assert (entries["sid"]["lifetime"], entries["sid"]["session"]) == (None, True)
    assert (entries["fr"]["lifetime"], entries["fr"]["session"]) == (90 * DAY, False)
    assert [section["purpose"] for section in found["purposes"]] == ["necessary", "statistics", "marketing", None]


def test_iab_disclosure_has_exactly_the_standards_keys() -> None:
    found = json.loads(declare(POLICY, "iab", "en"))
    assert list(found) == ["disclosures"]
    by_name = {entry["identifier"]: entry for entry in found["disclosures"]}
    assert {key for entry in found["disclosures"] for key in entry} == {
        "identifier", "type", "maxAgeSeconds", "cookieRefresh", "domains", "purposes", "description",
    }  # fmt: skip
    assert by_name["sid"]["maxAgeSeconds"] == 0
    assert by_name["_hjSession_*"]["maxAgeSeconds"] == 1800
    assert by_name["hjViewportId"]["type"] == "web"
    assert by_name["hjViewportId"]["maxAgeSeconds"] is None
    assert by_name["fr"]["domains"] == ["meta.example"]
    assert by_name["samtykke"]["purposes"] == []


def test_an_unknown_format_or_language_is_named() -> None:
    with pytest.raises(ValueError, match="pdf"):
        declare(POLICY, "pdf", "nb")
    with pytest.raises(ValueError, match="xx"):
        declare(POLICY, "html", "xx")


# Ten languages, one set of keys.

HOLES = re.compile(r"\{[a-z_]+\}")
SAME_AS_ENGLISH = {
    "da": {"kind.cookie"},  # the regulator's own word is "cookie"
    "nb": {"column.kind"},  # "Type" is Norwegian, too
    "nn": {"column.kind"},
    "fr": {"lifetime.minute"},  # minute|minutes
    "nl": set(),
    "sv": set(),
    "de": set(),
    "fi": set(),
    "es": set(),
}
ENGLISH = re.compile(r"\b(?:the|and|your|you|this|that|which|when|from|with|consent|purpose|until|used|only)\b", re.I)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_placeholders(language: str) -> None:
    english, own = words("en").texts, words(language).texts
    assert set(own) == set(english)
    for key, text in english.items():
        assert set(HOLES.findall(own[key])) == set(HOLES.findall(text)), key
        assert own[key].strip(), key
        assert own[key].count("|") == text.count("|"), key


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_english_is_left_over(language: str) -> None:
    english, own = words("en").texts, words(language).texts
    same = {key for key in own if own[key] == english[key] and not key.startswith("country.")}
    assert same <= SAME_AS_ENGLISH[language]
    assert not {key: text for key, text in own.items() if ENGLISH.search(HOLES.sub("", text))}
    told = re.sub(r"<[^>]*>", " ", declare(POLICY, "html", language))
    assert not ENGLISH.search(told)


def test_every_vendors_country_has_a_name() -> None:
    named = words("en").texts
    missing = {v.country for v in Catalogue.load().vendors.values() if f"country.{v.country}" not in named}
    assert missing == set()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (63_072_000, (2, "year")),
        (33_955_200, (13, "month")),
        (15_768_000, (6, "month")),
        (90 * DAY, (90, "day")),
        (5_400, (90, "minute")),
        (1_800, (30, "minute")),
        (86_400, (1, "day")),
        (60, (1, "minute")),
        (72_000, (20, "hour")),
        (0, (0, "second")),
        (1, (1, "second")),
    ],
)
def test_seconds_are_counted_as_a_person_would(seconds: int, said: tuple[int, str]) -> None:
    assert counted(seconds) == said


@given(st.integers(1, 10**10))
def test_a_lifetime_in_words_is_true_within_two_percent(seconds: int) -> None:
    size = {"year": 31_536_000, "month": 2_629_746, "day": DAY, "hour": 3600, "minute": 60, "second": 1}
    count, unit = counted(seconds)
    assert abs(count * size[unit] - seconds) <= 0.02 * seconds


# Names are what strangers chose.

HOSTILE = "</code></th><script>alert(1)</script>|`*_[x](javascript:a)\"'"


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=60)
def test_no_name_becomes_markup(name: str, vendor: str) -> None:
    policy = POLICY.model_copy(
        update={
            "cookies": (PolicyCookie(name=HOSTILE + name, vendor="v", purpose="marketing", about=vendor),),
            "vendors": (PolicyVendor(id="v", name=HOSTILE + vendor, company=vendor, country="US"),),
        }
    )
    seen = parsed(declare(policy, "html", "en"))
    assert "script" not in seen.open
    assert {len(row) for row in seen.rows} == {6}
    assert any(row[0] == HOSTILE + name for row in seen.rows)
    for line in declare(policy, "md", "en").splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 7
    json.loads(declare(policy, "json", "en"))
    json.loads(declare(policy, "iab", "en"))

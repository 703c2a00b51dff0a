"""Ten languages with the same keys and holes, and who hears which."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from policies.declaration.words import words
from policies.purpose import UNDECIDED, Purpose
from proxy.consent import cookie_words
from proxy.consent.markup import dialog
from proxy.consent.notice import notice_of
from proxy.consent.site_notice import CookieNotice, SiteNotice, VendorNotice
from proxy.consent.wording import PACKAGED, choose, load, packaged, placeholders

ENGLISH = packaged("en").words
SAME_WORD = {
    ("de", "purpose.marketing.title"),
    ("fr", "lifetime.minute"),
    ("es", "me.no"),
}
"""Words that are written alike in English and the other language."""


@pytest.mark.parametrize("language", PACKAGED)
def test_every_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    words = packaged(language).words
    assert set(words) == set(ENGLISH)
    for key, text in words.items():
        assert placeholders(text) == placeholders(ENGLISH[key]), key
        assert text.strip() == text
        assert text


@pytest.mark.parametrize("language", [each for each in PACKAGED if each != "en"])
def test_no_english_is_left_over(language: str) -> None:
    words = packaged(language).words
    left = {key for key in words if words[key] == ENGLISH[key]} - {"direction"}
    assert {(language, key) for key in left} <= SAME_WORD


@pytest.mark.parametrize(
    ("one", "other"), [("nb", "nn"), ("nb", "da"), ("nn", "da"), ("nb", "sv"), ("da", "sv"), ("fr", "es"), ("de", "nl")]
)
def test_neighbouring_languages_are_not_copies_of_each_other(one: str, other: str) -> None:
    long = [key for key, text in packaged(one).words.items() if len(text) > 45]
    assert len(long) > 20
    assert not [key for key in long if packaged(one).words[key] == packaged(other).words[key]]


@pytest.mark.parametrize(
    ("seconds", "session", "norwegian", "english"),
    [
        (None, True, "Til du lukker nettleseren", "Until you close the browser"),
        (None, False, "Ikke kjent", "Not known"),
        (1800, False, "30 minutter", "30 minutes"),
        (60, False, "1 minutt", "1 minute"),
        (86_400, False, "1 dag", "1 day"),
        (90 * 86_400, False, "90 dager", "90 days"),
        (15_768_000, False, "6 måneder", "6 months"),
        (395 * 86_400, False, "13 måneder", "13 months"),
        (63_072_000, False, "2 år", "2 years"),
        (5, False, "5 sekunder", "5 seconds"),
    ],
)
def test_lifetimes_are_said_as_people_say_them(
    seconds: int | None, session: bool, norwegian: str, english: str
) -> None:
    assert packaged("nb").lifetime(seconds, session).replace("\u00a0", " ") == norwegian
    assert packaged("en").lifetime(seconds, session).replace("\u00a0", " ") == english


@pytest.mark.parametrize(
    ("page", "accept", "spoken"),
    [
        ("nb-NO", "en", "nb"),
        ("no", None, "nb"),
        ("nn", None, "nb"),
        ("fr", "en-GB;q=0.5, nb", "nb"),
        ("", "de, en;q=0.1", "en"),
        ("", "de", "nb"),
        (None, "en;q=0, *;q=0.5", "nb"),
        ("EN_us", None, "en"),
        (None, ";;q=x,,", "nb"),
    ],
)
def test_the_page_speaks_first_then_the_browser_then_the_settings(
    page: str | None, accept: str | None, spoken: str
) -> None:
    assert choose(("nb", "en"), page, accept) == spoken


def test_an_operator_replaces_single_words_and_brings_languages(tmp_path: Path) -> None:
    (tmp_path / "nb.toml").write_text('[banner]\ntitle = "Hei, {controller}"\n'.replace(", {controller}", ""))
    texts = load(["nb"], str(tmp_path))
    assert texts["nb"]("banner.title") == "Hei"
    assert texts["nb"]("button.accept") == "Godta alle"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nb", '[banner]\ntitel = "Hei"', r"nb\.toml.*banner\.titel"),
        ("nb", '[banner]\ntitle = "{name}"', r"nb\.toml.*banner\.title"),
        ("nb", "[banner", r"nb\.toml"),
        ("se", '[banner]\ntitle = "Bures"', "has no text for"),
    ],
)
def test_a_wrong_word_file_is_an_error_that_names_it(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / f"{name}.toml").write_text(content)
    with pytest.raises(ValueError, match=reason):
        load([name], str(tmp_path))


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(ValueError, match="'xx'"):
        load(["xx"])


VENDOR = VendorNotice(
    "ga", "Google Analytics", "Google", "US", "", Purpose.STATISTICS,
    (
        CookieNotice("_ga", 63_072_000, about="Used to distinguish users."),
        CookieNotice("NID", 600, about="Remembers the visitor elsewhere.", kind="third_party"),
        CookieNotice("draft", session=True, about="Keeps a draft.", kind="storage"),
    ),
)  # fmt: skip
NOTICE = SiteNotice("shop", (VENDOR, replace(VENDOR, purpose=Purpose.NECESSARY, because="session of the cart")))


@pytest.mark.parametrize("language", PACKAGED)
def test_only_english_pages_hold_the_catalogues_english_descriptions(language: str) -> None:
    """In the settings, in the dialog and in what a notice keeps as shown."""
    shown = [
        dialog(packaged(language), NOTICE, UNDECIDED, token="", return_path="/"),
        notice_of(packaged(language), NOTICE, "Shop").content.decode(),
    ]
    for page in shown:
        for cookie in VENDOR.cookies:
            assert (cookie.about in page) is (language == "en")
        assert cookie_words.about(VENDOR.cookies[0], VENDOR, packaged(language)) in unescape(page)


def test_a_cookie_is_described_by_what_is_known_of_it() -> None:
    norwegian = packaged("nb")
    assert cookie_words.about(VENDOR.cookies[1], VENDOR, norwegian) == (
        "Måler hvordan nettstedet brukes. Brukes av Google Analytics. Kan også leses når du er på andre nettsteder."
    )
    own = VendorNotice("", "Shop", "", "", "", Purpose.NECESSARY)
    assert cookie_words.about(CookieNotice("sid", about="A session."), own, norwegian) == "Får nettstedet til å virke."
    assert cookie_words.lasts(VENDOR.cookies[2], norwegian) == "Til du lukker fanen"


@pytest.mark.parametrize("seconds", [1, 59, 90, 5400, 86_400, 100 * 86_400, 34_128_000, 34_560_000, 63_072_000])
@pytest.mark.parametrize("language", PACKAGED)
def test_the_page_and_the_declaration_say_a_lifetime_alike(language: str, seconds: int) -> None:
    ours = packaged(language).lifetime(seconds, session=False).replace("\u00a0", " ")
    assert ours == words(language).lifetime(seconds)

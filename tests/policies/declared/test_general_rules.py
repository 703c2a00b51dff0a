"""Rules of the reader that hold for any policy: what is a cookie table, whose lifetime is whose, who is a vendor."""

from __future__ import annotations

import pytest

from policies.catalogue import Catalogue
from policies.declared import Declared, read_policy

CATALOGUE = Catalogue.load()
DAY = 86_400


def read(text: str, content_type: str = "text/html") -> Declared:
    return read_policy(text, content_type=content_type, catalogue=CATALOGUE)


def lives(declared: Declared) -> dict[str, int | None]:
    return {cookie.name: cookie.lifetime for cookie in declared.cookies}


def test_names_and_lifetimes_that_share_cells_are_paired() -> None:
    table = "<table><tr><th>Cookie<th>Expiry<tr><td>_gat<br>_gid<td>1 minute<br>24 hours</table>"
    assert lives(read(table)) == {"_gat": 60, "_gid": DAY}


def test_names_and_lifetimes_that_share_an_item_are_paired() -> None:
    item = (
        "<h2>Cookies</h2><ul><li><b>_ga, _gid</b> (Google Analytics): visitors. Duration: 2 years / 24 hours.</li></ul>"
    )
    assert lives(read(item)) == {"_ga": 730 * DAY, "_gid": DAY}


def test_a_column_of_cookies_is_told_from_columns_that_only_speak_of_them() -> None:
    table = (
        "<table><tr><th>Cookie Subgroup<th>Cookies<th>Cookies used<tr><td>doubleclick.net<td>IDE, test_cookie"
        "<td>Third Party</table>"
    )
    assert [cookie.name for cookie in read(table).cookies] == ["IDE", "test_cookie"]


def test_prices_under_a_cookie_policy_are_no_cookies() -> None:
    table = "<table><tr><th>Namn<th>Pris<th>Varaktighet<tr><td>Massage<td>500<td>1 timme</table>"
    assert read("<h1>Cookies</h1><h2>Priser</h2>" + table).cookies == ()


def test_a_placeholder_written_without_escaping_is_part_of_the_name() -> None:
    assert lives(read("<table><tr><th>Cookie<th>Expiry<tr><td>_ga_<container-id><td>2 years</table>")) == {
        "_ga_<container-id>": 730 * DAY
    }


def test_old_style_markup_without_end_tags_is_read() -> None:
    assert lives(read("<table><tr><td>Navn<td>Levetid<tr><td>_fbp<td>90 dager</table>")) == {"_fbp": 90 * DAY}


@pytest.mark.parametrize(
    ("text", "name", "lifetime"),
    [
        ("Name: _utmz. Lifetime: automatically deleted after 180 days. This cookie from Google is used.", "_utmz", 180),
        ("Navn: _utmz. Levetid: slettes automatisk etter 180 dager. Denne fra Google brukes.", "_utmz", 180),
        ("Namn: _utmz. Lagringstid: raderas efter 180 dagar. Denna kaka från Google används.", "_utmz", 180),
        ("Name: _utmz. Speicherdauer: 180 Tage. Dieses Cookie von Google wird verwendet.", "_utmz", 180),
    ],
)
def test_labelled_sentences_name_cookie_lifetime_and_vendor(text: str, name: str, lifetime: int) -> None:
    (cookie,) = read(text, "text/plain").cookies
    assert (cookie.name, cookie.lifetime, cookie.vendor) == (name, lifetime * DAY, "Google")


def test_a_vendor_without_a_cookie_is_named_and_a_browser_is_not() -> None:
    text = "Vi benytter Google Analytics og Facebook. Se hjelpesidene til Google Chrome, Safari og Microsoft Edge."
    assert [vendor.name for vendor in read(text, "text/plain").vendors] == ["Google Analytics", "Facebook"]


@pytest.mark.parametrize(
    "text",
    [
        "We do not anonymise IP addresses.",
        "If you do not consent, we do not share your data with third parties.",
        "Vi lagrer ikke personopplysninger lenger enn nødvendig.",
        "Vi bruker ikke bare nødvendige informasjonskapsler.",
        "Do we share data with third parties?",
    ],
)
def test_what_is_denied_conditional_or_asked_is_no_promise(text: str) -> None:
    assert read(text, "text/plain").claims == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("IP addresses are anonymised before they are stored.", "anonymised"),
        ("Vi delar inte uppgifter med tredje part.", "not_shared"),
        ("Wir verwenden ausschließlich technisch notwendige Cookies.", "only_necessary"),
        ("Vi lagrer ingen personopplysninger.", "no_personal_data"),
        ("Cookies settes først etter at du har gitt samtykke.", "consent_first"),
        ("Du kan slå av informasjonskapsler i innstillingene i nettleseren din.", "browser_settings_only"),
    ],
)
def test_a_promise_is_read_with_its_sentence(text: str, kind: str) -> None:
    assert [(claim.kind, claim.quote) for claim in read(text, "text/plain").claims] == [(kind, text)]


def test_a_text_without_cookies_declares_none() -> None:
    assert read("<h1>Åpningstider</h1><p>Vi holder åpent i 8 timer. Kurset varer i 2 år.</p>").cookies == ()

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
        ("Vi deler dem ikke med tredjeparter.", "not_shared"),
        ("De siste sifrene i IP-adressen fjernes før lagring.", "anonymised"),
        ("The last octet of your IP address is removed before storage.", "anonymised"),
        ("Informasjonen er anonym og kan ikke spores tilbake til deg.", "anonymised"),
        ("Our cookies contain no personal information.", "no_personal_data"),
        ("We use no tracking cookies.", "only_necessary"),
        ("This site uses no cookies other than those strictly necessary.", "only_necessary"),
        ("Vi bruker ingen andre informasjonskapsler enn de nødvendige.", "only_necessary"),
        ("Non-essential cookies are blocked until you opt in.", "consent_first"),
        ("You can turn all of them off in your browser settings for cookies.", "browser_settings_only"),
        ("Cookies settes først etter at du har gitt samtykke.", "consent_first"),
        ("Du kan slå av informasjonskapsler i innstillingene i nettleseren din.", "browser_settings_only"),
    ],
)
def test_a_promise_is_read_with_its_sentence(text: str, kind: str) -> None:
    assert [(claim.kind, claim.quote) for claim in read(text, "text/plain").claims] == [(kind, text)]


def test_a_text_without_cookies_declares_none() -> None:
    assert read("<h1>Åpningstider</h1><p>Vi holder åpent i 8 timer. Kurset varer i 2 år.</p>").cookies == ()


def test_rows_of_plain_elements_under_a_row_of_headings_are_a_table() -> None:
    rows = "".join(
        f"<div class=r><div>{name}</div><div>{life}</div><div>{what}</div></div>"
        for name, life, what in (("Cookie", "Duration", "Purpose"), ("_ga", "2 years", "Statistics"),
                                 ("basket", "Session", "Keeps the cart"))
    )  # fmt: skip
    assert lives(read(f"<h1>Cookies</h1>{rows}")) == {"_ga": 730 * DAY, "basket": None}


def test_headings_in_a_head_of_their_own_belong_to_the_body_below() -> None:
    head = "<div><div><span>Navn</span><span>Varighet</span></div></div>"
    body = "<div><div><span>kurv</span><span>7 dager</span></div><div><span>sid</span><span>2 timer</span></div></div>"
    assert lives(read(f"<h1>Informasjonskapsler</h1>{head}{body}")) == {"kurv": 7 * DAY, "sid": 7200}


def test_names_beside_an_empty_corner_head_their_columns() -> None:
    table = (
        "<table><tr><th><th>_ga<th>_fbp<tr><th>Varighet<td>2 år<td>3 måneder"
        "<tr><th>Leverandør<td>Google<td>Meta</table>"
    )
    declared = read(table)
    assert lives(declared) == {"_ga": 730 * DAY, "_fbp": 90 * DAY}
    assert [cookie.vendor for cookie in declared.cookies] == ["Google", "Meta"]


def test_as_many_lifetimes_as_names_in_one_line_are_one_each() -> None:
    table = "<table><tr><th>Cookie<th>Levetid<tr><td>_pk_id.*, _pk_ses.*<td>13 mnd, 30 min</table>"
    assert lives(read(table)) == {"_pk_id.*": 390 * DAY, "_pk_ses.*": 1800}


@pytest.mark.parametrize(
    ("text", "name", "lifetime"),
    [
        ("Informasjonskapselen lang husker språkvalget ditt i ett år.", "lang", 365 * DAY),
        ("Informasjonskapselen «lang» husker språkvalget ditt i ett år.", "lang", 365 * DAY),
        ("Kapselen vuid fra Vimeo lagres i to år.", "vuid", 730 * DAY),
        ("We use a cookie called lang to keep your language for one year.", "lang", 365 * DAY),
        ("The cookie lang remembers your language for one year.", "lang", 365 * DAY),
        ("Google Analytics bruker _utma (2 år).", "_utma", 730 * DAY),
        ("Facebook-pikselen setter _fbp, som lever i tre måneder.", "_fbp", 90 * DAY),
    ],
)
def test_a_sentence_introduces_a_plain_name(text: str, name: str, lifetime: int) -> None:
    declared = read(text, "text/plain")
    assert lives(declared) == {name: lifetime}
    assert declared.cookies[0].kind == "cookie"


@pytest.mark.parametrize(
    "text",
    [
        "The cookie banner remembers your choice for one year.",
        "Informasjonskapselen husker valget ditt i ett år.",
        "We use cookies called session cookies for one year.",
        "Small files called cookies remember you for one year.",
        "The cookie automatically expires after one year.",
    ],
)
def test_what_only_speaks_of_cookies_introduces_no_name(text: str) -> None:
    assert read(text, "text/plain").cookies == ()


def test_words_for_the_session_in_a_later_sentence_of_a_record_count() -> None:
    item = "<h2>Informasjonskapsler</h2><p>ASP.NET_SessionId<br>Holder på økten. Slettes når nettleseren lukkes.</p>"
    assert [(cookie.name, cookie.session) for cookie in read(item).cookies] == [("ASP.NET_SessionId", True)]


def test_a_company_in_brackets_hides_no_vendor_after_them() -> None:
    text = "<p>Data behandles av Microsoft Clarity (USA), Klaviyo og Facebook (Meta Platforms Ireland).</p>"
    assert [vendor.name for vendor in read(text).vendors] == ["Microsoft Clarity", "Klaviyo", "Facebook"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Vi benytter Google Analytics og Facebook.", "nb"),
        ("Informasjonskapselen husker språkvalget ditt.", "nb"),
        ("Navn Lagringstid 2 år 24 timer", "nb"),
    ],
)
def test_a_short_text_has_its_own_language(text: str, language: str) -> None:
    assert read(text, "text/plain").language == language


def test_lines_of_entries_are_not_run_together() -> None:
    text = (
        "Informasjonskapsler\n\ncart_id – husker handlekurven din og slettes etter seks måneder\n"
        "PHPSESSID – holder deg innlogget inntil du lukker nettleseren din\n"
    )
    declared = read(text, "text/plain")
    assert [(cookie.name, cookie.session) for cookie in declared.cookies] == [("cart_id", False), ("PHPSESSID", True)]


def test_lifetimes_told_respectively_are_one_each() -> None:
    text = "The cookies _ga, _gid and _gat last for two years, 24 hours, and one minute respectively."
    declared = read(text, "text/plain")
    assert lives(declared) == {"_ga": 730 * DAY, "_gid": DAY, "_gat": 60}
    assert [cookie.lifetime_text for cookie in declared.cookies] == ["two years", "24 hours", "one minute"]


def test_a_vendor_that_opens_a_list_of_its_cookies_is_no_cookie() -> None:
    item = "<h1>Cookies</h1><ul><li><i>Intercom</i>: <code>intercom-id-*</code> (9 months)</li></ul>"
    assert lives(read(item)) == {"intercom-id-*": 270 * DAY}
    assert read("<p>These services may set cookies: AddThis, Disqus and Typeform.</p>").cookies == ()


def test_session_in_small_letters_is_a_name_and_in_large_ones_a_kind() -> None:
    item = "<h1>Cookies</h1><ul><li><code>session</code> - your login, for 2 hours</li></ul>"
    assert lives(read(item)) == {"session": 7200}
    assert read("<h1>Cookies</h1><p>We set two kinds of cookies: session, persistent.</p>").cookies == ()


@pytest.mark.parametrize("heading", ["Informasjonskapsler", "Cookies", "Kakor", "Informasjonskapslar"])
def test_a_heading_that_says_cookies_is_no_label_of_the_paragraph_below(heading: str) -> None:
    page = f"""<h1>{heading}</h1><p>Vi bruker Google Analytics. Informasjonskapselen _ga blir lagret i to år, og _gid i
    ett døgn. Informasjonskapselen «valg» slettes når du lukker nettleseren.</p>"""
    assert lives(read(page)) == {"_ga": 730 * DAY, "_gid": DAY, "valg": None}


def test_the_word_session_before_the_end_of_the_browser_hides_it_not() -> None:
    item = "<h1>Cookies</h1><ul><li>PHPSESSID : session, supprimé à la fermeture du navigateur</li></ul>"
    assert [(cookie.name, cookie.session) for cookie in read(item).cookies] == [("PHPSESSID", True)]


def test_labelled_items_below_a_line_about_cookies_are_cookies() -> None:
    item = "<li>Navn: epslanguage. Formål: språk. Utløper: etter 1 år</li>"
    assert lives(read(f"<p>Følgende informasjonskapsler brukes:</p><ul>{item}</ul>")) == {"epslanguage": 365 * DAY}
    assert read(f"<p>Feltene i skjemaet:</p><ul>{item}</ul>").cookies == ()


def test_each_name_of_a_labelled_list_has_the_lifetime_in_its_brackets() -> None:
    text = "<p>Cookies used: <code>foo_session</code> (session), <code>bar</code> (5 minutes).</p>"
    assert [(cookie.name, cookie.lifetime, cookie.session) for cookie in read(text).cookies] == [
        ("foo_session", None, True),
        ("bar", 300, False),
    ]

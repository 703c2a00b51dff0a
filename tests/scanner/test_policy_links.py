"""Which link leads to the privacy policy, in ten languages."""

import re

import pytest

from policies.observation import PageVisit, PolicyLink, Scan
from samtykke.promises import policy_page
from scanner.policy_links import SUBJECT, likeliest, score

POLICIES = [
    ("Privacy Policy", "/legal/1"),
    ("Personvernerklæring", "/om/42"),
    ("Personvern", "/hjelp"),
    ("Personopplysningserklæring", "/x"),
    ("Privatlivspolitik", "/om-os"),
    ("Integritetspolicy", "/om-oss"),
    ("Personuppgiftspolicy", "/p"),
    ("Datenschutzerklärung", "/recht"),
    ("Privacyverklaring", "/info"),
    ("AVG", "/info"),
    ("Politique de confidentialité", "/mentions"),
    ("Política de privacidad", "/aviso"),
    ("Tietosuojaseloste", "/tiedot"),
    ("Evästekäytäntö", "/tiedot"),
    ("Informasjonskapsler", "/info"),
    ("", "/privacy-policy"),
    ("", "/politique-de-confidentialit%C3%A9"),
]


@pytest.mark.parametrize(("text", "path"), POLICIES)
def test_a_policy_is_recognised_by_text_or_address(text, path):
    link = PolicyLink(url=f"https://shop.example{path}", text=text)
    assert score(link) > 0
    assert re.search(SUBJECT, f"{link.url} {link.text}", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("Cookie settings", "https://shop.example/"),
        ("Innstillinger for informasjonskapsler", "https://shop.example/#"),
        ("Paramètres des cookies", "https://shop.example/"),
        ("Shoes", "https://shop.example/shoes"),
        ("Privacy policy", "javascript:open()"),
        ("Privacy policy", "mailto:privacy@shop.example"),
    ],
)
def test_settings_and_other_links_are_none(text, url):
    assert score(PolicyLink(url=url, text=text)) == 0


def test_the_document_comes_before_a_word_of_the_subject():
    links = [
        PolicyLink(url="https://shop.example/recipes/oat-cookies", text="Oat cookies"),
        PolicyLink(
            url="https://shop.example/blog/privacy", text="Why privacy matters to all of us " + "every day " * 9
        ),
        PolicyLink(url="https://shop.example/cookies", text="Cookie policy"),
        PolicyLink(url="https://shop.example/17#top", text="Privacy policy"),
    ]
    assert [link.url for link in likeliest(links)][:2] == ["https://shop.example/17", "https://shop.example/cookies"]


def test_a_scan_knows_the_policy_though_it_visited_one_page():
    def found(*links: str) -> str | None:
        return policy_page(
            Scan(
                site="https://shop.example/",
                started="",
                mode="browser",
                pages=(PageVisit(url="https://shop.example/", status=200),),
                policy_links=tuple(PolicyLink(url=link, text="Privacy policy") for link in links),
            )
        )

    assert found("https://shop.example/17") == "https://shop.example/17"
    assert found("http://169.254.169.254/privacy", "https://shop.example/17") == "https://shop.example/17"
    assert found() is None

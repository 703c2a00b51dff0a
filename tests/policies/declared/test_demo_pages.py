"""The demo shop's policy pages are read right in both languages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jinja2
import pytest

from policies.catalogue import Catalogue
from policies.declared import Declared, read_policy
from policies.lifetime import difference
from samtykke.demo.truth import CLAIMS, DECLARED, DeclaredFact

TEMPLATES = Path(__file__).parents[3] / "samtykke" / "demo" / "templates"


@lru_cache
def declared_by(language: str) -> Declared:
    files = jinja2.ChoiceLoader(
        [
            jinja2.DictLoader(
                {
                    "base.html": "<html lang=x><title>{% block title %}{% endblock %}</title>"
                    "<main>{% block main %}{% endblock %}"
                }
            ),
            jinja2.FileSystemLoader(TEMPLATES),
        ]
    )
    page = jinja2.Environment(loader=files, autoescape=True).get_template(f"privacy_{language}.html").render()
    return read_policy(page, content_type="text/html", catalogue=Catalogue.load())


@pytest.mark.parametrize("language", ["nb", "en"])
def test_language_is_told_by_the_text(language: str) -> None:
    assert declared_by(language).language == language


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_declared_cookie_is_read_and_nothing_else(language: str) -> None:
    assert sorted(cookie.name for cookie in declared_by(language).cookies) == sorted(fact.name for fact in DECLARED)


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("fact", DECLARED, ids=lambda fact: fact.name)
def test_each_cookie_says_what_the_page_says(language: str, fact: DeclaredFact) -> None:
    (cookie,) = [cookie for cookie in declared_by(language).cookies if cookie.name == fact.name]
    assert (cookie.session, cookie.vendor, cookie.purpose, cookie.kind) == (
        fact.session,
        fact.vendor,
        fact.purpose,
        fact.kind,
    )
    if fact.lifetime is None or cookie.lifetime is None:
        assert cookie.lifetime is fact.lifetime
    else:
        assert difference(cookie.lifetime, fact.lifetime) is None


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_claims_are_those_the_page_makes(language: str) -> None:
    assert sorted({claim.kind for claim in declared_by(language).claims}) == sorted(CLAIMS)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_vendors_are_those_the_page_names(language: str) -> None:
    names = {vendor.name for vendor in declared_by(language).vendors}
    assert {"Google Analytics", "Matomo", "Facebook", "Hotjar"} <= names
    assert not {"Fjellheim", "Fjellheim AS", "Datatilsynet"} & names

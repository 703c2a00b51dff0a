"""Which addresses are pages, and which are one page in a thousand disguises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.links import belongs, family, normalise, template, twin

BASE = "https://www.shop.example/goods/list?page=1"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("/about#team", "https://www.shop.example/about"),
        ("more", "https://www.shop.example/goods/more"),
        ("?page=2", "https://www.shop.example/goods/list?page=2"),
        ("//cdn.example:443/x", "https://cdn.example/x"),
        ("HTTP://WWW.Shop.Example:80", "http://www.shop.example/"),
        ("https://user:pw@shop.example/", "https://shop.example/"),
        ("/a b/ø?q=å", "https://www.shop.example/a%20b/%C3%B8?q=%C3%A5"),
        ("/cart;jsessionid=ABC123?x=1", "https://www.shop.example/cart?x=1"),
        ("/p?PHPSESSID=1&id=2&utm_source=mail&gclid=9", "https://www.shop.example/p?id=2"),
        ("http://blåbær.example/", "http://xn--blbr-roah.example/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_addresses_are_made_absolute_and_lose_what_is_no_part_of_the_page(written, found):
    assert normalise(written, BASE) == found


@pytest.mark.parametrize(
    "written",
    ["javascript:alert(1)", "data:text/html,x", "mailto:a@b.example", "tel:+47", "ftp://x.example/", "http://",
     "http://[::1/", "http://x.example:99999/", "/" + "a" * 3000],
)  # fmt: skip
def test_what_is_no_web_page_is_none(written):
    assert normalise(written, BASE) is None


@given(st.text(max_size=80))
def test_any_text_gives_an_address_that_stays_the_same_or_none(text):
    found = normalise(text, "http://shop.example/a/b")
    assert found is None or normalise(found) == found


@pytest.mark.parametrize(
    ("url", "start", "inside"),
    [
        ("https://blog.shop.example/x", "https://www.shop.example/", True),
        ("https://shop.example/", "http://shop.example/", True),
        ("http://ads.localhost:8080/", "http://shop.localhost:8080/", False),
        ("http://shop.localhost:9090/", "http://shop.localhost:8080/", False),
        ("http://shop.localhost:8080/x", "http://shop.localhost:8080/", True),
        ("https://shop.example/terms.pdf", "https://shop.example/", False),
        ("https://shop.example/app.js?v=1", "https://shop.example/", False),
        ("https://shop.example/index.php", "https://shop.example/", True),
        ("https://shop.example/v1.2/", "https://shop.example/", True),
        ("https://other.example/", "https://shop.example/", False),
    ],
)
def test_pages_of_the_site_are_followed_and_files_are_not(url, start, inside):
    assert belongs(url, start) is inside


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://s.example/cal/2024/01/31", "http://s.example/cal/1999/12/1"),
        ("http://s.example/p/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "http://s.example/p/9b2504e0-4f89-11d3-9a0c-0305e82c3302"),
        ("http://s.example/list?page=1&sort=a", "http://s.example/list?sort=b&page=99"),
        ("http://s.example/article-123", "http://s.example/article-124"),
        ("http://s.example/a/a/a/a", "http://s.example/a/b/a/b/a/b"),
    ],
)  # fmt: skip
def test_pages_that_differ_in_a_number_date_id_or_value_are_one_template(one, other):
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://s.example/about", "http://s.example/contact"),
        ("http://s.example/x", "http://t.example/x"),
        ("http://s.example/x?a=1", "http://s.example/x?b=1"),
    ],
)
def test_pages_with_names_of_their_own_are_not(one, other):
    assert template(one) != template(other)


def test_addresses_with_parameters_have_a_family():
    assert family("http://s.example/x?a=1") == family("http://s.example/x?b=2")
    assert family("http://s.example/x") is None


@pytest.mark.parametrize(
    ("url", "canonical", "found"),
    [
        ("http://s.example/x?a=1", "/x", "http://s.example/x"),
        ("http://s.example/x/", "http://s.example/x", "http://s.example/x"),
        ("http://s.example/x", "http://s.example/", None),
        ("http://s.example/x", "http://s.example/x", None),
        ("http://s.example/x", None, None),
    ],
)
def test_a_canonical_address_is_believed_for_the_same_document_only(url, canonical, found):
    assert twin(url, canonical) == found

"""What a page would contact and where it leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.elements import decode, read_page

URL = "http://shop.example/goods/tea"


def contacts(html):
    return [(contact.kind, contact.url) for contact in read_page(html, URL).contacts]


@pytest.mark.parametrize(
    ("html", "kind", "url"),
    [
        ("<script src=a.js>", "script", "http://shop.example/goods/a.js"),
        ("<img src='//t.example/p.gif'>", "image", "http://t.example/p.gif"),
        ("<noscript><img src='https://t.example/n.gif'></noscript>", "image", "https://t.example/n.gif"),
        ("<iframe src=https://v.example/e></iframe>", "document", "https://v.example/e"),
        ('<iframe srcdoc="<script src=https://t.example/s.js></script>"></iframe>', "script", "https://t.example/s.js"),
        ("<link rel='preload stylesheet' href=/s.css as=style>", "stylesheet", "http://shop.example/s.css"),
        ("<style>a{background:url( 'https://t.example/b.png' )}</style>", "image", "https://t.example/b.png"),
        ('<p style="background:url(https://t.example/i.png)">', "image", "https://t.example/i.png"),
        ("<svg><image href='https://t.example/v.png'/></svg>", "image", "https://t.example/v.png"),
        ("<video poster=https://t.example/v.jpg></video>", "image", "https://t.example/v.jpg"),
    ],
)
def test_elements_contact_whom_they_name(html, kind, url):
    assert contacts(html) == [(kind, url)]


def test_every_candidate_of_a_srcset_counts():
    found = contacts('<img srcset="a.png 1x, https://t.example/b.png 2x">')
    assert [url for _, url in found] == ["http://shop.example/goods/a.png", "https://t.example/b.png"]


@pytest.mark.parametrize(
    "html",
    [
        "<!-- <script src=a.js></script> -->",
        "<textarea><img src=a.gif></textarea>",
        "<script>'<img src=a.gif>'</script>",
        "<script type=text/plain src=a.js></script>",
        "<img src=data:image/gif;base64,AA>",
        "<form action=/pay>",
        "<a href=/x>",
    ],
)
def test_what_only_looks_like_a_contact_is_none(html):
    assert contacts(html) == []


def test_a_script_closed_in_svg_does_not_swallow_the_page():
    found = contacts("<svg><script href=s.js /><style/></svg><img src=/after.gif>")
    assert ("image", "http://shop.example/after.gif") in found


def test_links_are_resolved_against_the_first_base():
    page = read_page(
        "<base href=/shop/><base href=/other/><a href=tea#x>t</a><area href='//m.example/'>"
        "<a href=javascript:x()>j</a><a download href=/f>d</a><meta http-equiv=Refresh content='5; URL=/next'>", URL
    )  # fmt: skip
    assert page.links == ["http://shop.example/shop/tea#x", "http://m.example/", "http://shop.example/next"]


def test_title_canonical_and_inline_scripts_are_read():
    page = read_page(
        "<title>Tea &amp; more\n shop</title><link rel=canonical href=/tea>\n<script>fbq('init')</script>"
        "<script type=application/ld+json>{}</script>", URL
    )  # fmt: skip
    assert (page.title, page.canonical) == ("Tea & more shop", "http://shop.example/tea")
    assert [(inline.text, inline.line) for inline in page.inlines] == [("fbq('init')", 3)]


@pytest.mark.parametrize(
    ("body", "header", "text"),
    [
        ("blåbær".encode(), None, "blåbær"),
        ("blåbær".encode("latin-1"), "iso-8859-1", "blåbær"),
        (b"<meta charset=windows-1252>" + "blåbær".encode("cp1252"), None, "<meta charset=windows-1252>blåbær"),
        ("blåbær".encode("utf-16"), None, "blåbær"),
        (b"\xef\xbb\xbfx", "latin-1", "x"),
        (b"x\xff", "no-such-charset", "x\ufffd"),
    ],
)
def test_text_is_decoded_as_it_says(body, header, text):
    assert decode(body, header) == text


@given(st.text(alphabet="<>/=\"' abcimgsrchefvdotyl!-\n&;:.", max_size=200))
def test_any_text_is_a_page_with_web_addresses_only(html):
    page = read_page(html, URL)
    assert all(url.startswith(("http://", "https://")) for url in [*page.links, *(c.url for c in page.contacts)])

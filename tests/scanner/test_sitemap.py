"""Sitemaps as they are found: index files, gzip, any namespace, broken."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from scanner.sitemap import read_sitemap, unpack

PAGES = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="x">
<url><loc>http://s.example/a?x=1&amp;y=2</loc><image:image><image:loc>http://s.example/p.jpg</image:loc></image:image></url>
<url><loc>
 http://s.example/b </loc></url><url><loc><![CDATA[http://s.example/c]]></loc></url>
<url><loc>http://s.example/b</loc></url><url><loc>ftp://s.example/no</loc></url></urlset>"""


def test_pages_are_listed_once_without_the_pictures_on_them():
    found = read_sitemap(PAGES)
    assert found.pages == ("http://s.example/a?x=1&y=2", "http://s.example/b", "http://s.example/c")
    assert found.sitemaps == ()


def test_gzip_is_undone():
    assert read_sitemap(gzip.compress(PAGES)) == read_sitemap(PAGES)


def test_an_index_names_further_sitemaps():
    index = (
        b"<s:sitemapindex xmlns:s='x'><s:sitemap><s:loc>http://s.example/1.xml.gz</s:loc></s:sitemap></s:sitemapindex>"
    )
    assert read_sitemap(index).sitemaps == ("http://s.example/1.xml.gz",)
    assert read_sitemap(index).pages == ()


def test_plain_text_and_feeds_are_sitemaps_too():
    assert read_sitemap(b"\xef\xbb\xbfhttp://s.example/a\r\nnot one\r\nhttp://s.example/b").pages == (
        "http://s.example/a",
        "http://s.example/b",
    )
    feed = b"<rss><channel><item><link>http://s.example/news</link></item></channel></rss>"
    assert read_sitemap(feed).pages == ("http://s.example/news",)


def test_an_error_page_lists_nothing():
    page = b"<!doctype html><link href='http://s.example/style.css'><a href='http://s.example/x'>"
    assert read_sitemap(page).pages == ()


def test_what_stands_before_a_break_is_kept():
    assert read_sitemap(PAGES[:250]).pages == ("http://s.example/a?x=1&y=2",)
    assert read_sitemap(gzip.compress(PAGES)[:-20]).pages[:1] == ("http://s.example/a?x=1&y=2",)


def test_a_bomb_is_undone_no_further_than_the_limit():
    assert len(unpack(gzip.compress(b"\0" * 5_000_000), limit=1_000)) == 1_000


@given(st.binary(max_size=300))
def test_any_bytes_give_web_addresses_or_nothing(body):
    found = read_sitemap(body)
    assert all(url.lower().startswith(("http://", "https://")) for url in (*found.pages, *found.sitemaps))

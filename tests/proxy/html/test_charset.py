"""The charset of a document is decided as a browser does, and what cannot be spliced becomes UTF-8."""

from __future__ import annotations

import pytest
from arrivals import arrivals
from html_judges import BlockTrackers
from hypothesis import given
from hypothesis import strategies as st

from proxy.html.charset import PRESCAN, Charset, Transcoding, charset_of, codec_of
from proxy.html.rewriting import Page, rewrite


@pytest.mark.parametrize(
    ("content_type", "start", "codec", "certain"),
    [
        ("text/html; charset=UTF-8", b"", "utf-8", True),
        ('text/html;charset="iso-8859-1"', b"<meta charset=utf-8>", "windows-1252", True),
        ("text/html; charset=utf-8", b"\xff\xfe<\x00", "utf-16-le", True),
        ("text/html", b"\xfe\xff\x00<", "utf-16-be", True),
        ("text/html", b"\xef\xbb\xbf<p>", "utf-8", True),
        ("text/html; charset=nonsense", b"<meta charset=koi8-r>", "koi8-r", True),
        (None, b"<html><head><META CHARSET='Shift_JIS'>", "cp932", True),
        (None, b'<meta http-equiv=Content-Type content="text/html; charset = euc-jp">', "euc_jp", True),
        (None, b'<meta content="text/html; charset=euc-jp">', "windows-1252", False),
        (None, b"<!-- <meta charset=utf-8> --><meta charset=gbk>", "gbk", True),
        (None, b"<p title='<meta charset=utf-8>'><meta charset=gbk>", "gbk", True),
        (None, b"<meta charset=utf-16>", "utf-8", True),
        (None, b" " * PRESCAN + b"<meta charset=utf-8>", "windows-1252", False),
        (None, b"<\x00!\x00d\x00", "utf-16-le", False),
        (None, b"<?xml version='1.0' encoding='ISO-8859-2'?><html>", "iso8859-2", True),
        ("text/html; charset=iso-2022-jp", b"", "iso2022_jp", True),
        ("text/html; charset=utf-7", b"", "windows-1252", False),
        ("text/html; charset=hz-gb-2312", b"", "utf-8", True),
        ("text/html", b"", "windows-1252", False),
    ],
)
def test_the_charset_is_decided_in_the_browsers_order(
    content_type: str | None, start: bytes, codec: str, certain: bool
) -> None:
    assert charset_of(content_type, start) == Charset(codec, charset_of(content_type, start).bom, certain)
    assert charset_of(content_type, start).codec == codec


def test_xml_is_utf_8_unless_it_says_otherwise() -> None:
    assert charset_of("image/svg+xml", b"<svg/>", xml=True).codec == "utf-8"
    assert charset_of("image/svg+xml", b'<?xml version="1.0" encoding="koi8-r"?>', xml=True).codec == "koi8-r"


def test_labels_that_browsers_do_not_know_are_none() -> None:
    assert codec_of("utf-7") is None
    assert codec_of("cp037") is None
    assert codec_of(" Latin1 ") == "windows-1252"


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "iso2022_jp"])
def test_transcoded_text_is_the_same_however_it_arrives(name: str) -> None:
    text = "<p>日本 <img src=//ads.test/1> slutt</p>"
    charset = Charset(name)
    assert charset.transcoded
    assert charset.label == "utf-8"
    for pieces in arrivals(text.encode(name)):
        transcoding = Transcoding(charset)
        assert b"".join(map(transcoding.feed, pieces)) + transcoding.close() == text.encode()


def test_the_mark_of_utf_16_is_left_out() -> None:
    transcoding = Transcoding(charset_of(None, b"\xff\xfea\x00"))
    assert transcoding.feed(b"\xff") + transcoding.feed(b"\xfea\x00") + transcoding.close() == b"a"


@given(st.binary(max_size=40), st.sampled_from(["utf-16-le", "utf-16-be", "iso2022_jp"]))
def test_any_bytes_can_be_transcoded(data: bytes, name: str) -> None:
    transcoding = Transcoding(Charset(name))
    (transcoding.feed(data) + transcoding.close()).decode("utf-8")


@pytest.mark.parametrize("name", ["windows-1252", "cp932", "gbk", "big5hkscs", "euc_jp", "gb18030", "koi8-r", "cp949"])
def test_charsets_that_keep_ascii_are_spliced_as_they_are(name: str) -> None:
    text = "<p title='表示'>ソ表示</p>" if name not in ("windows-1252", "koi8-r") else "<p title='x'>y</p>"
    data = text.encode(name, "replace") + b'<style>p::before{content:"' + "表".encode(name, "replace") + b'"}</style>'
    tracker = b'<style>p{background:url("//ads.test/x")}</style>'
    out = rewrite(data + tracker, Page("https://shop.test/", "shop.test"), BlockTrackers(), charset=name)
    assert out.startswith(data)
    assert b"about:invalid#samtykke=%2F%2Fads.test%2Fx" in out

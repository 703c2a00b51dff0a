"""What a browser would show as a document is read as one."""

from __future__ import annotations

import pytest

from proxy.html.sniff import grammar, kind_of


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html", b"", "html"),
        ("Text/HTML; charset=x", b"%PDF", "html"),
        ("application/xhtml+xml", b"", "xml"),
        ("image/svg+xml", b"", "xml"),
        ("application/xml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "xml"),
        ("text/xml", b"<rss>", None),
        ("application/rss+xml", b"<rss>", None),
        ("application/mathml+xml", b'<math><x xmlns="http://www.w3.org/1999/xhtml">', "xml"),
        ("application/json", b"<html>", None),
        ("text/plain", b"<html>", None),
        ("text/javascript", b"<!-- x", None),
        (None, b"\n <!DOCTYPE html>", "html"),
        (None, b"<!-- x", "html"),
        (None, b"\xef\xbb\xbf<SCRIPT>", "html"),
        (None, b"<p>", "html"),
        (None, b"<pre>", None),
        (None, b"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", "html"),
        (None, b"<?xml version='1.0'?>", "xml"),
        (None, b"%PDF-1.7", None),
        (None, b'{"a": "<html>"}', None),
        ("", b"<html>", "html"),
        ("nonsense", b"<html>", "html"),
        ("unknown/unknown", b"<html>", "html"),
    ],
)
def test_grammar_by_type_or_by_first_bytes(content_type: str | None, body: bytes, expected: str | None) -> None:
    assert grammar(content_type, body) == expected


def test_the_body_is_needed_only_where_the_type_does_not_decide() -> None:
    assert not kind_of(b"text/html").needs_body
    assert not kind_of(b"application/json").needs_body
    assert kind_of(None).needs_body
    assert kind_of(b"text/xml").needs_body


def test_nosniff_stops_guessing_against_a_type_but_not_without_one() -> None:
    assert grammar("application/unknown", b"<html>", nosniff=True) is None
    assert grammar(None, b"<html>", nosniff=True) == "html"

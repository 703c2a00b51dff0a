"""Any bytes, any markup: a `Declared`, every quote where its position says, in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.catalogue import Catalogue
from policies.declared import read_policy
from policies.declared.sources import read_document

CATALOGUE = Catalogue.load()
PIECES = [
    "<table>", "<tr>", "<td>", "<th>", "</td>", "</tr>", "</table>", "<td rowspan=3>", "<td colspan='9'>", "<caption>",
    "<p>", "</p>", "<li>", "<dl>", "<dt>", "<dd>", "<div>", "</div>", "<br>", "<b>", "</b>", "<h2>", "</h2>", "<!--",
    "-->", "<script>", "</script>", "<", ">", "&lt;", "&#0;", "\"", "'", "\n", "\t", "|", "|---|", "**", "`", "  ",
    "Name", "Navn: ", "Lifetime: ", "Levetid: ", "Cookie", "_ga", "_ga_*", "_utmz, _utma", "<container-id>", "2 years",
    "slettes etter 180 dager",
    "Session", "økt", "Google Analytics", "from Facebook", ". ", ": ", ", ", " and ", "\ufeff",
    "We do not share data with third parties", "anonymised", "{{ t({rows: [[{text: '_ga'}]]}) }}", "{%", "%}", "---\n",
]  # fmt: skip
documents = st.one_of(
    st.binary(max_size=400), st.text(max_size=400), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
)
content_types = st.sampled_from(
    ["", "text/html", "text/markdown", "text/plain", "text/html; charset=utf-16", "x;charset=no"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, content_types)
def test_every_quote_stands_where_its_position_says(data: bytes | str, content_type: str) -> None:
    declared = read_policy(data, content_type=content_type, catalogue=CATALOGUE)
    text = read_document(data, content_type).text
    for cookie in declared.cookies:
        assert cookie.name
        assert cookie.quote
        assert text[cookie.position : cookie.position + len(cookie.quote)] == cookie.quote
        assert not (cookie.session and cookie.lifetime is not None)
    for fact in (*declared.vendors, *declared.claims):
        assert fact.quote in text
    for item in declared.checklist:
        assert item.quote is None or item.quote in text


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_bytes_and_text_of_a_document_say_the_same(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert read_policy(text, catalogue=CATALOGUE) == read_policy(
        text.encode(), content_type="; charset=utf-8", catalogue=CATALOGUE
    )


HOSTILE = {
    "deep": "<div>" * 100_000 + "Name: _ga. Lifetime: 2 years.",
    "deep tables": "<table><tr><td>" * 30_000 + "_ga",
    "deep lists": "<ul><li>" * 50_000 + "_ga",
    "open brackets": "<" * 100_000,
    "open comments": "<!--" * 100_000,
    "open declarations": "<!" * 100_000,
    "open ends": "</" * 100_000,
    "open tags": "<a " * 40_000,
    "open quotes": '<a b="' * 30_000,
    "scripts without end": "<script>" * 50_000,
    "ends that miss": "<b><i>" * 50_000 + "</b>" * 50_000,
    "one long word": "_ga" * 50_000,
    "long cell": "<table><tr><th>Name<th>Expiry<tr><td>" + "_a, " * 100_000 + "<td>2 years</table>",
    "many rows": "<table><tr><th>Cookie<th>Expiry</tr>" + "<tr><td>_ga_x<td>2 years</tr>" * 8_000 + "</table>",
    "labels": "Name: _ga. " * 20_000,
    "colons": "a: " * 60_000,
    "commas": "cookie, " * 20_000,
    "stars": "*" * 200_000,
    "brackets": "[" * 200_000,
    "ticks": "`" * 100_000 + "a",
    "underscores": "_ " * 100_000,
    "bars": "|" * 200_000,
    "bar rows": "a|b\n-|-\n" + "|\n" * 20_000,
    "braces": "{{" * 100_000,
    "template": "{{ t({" + "rows: [" * 20_000,
    "blanks": " " * 500_000 + "_ga",
    "newlines": "\n" * 300_000,
    "columns": ("Cookie    Expiry\n" + "_ga       2 years\n") * 1_500,
    "numbers": "2 years and " * 20_000,
    "vendors": "we do not use Google Analytics " * 6_000,
    "negations": "ikke " * 40_000,
    "sentences": "We do not share. " * 10_000,
    "zeros": "\x00" * 200_000,
}  # fmt: skip


AS_TEXT = ("bar rows", "stars", "brackets", "ticks", "underscores", "bars", "template", "blanks", "newlines", "columns")
HOSTILE_CASES = [(name, "text/html") for name in HOSTILE] + [(name, "") for name in AS_TEXT]


@pytest.mark.parametrize(("name", "content_type"), HOSTILE_CASES)
def test_hostile_documents_cost_seconds_at_most(name: str, content_type: str) -> None:
    started = time.process_time()
    read_policy(HOSTILE[name], content_type=content_type, catalogue=CATALOGUE)
    assert time.process_time() - started < 30

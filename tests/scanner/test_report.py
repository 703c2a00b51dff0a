"""The report is one page that loads nothing, and nothing in it comes alive."""

import csv
import io
import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

from policies.catalogue import Catalogue
from policies.findings import Finding
from policies.observation import (
    BannerSeen,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    PageVisit,
    Scan,
    Setter,
    Technique,
)
from policies.purpose import Purpose
from scanner.changes import compare, essence_of
from scanner.report import cookies_csv, render_html

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"
DAY = 86_400
HOME = "http://shop.example/"


def scan(consent="none", *cookies):
    return Scan(
        site="http://shop.example/", started="2026-01-01T00:00:00Z", mode="browser", consent=consent,
        pages=(PageVisit(url=HOME, status=200), PageVisit(url=f"{HOME}x", error="timed out")),
        cookies=cookies or (
            ObservedCookie(
                name="_ga", domain="shop.example", declared_lifetime=730 * DAY, effective_lifetime=400 * DAY,
                vendor="google-analytics", purpose=Purpose.STATISTICS, because="cookie _ga is Google Analytics's",
                set_by=(Setter(kind="js", url="https://www.google-analytics.com/analytics.js"),),
                pages=("http://shop.example/",),
            ),
            ObservedCookie(name=EVIL, domain="shop.example", session=True, pages=("http://shop.example/",)),
            ObservedCookie(name="=cmd", domain="shop.example", state="blocked", blocked_reasons=("InvalidDomain",)),
        ),
        storage=(ObservedKey(kind="local", origin="http://shop.example", key=EVIL),),
        requests=(ObservedRequest(url="https://t.example/p", page=HOME, type="image", third_party=True),),
        techniques=(Technique(kind="canvas", script="https://t.example/f.js", page="http://shop.example/"),),
        banners=(BannerSeen(page="http://shop.example/", tool="Klaro", buttons=("OK",)),),
    )  # fmt: skip


def report(**more):
    return render_html(scan(), generated=AT, catalogue=Catalogue.load(), **more)


class Loads(HTMLParser):
    """Collects everything that would be loaded or run."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        if tag in ("script", "link", "iframe", "object", "embed"):
            self.found.append(tag)
        self.found += [value for name, value in attrs if name in ("src", "href") and not value.startswith("data:")]
        self.found += [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_loads_and_runs_nothing_and_its_markup_is_closed():
    page = report(screenshots={"http://shop.example/": b"\x89PNG data"}, others=[scan("reject"), scan("accept")])
    reader = Loads()
    reader.feed(page)
    reader.close()
    assert (reader.found, reader.open) == ([], [])
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "data:image/png;base64," in page


def test_the_summary_says_what_happened_in_words():
    text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", report())))
    for sentence in (
        "2 pages of shop.example were visited with a real browser, before any choice was made; 1 could not be read.",
        "2 cookies were stored, 0 of them by other sites; 1 serves a purpose that needs the visitor's consent.",
        "This happened before consent was given: _ga.",
        "The longest-lived tracker is _ga, kept for 2 years.",
        "Ways to recognise visitors without cookies were seen: canvas.",
    ):
        assert sentence in text


def test_lifetimes_show_what_was_asked_for_and_what_is_kept():
    assert "2 years (kept 400 days)" in report() or "2 years (kept 13.3 months)" in report()


def test_findings_and_changes_are_shown_with_their_reasons():
    finding = Finding(kind="undeclared", subject="_ga", severity="high", because="the policy does not name _ga")
    before = Scan(site="http://shop.example/", started="2025-12-01T00:00:00Z", mode="browser")
    page = report(findings=[finding], changes=compare(essence_of(before), essence_of(scan())))
    assert "the policy does not name _ga" in page
    assert "new cookie _ga on shop.example" in page


def test_consent_states_stand_side_by_side_and_broken_promises_are_named():
    tracker = ObservedCookie(
        name="_fbp", domain="shop.example", vendor="meta", purpose=Purpose.MARKETING, declared_lifetime=90 * DAY
    )
    harmless = ObservedCookie(name="sid", domain="shop.example", session=True)
    kept = render_html(scan("none", harmless), generated=AT, others=[scan("reject", harmless), scan("accept", tracker)])
    assert "Nothing that needs consent was seen without it." in kept
    assert ">broken<" not in kept
    broken = render_html(scan("none", harmless), generated=AT, others=[scan("reject", tracker)])
    assert ">broken<" in broken
    assert "meta was active after rejecting: _fbp on shop.example" in broken


def test_csv_has_one_line_each_and_no_formulas():
    rows = list(csv.DictReader(io.StringIO(cookies_csv(scan()))))
    assert [row["name"] for row in rows] == ["_ga", EVIL, "'=cmd", EVIL]
    assert rows[0]["declared_lifetime"] == "63072000"
    assert rows[0]["set_by"] == "https://www.google-analytics.com/analytics.js"
    assert rows[3]["kind"] == "local storage"


def test_an_empty_scan_has_a_report():
    empty = Scan(site="http://shop.example/", started="2026-01-01T00:00:00Z", mode="static")
    assert "No cookies were stored." in render_html(empty, generated=AT)
    assert len(cookies_csv(empty).splitlines()) == 1

"""What robots.txt allows."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.robots import MAX_DELAY, read_robots, robots_url

RULES = b"""User-agent: *
Disallow: /private/
Crawl-delay: 2
Sitemap: http://s.example/map.xml

User-agent: Samtykke
Allow: /private/open
Disallow: /private/
Disallow: /audit-me-not
Crawl-delay: 60
"""


def test_the_group_that_names_us_counts():
    robots = read_robots(200, RULES)
    assert robots.refusal("http://s.example/") is None
    assert "robots.txt" in robots.refusal("http://s.example/private/x")
    assert robots.refusal("http://s.example/private/open") is None
    assert robots.refusal("http://s.example/audit-me-not")
    assert robots.sitemaps == ("http://s.example/map.xml",)


def test_a_delay_is_kept_within_reason():
    assert read_robots(200, RULES).delay == MAX_DELAY
    assert read_robots(200, b"User-agent: *\nCrawl-delay: 1.5").delay == 1.5
    assert read_robots(200, b"").delay == 0


def test_a_missing_file_allows_and_a_failing_server_forbids():
    assert read_robots(404, b"User-agent: *\nDisallow: /").refusal("http://s.example/") is None
    assert read_robots(403, b"").refusal("http://s.example/") is None
    assert "503" in read_robots(503, b"").refusal("http://s.example/")


def test_a_host_that_does_not_answer_is_left_to_the_page():
    assert read_robots(None, b"").refusal("http://s.example/") is None


def test_each_origin_has_its_own():
    assert robots_url("https://shop.example:8443/a/b?c") == "https://shop.example:8443/robots.txt"


@given(st.binary(max_size=200))
def test_any_bytes_are_rules_of_some_kind(body):
    robots = read_robots(200, body)
    assert robots.delay >= 0
    robots.refusal("http://s.example/x")

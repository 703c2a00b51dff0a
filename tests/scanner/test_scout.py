"""Where the budget does not suffice for all pages, those that hold something new are visited."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from site_server import serve_site

from policies.catalogue import Catalogue
from policies.observation import PageVisit
from scanner.browser import Visit
from scanner.crawl import scan
from scanner.scout import worth
from scanner.settings import ScanSettings

TRAITS = st.frozensets(st.tuples(st.just("host"), st.sampled_from("abcdef")), max_size=4)


def test_pages_that_bring_most_come_first_and_repeats_not_at_all():
    pages = {"/a": frozenset({"x"}), "/b": frozenset({"x", "y", "z"}), "/c": frozenset(), "/d": frozenset({"z", "w"})}
    assert worth(pages) == ["/b", "/d"]


@given(st.dictionaries(st.text(min_size=1), TRAITS, max_size=12))
def test_what_is_worth_a_visit_shows_everything_once(pages):
    chosen = worth(pages)
    assert len(set(chosen)) == len(chosen)
    assert frozenset().union(*(pages[url] for url in chosen)) == frozenset().union(*pages.values())


async def test_the_browser_goes_where_the_static_pass_saw_a_tracker():
    visited = []

    class Browser:
        async def visit(self, url, plan):
            visited.append(url.partition("localhost")[2].partition("/")[2])
            links = tuple(f"{url}p{name}" for name in "abcdefgh") if url == start else ()
            return Visit(page=PageVisit(url=url, final_url=url, status=200), links=links)

        async def close(self): ...

    async def launch(_):
        return Browser()

    async with serve_site() as site:
        start = f"{site.base()}/"
        site.page("shop.localhost", "/", "<title>Shop</title>")
        for name in "abcdefgh":
            tag = f"<script src=http://t{name}.localhost:%PORT%/t.js></script>" if name in "fh" else ""
            site.page("shop.localhost", f"/p{name}", f"<title>{name}</title><script src=/own.js></script>{tag}")
        settings = ScanSettings(url=start, max_pages=4, sitemaps=False, concurrency=1)
        found = await scan(settings, Catalogue.of({}), now=lambda: datetime.now(UTC), launch=launch)
    assert visited == ["", "pf", "ph", "pa"]
    assert len(found.pages) == 4

"""Names are followed through a real DNS server; a tracker under the site's own name is told by its alias."""

from datetime import UTC, datetime

from name_server import serve_names
from site_server import serve_site

from policies.catalogue import Catalogue
from scanner.aliases import Aliases
from scanner.crawl import scan
from scanner.settings import ScanSettings

CLOAKED = {
    "metrics.shop.test": "shop.collector.test",
    "shop.collector.test": "eu.edge.test",
    "static.shop.test": "assets.shop.test",
    "loop.shop.test": "loop.shop.test",
    "ring.shop.test": "ring2.shop.test",
    "ring2.shop.test": "ring.shop.test",
}


async def test_a_chain_is_followed_to_its_end_and_asked_once():
    async with serve_names(CLOAKED) as (port, asked):
        aliases = Aliases(["127.0.0.1"], port)
        assert await aliases.of("metrics.shop.test") == ("shop.collector.test", "eu.edge.test")
        assert await aliases.of("metrics.shop.test") == ("shop.collector.test", "eu.edge.test")
        assert await aliases.of("nobody.shop.test") == ()
        assert await aliases.of("loop.shop.test") == ()
        assert await aliases.of("ring.shop.test") == ("ring2.shop.test",)
        for own in ("127.0.0.1", "::1", "shop.localhost", "localhost", ""):
            assert await aliases.of(own) == ()
        await aliases.close()
    assert asked.count("metrics.shop.test") == 1


async def test_a_server_that_never_answers_costs_little_and_nothing_is_claimed():
    aliases = Aliases(["127.0.0.1"], 9)
    assert await aliases.of("metrics.shop.test") == ()
    await aliases.close()


async def test_a_tracker_under_the_sites_own_name_is_told_and_the_sites_own_alias_is_not():
    async with serve_names(CLOAKED) as (port, _), serve_site() as site:
        site.page(
            "shop.test",
            "/",
            "<title>Shop</title><script src=http://metrics.shop.test:%PORT%/m.js></script>"
            "<script src=http://static.shop.test:%PORT%/s.js></script>",
        )
        site.script("metrics.shop.test", "/m.js", "document.cookie = '_id=1; domain=shop.test; max-age=86400'")
        site.script("static.shop.test", "/s.js", "")
        names = ", ".join(f"MAP {name} 127.0.0.1" for name in ("shop.test", "*.shop.test"))
        settings = ScanSettings(
            url=f"http://shop.test:{site.port}/", max_pages=1, chromium_arguments=(f"--host-resolver-rules={names}",)
        )
        aliases = Aliases(["127.0.0.1"], port)
        found = await scan(settings, Catalogue.of({}), now=lambda: datetime.now(UTC), aliases=aliases)
        await aliases.close()
    assert found.pages[0].error is None
    assert [(t.kind, t.script, t.detail) for t in found.techniques] == [
        ("cname", f"http://metrics.shop.test:{site.port}/m.js", "metrics.shop.test is an alias of shop.collector.test")
    ]
    (cookie,) = found.cookies
    assert (cookie.name, cookie.first_party) == ("_id", True)

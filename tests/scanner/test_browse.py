"""The browser in the crawl's hands: started again when it dies, kept out of inner networks."""

import asyncio
import json
import socket
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from site_server import serve_site

from policies.observation import ObservedRequest, PageVisit, Scan, Transfer
from runtime.resolve import LocalhostResolver
from scanner.addresses import Addresses
from scanner.browse import BrowserVisitor, Guard, browser_settings
from scanner.browser import Browser, BrowserGone, Visit
from scanner.choice import Chosen
from scanner.report import PrintError, har_of, print_pdf, render_html
from scanner.settings import ScanSettings


class Table(AbstractResolver):
    """Answers from a table and counts; any other name is dead."""

    def __init__(self, **names):
        self.names = names
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        if host not in self.names:
            raise OSError("no such name")
        return [ResolveResult(hostname=host, host=self.names[host], port=0, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self): ...


def guard(table, **names):
    addresses = Addresses(**names)
    return Guard(addresses, LocalhostResolver(table, guard=addresses.refusal))


class Fragile:
    """A browser that dies during its first visit, or hangs."""

    def __init__(self, dies=False, hangs=False):
        self.dies, self.hangs, self.closed, self.plans = dies, hangs, False, []

    async def visit(self, url, plan):
        self.plans.append(plan)
        if self.dies:
            raise BrowserGone("Chromium has ended")
        if self.hangs:
            await asyncio.sleep(60)
        return Visit(page=PageVisit(url=url, final_url=url, status=200), links=("http://s.example/a",), screenshot=b"p")

    async def close(self):
        self.closed = True


async def visitor(*browsers, patience=None, **settings):
    waiting = list(browsers)

    async def launch(_):
        return waiting.pop(0)

    wanted = ScanSettings(url="http://s.example/", **settings)
    known = guard(Table(**{"s.example": "8.8.8.8"}))
    made = BrowserVisitor(wanted, known, Chosen((("samtykke", "x"),)), launch, patience=patience)
    await made.start()
    return made


async def test_a_browser_that_dies_is_started_again_once_for_all_its_pages():
    first, second = Fragile(dies=True), Fragile()
    made = await visitor(first, second)
    lost = await asyncio.gather(*(made.visit(f"http://s.example/{n}") for n in range(3)))
    assert [(seen.for_the_moment, seen.result.page.status) for seen in lost] == [(True, None)] * 3
    assert first.closed
    found = await made.visit("http://s.example/")
    assert (found.result.page.status, found.links, found.screenshot) == (200, ("http://s.example/a",), b"p")
    await made.close()
    assert second.closed


async def test_a_visit_without_end_is_given_up():
    made = await visitor(Fragile(hangs=True), patience=0.05)
    found = await made.visit("http://s.example/")
    assert "timed out" in found.result.page.error


async def test_the_choice_goes_along_and_the_start_page_is_pictured():
    browser = Fragile()
    made = await visitor(browser)
    await made.visit("http://s.example/")
    await made.visit("http://s.example/x")
    assert [plan.screenshot for plan in browser.plans] == [True, False]
    assert [(c.name, c.value, c.url) for c in browser.plans[0].cookies] == [("samtykke", "x", "http://s.example/")]


async def test_names_that_lead_inwards_are_refused_before_the_browser_asks():
    table = Table(inner="10.0.0.1", outer="8.8.8.8")
    kept = guard(table)
    assert "private" in await kept.look_up("http://inner/x")
    assert await kept.look_up("http://outer/") is None
    assert await kept.look_up("http://dead/") is None
    assert await kept.look_up("http://inner/y") is not None
    assert table.asked == ["inner", "outer", "dead"]
    assert kept.allows("http://inner/z") is False
    assert kept.allows("ws://169.254.169.254/") is False
    assert kept.allows("http://shop.localhost/") is False
    for harmless in ("http://outer/x", "data:text/plain,x", "blob:http://outer/1"):
        assert kept.allows(harmless) is True


async def test_a_name_not_met_before_is_looked_up_once_while_the_requests_wait():
    table = Table(inner="10.0.0.1", outer="8.8.8.8")
    kept = guard(table)
    waiting = [kept.allows(url) for url in ("http://inner/a", "http://inner/b", "http://outer/")]
    assert await asyncio.gather(*waiting) == [False, False, True]
    assert table.asked == ["inner", "outer"]


async def test_the_real_browser_follows_no_redirect_to_a_name_that_leads_inwards():
    async with serve_site() as site:

        async def away(request):
            raise web.HTTPFound(f"http://inner.test:{site.port}/secret")

        site.handle("127.0.0.1", "/", away)
        site.page("127.0.0.1", "/page", f"<img src=http://inner.test:{site.port}/pixel>")
        site.page("inner.test", "/secret", "<title>secret</title>")
        # For the browser the name is served here; for whoever asks the network it is an inner address.
        arguments = (f"--host-resolver-rules=MAP inner.test 127.0.0.1:{site.port}",)
        settings = ScanSettings(url=f"http://127.0.0.1:{site.port}/", chromium_arguments=arguments)
        known = guard(Table(**{"inner.test": "10.0.0.1"}), loopback=True)
        made = BrowserVisitor(settings, known, Chosen(()), Browser.launch)
        await made.start()
        try:
            redirected = await made.visit(settings.url)
            page = await made.visit(f"{settings.url}page")
        finally:
            await made.close()
        assert redirected.result.page.error
        assert page.result.page.error is None
        assert not [request for request in site.asked if request.host.startswith("inner.test")]


async def test_a_page_that_is_refused_never_reaches_the_browser():
    browser = Fragile()
    made = await visitor(browser)
    found = await made.visit("http://10.0.0.1/")
    assert found.result.page.error.startswith("refused: ")
    assert browser.plans == []


def test_the_scans_settings_become_the_browsers():
    found = browser_settings(
        ScanSettings(url="http://x/", third_party_cookies="blocked", thorough=True, chromium_arguments=("--a",))
    )
    assert (found.third_party_cookies, found.thorough, found.extra_arguments) == (False, True, ("--a",))


SCAN = Scan(
    site="http://s.example/", started="2026-01-01T00:00:00Z", mode="browser",
    pages=(PageVisit(url="http://s.example/", final_url="http://s.example/home", status=200, title="S"),),
    requests=(
        ObservedRequest(url="http://t.example/p?id=1", page="http://s.example/home", type="image", status=200),
        ObservedRequest(url="http://t.example/q", page="http://s.example/", type="ping", blocked="csp"),
    ),
)  # fmt: skip


async def test_the_report_is_printed_as_pdf():
    printed = await print_pdf(render_html(SCAN, generated=datetime(2026, 1, 1, tzinfo=UTC)), seconds=240)
    assert printed.startswith(b"%PDF-")
    assert len(printed) > 5_000


async def test_a_browser_that_cannot_print_is_an_error_that_says_so():
    with pytest.raises(PrintError, match="does not start"):
        await print_pdf("<p>", executable="/no/such/browser")
    with pytest.raises(PrintError, match="without a PDF"):
        await print_pdf("<p>", executable="/bin/false")


def test_an_archive_tells_how_a_request_travelled():
    redirect = ObservedRequest(
        url="http://t.example/a", page="http://s.example/", type="image", status=302,
        transfer=Transfer(
            started=1_795_176_000.25, protocol="h2", status_text="Found", dns=1, connect=5, ssl=3, send=0.5, wait=10,
            response_headers=(("Set-Cookie", "a=1; Path=/; Secure"), ("Set-Cookie", "b=2"), ("Location", "/b")),
        ),
    )  # fmt: skip
    posted = ObservedRequest(
        url="http://t.example/b", page="http://s.example/", type="image", status=200, redirected_from=redirect.url,
        transfer=Transfer(
            method="POST", started=1_795_176_000.5, post_type="text/plain", post_bytes=5, post_text="hallo",
            request_headers=(("Cookie", "a=1; b=2"),), content_bytes=43, transfer_bytes=143, media_type="image/gif",
        ),
    )  # fmt: skip
    scan = SCAN.model_copy(update={"requests": (posted, redirect)})
    first, second = har_of(scan)["log"]["entries"]
    assert (first["startedDateTime"], first["time"]) == ("2026-11-20T12:00:00.250Z", 16.5)
    assert first["timings"] == {"blocked": -1, "dns": 1, "connect": 5, "ssl": 3, "send": 0.5, "wait": 10, "receive": 0}
    assert first["response"]["redirectURL"] == "http://t.example/b"
    assert [(cookie["name"], cookie["secure"]) for cookie in first["response"]["cookies"]] == [
        ("a", True),
        ("b", False),
    ]
    assert second["request"]["method"] == "POST"
    assert (second["request"]["bodySize"], second["response"]["bodySize"]) == (5, 143)
    assert second["request"]["postData"] == {"mimeType": "text/plain", "text": "hallo"}
    assert [cookie["name"] for cookie in second["request"]["cookies"]] == ["a", "b"]
    assert second["response"]["content"] == {"size": 43, "mimeType": "image/gif"}


def test_requests_become_an_archive():
    archive = har_of(SCAN, "1.0")
    assert json.loads(json.dumps(archive)) == archive
    first, second = archive["log"]["entries"]
    assert (first["pageref"], first["response"]["status"]) == ("page_0", 200)
    assert first["request"]["queryString"] == [{"name": "id", "value": "1"}]
    assert (second["pageref"], second["response"]["_error"]) == ("page_0", "csp")

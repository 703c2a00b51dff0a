"""The whole loop on the demo shop, as a stranger runs it: scan, compare, publish, enforce, choose, log, prove."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from up_process import Up, samtykke_up

from runtime.resolve import LocalhostResolver
from samtykke.demo import truth
from scanner.browser import Browser, BrowserSettings, CookieToSet, Visit, VisitPlan

together = pytest.mark.asyncio(loop_scope="module")
"""With the module's one browser, each visit in a context of its own."""
CART = "fjellheim_cart"
TRACKERS = {"stats", "social", "matomo", "ads", "tags", "prints", "video"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with samtykke_up(tmp_path_factory.mktemp("stranger"), "--max-pages", "6") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(resolver=LocalhostResolver())
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    # Unhurried: one tracker starts another, in steps between which a busy machine is silent.
    settings = BrowserSettings(settle_seconds=1.5, ceiling_seconds=60.0, launch_seconds=120.0)
    async with await Browser.launch(settings) as running:
        yield running


async def choose(web: aiohttp.ClientSession, up: Up, action: str, *purposes: str) -> tuple[CookieToSet, ...]:
    """Post the banner's own form like a visitor; the cookies of the answer."""
    async with web.get(up.proxy) as page:
        token = re.search(r'name="?notice"? value="?([^">\s]+)', await page.text())
        assert token, "the page has no banner form"
    form = [("action", action), ("notice", token[1]), ("return", "/"), *(("purpose", purpose) for purpose in purposes)]
    headers = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
    async with web.post(f"{up.proxy}.samtykke/choice", data=form, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        pairs = [line.split(";")[0].partition("=") for line in answer.headers.getall("Set-Cookie")]
    return tuple(
        CookieToSet(name, value, up.proxy) for name, _, value in pairs if name.startswith("samtykke") and value
    )


def contacted(visit: Visit) -> set[str]:
    """First labels of the third-party hosts that a visit really reached."""
    hosts = (urlsplit(request.url).hostname or "" for request in visit.requests if not request.blocked)
    return {host.partition(".")[0] for host in hosts if host != "shop.localhost"}


def stored(visit: Visit) -> set[str]:
    return {cookie.name for cookie in visit.cookies if cookie.state == "stored"}


def test_up_says_what_it_found_and_where_to_look(up: Up) -> None:
    assert "Scanning http://shop.localhost" in up.said
    for name in ("__utma", "_fbp", "_gcl_au", "IDE", "_clck"):
        assert name in up.said
    assert "findings against" in up.said
    assert up.proxy.startswith("http://shop.localhost:")


def test_the_inventory_holds_what_the_shop_really_sets(up: Up) -> None:
    found = json.loads(up.run("inventory", "export").stdout)
    seen = {(cookie["name"], cookie["declared_lifetime"], cookie["session"]) for cookie in found["cookies"]}
    told = {(cookie.name, cookie.lifetime, cookie.lifetime is None) for cookie in truth.COOKIES if cookie.on == "every"}
    assert told <= seen
    [utma] = [cookie for cookie in found["cookies"] if cookie["name"] == "__utma"]
    assert [setter["kind"] for setter in utma["set_by"]] == ["js"]
    assert urlsplit(utma["set_by"][0]["url"]).path == "/ga.js"
    assert any(technique["kind"] == "canvas" for technique in found["techniques"])


def test_compare_names_what_is_undeclared_missing_or_outlives_its_promise(up: Up) -> None:
    done = up.run("policy", "compare", "--json", "-")
    assert done.returncode == 1
    kinds = {finding["kind"] for finding in json.loads(done.stdout)["findings"]}
    assert {"undeclared", "not_observed", "lifetime_longer", "before_consent"} <= kinds


@together
async def test_unproxied_the_trackers_work(up: Up, browser: Browser) -> None:
    visit = await browser.visit(up.direct)
    assert contacted(visit) >= {"stats", "social", "matomo", "ads", "tags", "prints"}
    assert stored(visit) >= {"__utma", "_fbp", "_clck", "_gcl_au", "IDE"}


@together
async def test_before_consent_nothing_gets_through_in_a_browser(up: Up, browser: Browser) -> None:
    for path in ("", "artikkel/tre-netter-i-jotunheimen", "produkt/telt"):
        visit = await browser.visit(up.proxy + path)
        assert visit.page.status == 200
        assert contacted(visit) == set()
        assert stored(visit) <= {CART}
        assert not [technique for technique in visit.techniques if technique.kind == "canvas"]


@together
async def test_before_consent_nothing_gets_through_without_a_browser(up: Up, web: aiohttp.ClientSession) -> None:
    async with web.get(up.proxy) as page:
        text = await page.text()
        names = {line.partition("=")[0] for line in page.headers.getall("Set-Cookie")}
    assert names == {CART}
    assert re.search(r'<script[^>]* src="?http://', text) is None
    assert re.search(r'<(?:img|iframe)[^>]* src="?http://', text) is None
    for element in ("banner", "accept", "reject", "settings"):
        assert re.search(rf'id="?samtykke-{element}\b', text), element


@together
async def test_accept_brings_the_trackers_back(up: Up, web: aiohttp.ClientSession, browser: Browser) -> None:
    visit = await browser.visit(up.proxy, VisitPlan(cookies=await choose(web, up, "accept")))
    assert contacted(visit) >= {"stats", "social", "matomo", "ads", "tags", "prints"}
    assert stored(visit) >= {"__utma", "_fbp", "_clck", "_gcl_au", "IDE"}


@together
async def test_reject_keeps_them_out(up: Up, web: aiohttp.ClientSession, browser: Browser) -> None:
    visit = await browser.visit(up.proxy, VisitPlan(cookies=await choose(web, up, "reject")))
    assert contacted(visit) == set()
    assert stored(visit) <= {CART, "samtykke", "samtykke_purposes"}


@together
async def test_statistics_alone_brings_back_statistics_alone(
    up: Up, web: aiohttp.ClientSession, browser: Browser
) -> None:  # fmt: skip
    visit = await browser.visit(up.proxy, VisitPlan(cookies=await choose(web, up, "save", "statistics")))
    assert contacted(visit) == {"stats", "matomo", "tags"}  # the tag manager loads, what it loads is judged
    assert not stored(visit) & {"_fbp", "_gcl_au", "IDE"}


@pytest.mark.parametrize("action", [None, "reject", "accept"])
@together
async def test_the_cart_works_throughout(up: Up, web: aiohttp.ClientSession, action: str | None) -> None:
    cookies = {cookie.name: cookie.value for cookie in await choose(web, up, action)} if action else {}

    def header() -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    form = {"good": "telt", "lang": "nb"}
    async with web.post(f"{up.proxy}cart/add", data=form, headers=header(), allow_redirects=False) as added:
        assert added.status in (302, 303)
        cookies |= {name: morsel.value for name, morsel in added.cookies.items() if name == CART}
    assert CART in cookies
    async with web.get(f"{up.proxy}handlekurv", headers=header()) as cart:
        assert "telt" in (await cart.text()).lower()
    async with web.get(f"{up.proxy}checkout", headers=header()) as checkout:
        assert checkout.status == 200
        assert "pay.localhost" in await checkout.text()


@together
async def test_each_choice_is_a_row_and_the_log_is_intact(up: Up, web: aiohttp.ClientSession) -> None:
    await choose(web, up, "accept")
    await choose(web, up, "reject")
    done = up.run("log", "export")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"shown", "accept", "reject"} <= {row["event"] for row in rows}
    accepted = next(row for row in rows if row["event"] == "accept")
    assert accepted["purposes"] == {"preferences": True, "statistics": True, "marketing": True}
    assert accepted["policy"]
    assert accepted["notice"]
    subject = accepted["subject"]
    assert json.loads(up.run("log", "show", subject, "--json", "-").stdout)
    done = up.run("log", "verify", "--json", "-")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["ok"] is True


def test_prove_finds_no_leak(up: Up) -> None:
    done = up.run("prove", up.proxy, "--max-pages", "2", "--json", "-")
    assert done.returncode == 0, done.stdout + done.stderr
    proof = json.loads(done.stdout)
    assert {cell["state"] for cell in proof["cells"]} == {
        "undecided", "reject", "preferences", "statistics", "marketing", "accept", "gpc", "noscript",
    }  # fmt: skip
    assert proof["policy_hash"]
    assert [cell["breakage"] for cell in proof["cells"] if cell["breakage"]] == []


def test_ctrl_c_ends_everything_cleanly(up: Up) -> None:
    """The last of this file: it ends what the others look at."""
    assert up.stop() == 0
    assert "Traceback" not in up.said

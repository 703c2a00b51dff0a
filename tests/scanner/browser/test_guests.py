"""Real tracker libraries from npm, started as their documentation says: first alone, then observed.

What each stores is asked of a browser that nobody watches, in the same test: the inventory must list exactly that,
with the lifetime that the library's documentation names, and the library's own script as the one to blame.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from guests import ANSWERS, install
from site_server import Site, serve_site

from scanner.browser import Browser, BrowserSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDER = Path(__file__).parents[2] / "guests"
DAY = 86_400
YEAR = 365 * DAY
TWO_YEARS = 730 * DAY
CAP = 400 * DAY
PROBE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Guest:
    """`start` is an ES module as in the library's documentation; BASE in it is the collector's address.

    `cookies` are names with the lifetime asked for in seconds, `keys` are (kind, key), `hit` is a path that its
    collector hears, `techniques` what else it does.
    """

    name: str
    start: str
    hit: str
    cookies: dict[str, int] = field(default_factory=dict)
    keys: frozenset[tuple[str, str]] = frozenset()
    techniques: frozenset[str] = frozenset()


def local(*names: str) -> frozenset[tuple[str, str]]:
    return frozenset(("local", name) for name in names)


GUESTS = (
    Guest(
        "posthog",
        "import posthog from 'posthog-js';"
        "posthog.init('phc_guest', {api_host: BASE, persistence: 'localStorage+cookie', request_batching: false,"
        " disable_session_recording: true, disable_external_dependency_loading: true});",
        "/e/",
        {"ph_phc_guest_posthog": YEAR},
        local("ph_phc_guest_posthog")
        | {
            ("session", f"ph_phc_guest_{name}") for name in ("posthog", "window_id", "primary_window_exists")
        },
    ),
    Guest(
        "mixpanel",
        "import mixpanel from 'mixpanel-browser';"
        "mixpanel.init('guesttoken', {api_host: BASE, persistence: 'cookie', track_pageview: true,"
        " batch_requests: false});",
        "/track/",
        {"mp_guesttoken_mixpanel": YEAR},
        frozenset({
            ("session", "mp_gen_new_tab_id_mixpanel_guesttoken"), ("session", "mp_tab_id_mixpanel_guesttoken"),
            ("indexeddb", "mixpanelBrowserDb"), ("indexeddb", "mixpanelFlagsDb"),
        }),
    ),
    Guest(
        "snowplow",
        "import {newTracker, trackPageView} from '@snowplow/browser-tracker';"
        "newTracker('sp1', BASE, {appId: 'shop'}); trackPageView();",
        "/com.snowplowanalytics.snowplow/tp2",
        {"_sp_id.HASH": TWO_YEARS, "_sp_ses.HASH": 1_800},
        local("snowplowOutQueue_sp1"),
    ),
    Guest(
        "segment",
        "import {AnalyticsBrowser} from '@segment/analytics-next';"
        "const analytics = AnalyticsBrowser.load({writeKey: 'guest', cdnURL: BASE},"
        " {integrations: {'Segment.io': {apiHost: BASE.slice(7) + '/v1', protocol: 'http'}}});"
        "analytics.page(); analytics.identify('user-1');",
        "/v1/p",
        {"ajs_anonymous_id": YEAR, "ajs_user_id": YEAR},
        local("ajs_anonymous_id", "ajs_user_id", "ajs_user_traits"),
        frozenset({"id_sharing"}),
    ),
    Guest(
        "rudderstack",
        "import {RudderAnalytics} from '@rudderstack/analytics-js/bundled';"
        "const analytics = new RudderAnalytics(); analytics.load('guestkey', BASE, {configUrl: BASE});"
        "analytics.page();",
        "/v1/page",
        {"rl_anonymous_id": YEAR, "rl_page_init_referrer": YEAR, "rl_session": YEAR},
        local(*(f"rudder_guestkey.UUID.{name}" for name in ("queue", "inProgress", "ack", "batchQueue"))),
    ),
    Guest(
        "amplitude",
        "import amplitude from 'amplitude-js';"
        "amplitude.getInstance().init('guestkey', null, {apiEndpoint: BASE.slice(7), forceHttps: false});"
        "amplitude.getInstance().logEvent('view');",
        "/",
        {"amp_guestk": YEAR},
        local("amplitude_unsent_guestkey", "amplitude_unsent_identify_guestkey"),
    ),
    Guest(
        "countly",
        "import Countly from 'countly-sdk-web';"
        "Countly.init({app_key: 'guest', url: BASE, interval: 100}); Countly.track_sessions();"
        "Countly.track_pageview();",
        "/i",
        {},
        local(*(f"guest/cly_{name}" for name in (
            "id", "id_type", "config", "event", "queue", "session", "hc_error_count", "hc_warning_count",
            "hc_status_code", "hc_error_message", "hc_backoff_count", "hc_consecutive_backoff_count"))),
    ),
    Guest(
        "ahoy",
        "import ahoy from 'ahoy.js';"
        "ahoy.configure({visitsUrl: BASE + '/ahoy/visits', eventsUrl: BASE + '/ahoy/events', page: 'Landing page'});"
        "ahoy.trackView();",
        "/ahoy/visits",
        {"ahoy_visit": 4 * 3_600, "ahoy_visitor": TWO_YEARS},
        techniques=frozenset({"id_sharing"}),
    ),
    Guest(
        "keen",
        "import Keen from 'keen-tracking';"
        "const client = new Keen({projectId: 'guest', writeKey: 'key', host: BASE.slice(7), protocol: 'http',"
        " requestType: 'fetch'}); client.initAutoTracking({collectIpAddress: false});",
        "/3.0/projects/guest/events/pageviews",
        {"keen": YEAR},
        techniques=frozenset({"id_sharing"}),
    ),
    Guest(
        "plausible",
        "import Plausible from 'plausible-tracker';"
        "Plausible({apiHost: BASE, trackLocalhost: true, domain: 'shop.localhost'}).trackPageview();",
        "/api/event",
    ),
    Guest(
        "openpanel",
        "import {OpenPanel} from '@openpanel/web';"
        "new OpenPanel({apiUrl: BASE, clientId: 'guest', trackScreenViews: true}).track('view');",
        "/track",
    ),
    Guest(
        "fingerprint",
        "import FingerprintJS from '@fingerprintjs/fingerprintjs';"
        "FingerprintJS.load({monitoring: false}).then((agent) => agent.get())"
        ".then((result) => fetch(BASE + '/id?visitor=' + result.visitorId));",
        "/id",
        techniques=frozenset({"canvas", "audio", "webgl", "fonts", "navigator"}),
    ),
    Guest(
        "rrweb",
        "import {record} from 'rrweb'; const events = []; record({emit(event) { events.push(event); }});"
        "setTimeout(() => fetch(BASE + '/replay', {method: 'POST', body: JSON.stringify(events)}), 50);",
        "/replay",
        techniques=frozenset({"session_replay", "keystrokes"}),
    ),
)  # fmt: skip


async def collect(request: web.Request) -> web.Response:
    headers = {
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "content-type"),
    }
    return web.json_response(ANSWERS.get(request.path, {"status": 1, "success": True}), headers=headers)


@pytest.fixture(scope="module")
def settings(settings: BrowserSettings) -> BrowserSettings:
    """Unhurried: some guests work in many small steps, between which a busy machine is silent for long."""
    return settings.model_copy(update={"settle_seconds": 2.0})


@pytest.fixture(scope="module")
def bundles() -> Iterator[Path]:
    """A folder of scripts for a browser, one per guest, with BASE still open."""
    install()
    with tempfile.TemporaryDirectory(dir=FOLDER / "node_modules", prefix=".bundles-") as folder:
        for guest in GUESTS:
            Path(folder, f"{guest.name}.js").write_text(f"const BASE = '%BASE%';{guest.start}")
        esbuild = FOLDER / "node_modules" / ".bin" / "esbuild"
        entries = [f"{folder}/{guest.name}.js" for guest in GUESTS]
        made = [esbuild, "--bundle", "--format=iife", "--platform=browser", "--log-level=error"]
        subprocess.run([*made, f"--outdir={folder}/out", *entries], check=True, cwd=FOLDER)
        yield Path(folder, "out")


@dataclass(frozen=True)
class Held:
    """What a browser holds that nobody watched: name -> lifetime left in seconds, and (kind, key)."""

    cookies: dict[str, float]
    keys: frozenset[tuple[str, str]]


KEYS = """(async () => [
  ...Object.keys(localStorage).map((key) => ['local', key]),
  ...Object.keys(sessionStorage).map((key) => ['session', key]),
  ...(await indexedDB.databases()).map(({name}) => ['indexeddb', name])])()"""


async def unobserved(browser: Browser, url: str, done: Callable[[], bool], guest: Guest) -> Held:
    """Open the page in a context of its own that carries none of our scripts; `done` says when it has sent. What it
    holds is read once it is what the guest should set, at the latest after some seconds."""
    call = browser._connection.call
    context = (await call("Target.createBrowserContext", {"disposeOnDetach": True}))["browserContextId"]
    made = await call("Target.createTarget", {"url": url, "browserContextId": context})
    async with asyncio.timeout(120):
        while not done():  # noqa: ASYNC110  the server's handlers set no event
            await asyncio.sleep(0.05)
    session = (await call("Target.attachToTarget", {"targetId": made["targetId"], "flatten": True}))["sessionId"]
    asked = {"expression": KEYS, "awaitPromise": True, "returnByValue": True}
    for _ in range(300):
        await asyncio.sleep(0.2)
        keys = (await call("Runtime.evaluate", asked, session))["result"]["value"]
        jar = (await call("Storage.getCookies", {"browserContextId": context}))["cookies"]
        held = Held(
            {named(cookie["name"]): cookie["expires"] - time.time() for cookie in jar},
            frozenset((kind, named(key)) for kind, key in keys),
        )
        if (held.cookies.keys(), held.keys) == (guest.cookies.keys(), guest.keys):
            break
    await call("Target.disposeBrowserContext", {"browserContextId": context})
    return held


def named(name: str) -> str:
    """Without what is another one on each visit or each port."""
    return re.sub(r"^(_sp_(?:id|ses))\..*", r"\1.HASH", PROBE.sub("UUID", name))


@pytest_asyncio.fixture(loop_scope="module")
async def shop(bundles: Path) -> AsyncIterator[Site]:
    async with serve_site() as site:
        base = f"http://collect.localhost:{site.port}"
        for guest in GUESTS:
            code = (bundles / f"{guest.name}.js").read_text().replace("%BASE%", base)
            site.script("cdn.localhost", f"/{guest.name}.js", code)
            site.page(
                "shop.localhost",
                f"/{guest.name}",
                f"<!doctype html><title>Shop</title><p>Welcome<script src=http://cdn.localhost:%PORT%/{guest.name}.js>"
                "</script>",
            )
            site.handle("collect.localhost", guest.hit, collect)
        for path in ANSWERS:
            site.handle("collect.localhost", path, collect)
        yield site


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
async def test_the_inventory_lists_exactly_what_a_library_really_stores(
    guest: Guest, shop: Site, browser: Browser
) -> None:
    page, script = f"{shop.base()}/{guest.name}", f"http://cdn.localhost:{shop.port}/{guest.name}.js"

    def sent() -> bool:
        return any(request.method != "OPTIONS" for request in shop.to("collect.localhost", guest.hit))

    held = await unobserved(browser, page, sent, guest)
    assert sent(), "the guest does not work by itself"
    assert (held.cookies.keys(), held.keys) == (guest.cookies.keys(), guest.keys)
    for name, lifetime in guest.cookies.items():
        assert held.cookies[name] == pytest.approx(min(lifetime, CAP), abs=180), name

    visit = await browser.visit(page)
    assert (visit.page.error, visit.notes) == (None, ())
    stored = [cookie for cookie in visit.cookies if cookie.state == "stored"]
    assert sorted(named(cookie.name) for cookie in stored) == sorted(guest.cookies)
    assert {named(cookie.name): cookie.declared_lifetime for cookie in stored} == guest.cookies
    assert all(cookie.effective_lifetime == min(cookie.declared_lifetime or 0, CAP) for cookie in stored)
    assert sorted((key.kind, named(key.key)) for key in visit.storage) == sorted(guest.keys)
    for thing in (*visit.cookies, *visit.storage):
        assert [(setter.kind, setter.url) for setter in thing.set_by] == [("js", script)], thing
    seen = {technique.kind for technique in visit.techniques if technique.script == script}
    assert guest.techniques <= seen
    assert any(request.url.startswith(f"http://collect.localhost:{shop.port}{guest.hit}") for request in visit.requests)

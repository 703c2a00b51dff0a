"""Real tracker libraries from npm as guests: pages that start them the way their documentation says.

Their hosts are the real ones; a browser reaches them on loopback by `GuestSite.rules` for --host-resolver-rules. One
server plays the site and every tracker host, told apart by the Host header, and remembers what arrived where.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from loopback import LoopbackServer

MODULES = Path(__file__).parents[1] / "guests" / "node_modules"
SITE = "shop.localhost"


Way = Literal["tag", "late", "bundle"]


@dataclass(frozen=True)
class Guest:
    """`start` is what the page does with the library: a snippet, or an ES module where `way` is bundle.

    `way`: a script element of the page (`script` is below node_modules, served from `host`); the same, put in by
    another script; or bundled by esbuild into a file of the site's own. `cookies` and `keys` are beginnings of names
    that the library sets, `sends` the host its hits go to, `asks` another host that it needs.
    """

    name: str
    start: str
    sends: str
    script: str = ""
    host: str = ""
    cookies: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    way: Way = "tag"
    asks: str = ""
    purpose: str = "statistics"

    @property
    def markup(self) -> str:
        match self.way:
            case "tag":
                return f'<script src="https://{self.host}/{self.name}.js"></script><script>{self.start}</script>'
            case "late":
                return f'<script src="/assets/{self.name}-loader.js"></script>'
            case "bundle":
                return f'<script src="/assets/{self.name}.js"></script>'

    @property
    def page(self) -> str:
        return f"{HEAD}{self.markup}<p>{self.name}</p>"

    @property
    def loader(self) -> str:
        """A first-party script that loads the library; nothing in it names the library's host in one piece."""
        parts = self.host.split(".")
        return (
            f"(function () {{ var s = document.createElement('script'); s.src = 'https://' + {parts}.join('.') + "
            f"'/{self.name}.js'; s.onload = function () {{ {self.start} }}; "
            "document.getElementsByTagName('script')[0].parentNode.insertBefore(s, null); })();"
        )


HEAD = '<!doctype html><html lang="en"><head><title>A shop</title><link rel="icon" href="data:,"></head><body>'

GUESTS: tuple[Guest, ...] = (
    Guest(
        "posthog",
        "posthog.init('phc_guest', {api_host: 'https://us.i.posthog.com', ui_host: 'https://us.posthog.com',"
        "persistence: 'localStorage+cookie', request_batching: false, disable_session_recording: true})",
        "us.i.posthog.com", "posthog-js/dist/array.full.no-external.js", "us-assets.i.posthog.com",
        cookies=("ph_phc_guest_posthog",), keys=("ph_phc_guest_posthog",),
    ),
    Guest(
        "snowplow",
        "snowplowBrowserTracking.newTracker('sp', 'https://collector.snowplow.io', {appId: 'shop'});"
        "snowplowBrowserTracking.trackPageView()",
        "collector.snowplow.io", "@snowplow/browser-tracker/dist/index.umd.min.js", "cdn.snowplowanalytics.com",
        cookies=("_sp_id.", "_sp_ses."),
    ),
    Guest(
        "mixpanel",
        "mixpanel.init('guesttoken', {api_host: 'https://api-js.mixpanel.com', persistence: 'cookie',"
        "batch_requests: false, track_pageview: true})",
        "api-js.mixpanel.com", "mixpanel-browser/dist/mixpanel.umd.js", "cdn.mxpnl.com",
        cookies=("mp_guesttoken_mixpanel",), way="late",
    ),
    Guest(
        "amplitude",
        "amplitude.getInstance().init('guestkey', null, {apiEndpoint: 'api.amplitude.com', forceHttps: true});"
        "amplitude.getInstance().logEvent('view')",
        "api.amplitude.com", "amplitude-js/amplitude.umd.js", "cdn.amplitude.com", cookies=("amp_",), way="late",
    ),
    Guest(
        "fingerprint",
        "FingerprintJS.load().then(a => a.get()).then(r => fetch('https://api.fpjs.io/?id=' + r.visitorId,"
        "{method: 'POST', mode: 'no-cors'}))",
        "api.fpjs.io", "@fingerprintjs/fingerprintjs/dist/fp.umd.min.js", "openfpcdn.io", purpose="marketing",
    ),
    Guest(
        "countly",
        "Countly.init({app_key: 'guest', url: 'https://shop.count.ly', storage: 'localstorage', interval: 100});"
        "Countly.track_pageview()",
        "shop.count.ly", "countly-sdk-web/lib/countly.js", "shop.count.ly", keys=("guest/cly_",),
    ),
    Guest(
        "segment",
        "import {AnalyticsBrowser} from '@segment/analytics-next';"
        "const analytics = AnalyticsBrowser.load({writeKey: 'guest'}); analytics.page(); analytics.identify('user-1');",
        "api.segment.io", asks="cdn.segment.com", way="bundle",
        cookies=("ajs_anonymous_id", "ajs_user_id"), keys=("ajs_anonymous_id",),
    ),
    Guest(
        "rudderstack",
        "import {RudderAnalytics} from '@rudderstack/analytics-js/bundled';"
        "const analytics = new RudderAnalytics(); analytics.load('guestkey', 'https://shop.dataplane.rudderstack.com',"
        "{configUrl: 'https://api.rudderstack.com'}); analytics.page();",
        "shop.dataplane.rudderstack.com", asks="api.rudderstack.com", way="bundle",
        cookies=("rl_anonymous_id", "rl_session"), keys=("rudder_guestkey",),
    ),
    Guest(
        "keen",
        "import Keen from 'keen-tracking'; new Keen({projectId: 'guest', writeKey: 'key', requestType: 'fetch'})"
        ".initAutoTracking({collectIpAddress: false});",
        "api.keen.io", way="bundle", cookies=("keen",),
    ),
    Guest(
        "plausible",
        "import Plausible from 'plausible-tracker';"
        "Plausible({trackLocalhost: true, domain: 'shop.localhost'}).trackPageview();",
        "plausible.io", way="bundle",
    ),
    Guest(
        "openpanel",
        "import {OpenPanel} from '@openpanel/web'; new OpenPanel({clientId: 'guest'}).track('view');",
        "api.openpanel.dev", way="bundle",
    ),
    Guest(
        "ahoy",
        "import ahoy from 'ahoy.js'; ahoy.trackView();",
        SITE, way="bundle", cookies=("ahoy_visit", "ahoy_visitor"),
    ),
)  # fmt: skip

OVERRIDE = '[[policy.override]]\nkind = "host"\nmatch = "api.openpanel.dev"\npurpose = "statistics"\n'
"""What an operator adds for a tracker that the catalogue does not know."""

ANSWERS = {
    "/v1/projects/guest/settings": {
        "integrations": {"Segment.io": {"apiKey": "guest"}}, "plan": {"track": {}}, "edgeFunction": {},
    },
    "/sourceConfig/": {
        "source": {
            "id": "source", "name": "shop", "writeKey": "guestkey", "enabled": True, "workspaceId": "w",
            "destinations": [], "dataplanes": {},
            "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
        },
        "updatedAt": "2026-01-01T00:00:00Z", "isHosted": True,
    },
    "/3.0/projects/guest/events/pageviews": {"created": True},
}  # fmt: skip
"""What a collector must say for its library to go on."""


def by_name(name: str) -> Guest:
    return next(guest for guest in GUESTS if guest.name == name)


IGNORE_CERTIFICATES = "--ignore-certificate-errors"
"""The trackers' hosts answer over TLS with a certificate made for the test."""


@dataclass
class GuestSite:
    """The running server. `pages` may be added to, `cookies` are a page's Set-Cookie lines.

    `hits` are (host, path) of whatever reached a tracker.
    """

    port: int = 0
    tls_port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hits: list[tuple[str, str]] = field(default_factory=list)
    watched: str = ""
    """The origin whose pages' hits count; a page of another that is just being left may still send. Empty: any."""
    last_hit: float = 0.0

    @property
    def origin(self) -> str:
        return f"http://{SITE}:{self.port}"

    @property
    def rules(self) -> str:
        """Chromium's --host-resolver-rules: every tracker's host is here, and nothing else exists outside."""
        hosts = sorted({host for guest in GUESTS for host in (guest.host, guest.sends, guest.asks)} - {"", SITE})
        mapped = [f"MAP {host}:443 127.0.0.1:{self.tls_port}" for host in hosts]
        return ", ".join([*mapped, "MAP * ~NOTFOUND", "EXCLUDE *.localhost", "EXCLUDE localhost", "EXCLUDE 127.0.0.1"])

    def hit(self, request: web.BaseRequest, host: str) -> None:
        """Note what has reached a tracker."""
        self.last_hit = asyncio.get_running_loop().time()
        sender = request.headers.get("Origin") or request.headers.get("Referer", "")
        if not sender or sender == "null" or sender.startswith(self.watched):
            self.hits.append((host, request.path))

    async def quiet(self, seconds: float = 0.5) -> None:
        """Wait until nothing has come for so long: what a page sends as it is left is another visit's."""
        while (left := self.last_hit + seconds - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110  for want of a hit
            await asyncio.sleep(left)

    def heard(self, host: str) -> bool:
        """Did a hit, not merely the library's download, reach this host?"""
        return any(seen == host and not path.endswith(".js") for seen, path in self.hits)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        host = request.host.partition(":")[0]
        allow = {
            "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "content-type"),
        }
        if host == SITE and request.path.startswith("/ahoy/"):
            self.hit(request, host)
            return web.json_response({"visit_token": "v", "visitor_token": "w"})
        if host.endswith(".localhost") or host == "127.0.0.1":
            if (script := self.scripts.get(request.path)) is not None:
                return web.Response(text=script, content_type="text/javascript")
            page = self.pages.get(request.path)
            answer = web.Response(text=page or "not here", status=200 if page else 404, content_type="text/html")
            for line in self.cookies.get(request.path, ()):
                answer.headers.add("Set-Cookie", line)
            return answer
        self.hit(request, host)
        name = request.path.removeprefix("/").removesuffix(".js")
        if request.path.endswith(".js") and any(guest.name == name for guest in GUESTS):
            return web.Response(
                text=(MODULES / by_name(name).script).read_text(), content_type="text/javascript", headers=allow
            )
        said = ANSWERS.get(request.path, {"status": 1, "success": True})
        return web.json_response(said, headers=allow)


@asynccontextmanager
async def serve_guests() -> AsyncIterator[GuestSite]:
    """A page per guest at /NAME. The guests must be installed: see `install`."""
    install()
    site = GuestSite(pages={f"/{guest.name}": guest.page for guest in GUESTS} | {"/": f"{HEAD}<p>Welcome"})
    site.pages["/all"] = f"{HEAD}{''.join(guest.markup for guest in GUESTS)}<p>Everything at once</p>"
    site.scripts = bundles() | {f"/assets/{g.name}-loader.js": g.loader for g in GUESTS if g.way == "late"}
    runner = web.ServerRunner(LoopbackServer(site.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory() as folder:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate(Path(folder))).start()
    site.port, site.tls_port = (address[1] for address in runner.addresses)
    try:
        yield site
    finally:
        await runner.cleanup()


@cache
def bundles() -> dict[str, str]:
    """The site's own files with a library in them, built once in a process."""
    esbuild = MODULES / ".bin" / "esbuild"
    bundled = [guest for guest in GUESTS if guest.way == "bundle"]
    with tempfile.TemporaryDirectory(dir=MODULES, prefix=".guests-") as folder:
        for guest in bundled:
            Path(folder, f"{guest.name}.js").write_text(guest.start)
        made = [esbuild, "--bundle", "--format=iife", "--platform=browser", "--log-level=error"]
        entries = [f"{folder}/{guest.name}.js" for guest in bundled]
        subprocess.run([*made, f"--outdir={folder}/out", *entries], check=True, cwd=MODULES.parent)
        return {f"/assets/{guest.name}.js": Path(folder, "out", f"{guest.name}.js").read_text() for guest in bundled}


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "guests.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "guests.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


def install() -> None:
    """`npm ci` where the guests are not there yet. Raises AssertionError saying so where npm is missing."""
    wanted = ["esbuild", "vite", *(guest.script for guest in GUESTS if guest.script)]
    with (MODULES.parent / "package-lock.json").open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if all((MODULES / each).exists() for each in wanted):
            return
        assert shutil.which("npm"), "the tracker guests are not installed and npm is missing: run `make test`"
        command = ["npm", "ci", "--prefix", str(MODULES.parent), "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, check=True, capture_output=True)

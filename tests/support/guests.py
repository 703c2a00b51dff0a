"""Real tracker libraries from npm as guests: pages that start them the way their documentation says.

Their hosts are the real ones; a browser reaches them on loopback by `GuestSite.rules` for --host-resolver-rules. One
server plays the site and every tracker host, told apart by the Host header, and remembers what arrived where.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

MODULES = Path(__file__).parents[1] / "guests" / "node_modules"
SITE = "shop.localhost"


@dataclass(frozen=True)
class Guest:
    """`script` is below node_modules, served from `host`; `start` is the page's own snippet.

    `cookies` and `keys` are beginnings of names that the library sets, `sends` the host its hits go to.
    """

    name: str
    script: str
    host: str
    start: str
    sends: str
    cookies: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return f'<script src="https://{self.host}/{self.name}.js"></script>'

    @property
    def page(self) -> str:
        return f"{HEAD}{self.tag}<script>{self.start}</script><p>{self.name}</p>"


HEAD = '<!doctype html><html lang="en"><head><title>A shop</title></head><body>'

GUESTS: tuple[Guest, ...] = (
    Guest(
        "posthog", "posthog-js/dist/array.full.no-external.js", "us-assets.i.posthog.com",
        "posthog.init('phc_guest', {api_host: 'https://us.i.posthog.com', ui_host: 'https://us.posthog.com',"
        "persistence: 'localStorage+cookie', request_batching: false, disable_session_recording: true})",
        "us.i.posthog.com", cookies=("ph_phc_guest_posthog",), keys=("ph_phc_guest_posthog",),
    ),
    Guest(
        "snowplow", "@snowplow/browser-tracker/dist/index.umd.min.js", "cdn.snowplowanalytics.com",
        "snowplowBrowserTracking.newTracker('sp', 'https://collector.snowplow.io', {appId: 'shop'});"
        "snowplowBrowserTracking.trackPageView()",
        "collector.snowplow.io", cookies=("_sp_id.", "_sp_ses."),
    ),
    Guest(
        "mixpanel", "mixpanel-browser/dist/mixpanel.umd.js", "cdn.mxpnl.com",
        "mixpanel.init('guesttoken', {api_host: 'https://api-js.mixpanel.com', persistence: 'cookie',"
        "batch_requests: false, track_pageview: true})",
        "api-js.mixpanel.com", cookies=("mp_guesttoken_mixpanel",),
    ),
    Guest(
        "amplitude", "amplitude-js/amplitude.umd.js", "cdn.amplitude.com",
        "amplitude.getInstance().init('guestkey', null, {apiEndpoint: 'api.amplitude.com', forceHttps: true});"
        "amplitude.getInstance().logEvent('view')",
        "api.amplitude.com", cookies=("amp_",),
    ),
    Guest(
        "fingerprint", "@fingerprintjs/fingerprintjs/dist/fp.umd.min.js", "openfpcdn.io",
        "FingerprintJS.load().then(a => a.get()).then(r => fetch('https://api.fpjs.io/?id=' + r.visitorId,"
        "{method: 'POST', mode: 'no-cors'}))",
        "api.fpjs.io",
    ),
    Guest(
        "countly", "countly-sdk-web/lib/countly.js", "shop.count.ly",
        "Countly.init({app_key: 'guest', url: 'https://shop.count.ly', storage: 'localstorage', interval: 100});"
        "Countly.track_pageview()",
        "shop.count.ly", keys=("guest/cly_",),
    ),
)  # fmt: skip


def by_name(name: str) -> Guest:
    return next(guest for guest in GUESTS if guest.name == name)


IGNORE_CERTIFICATES = "--ignore-certificate-errors"
"""The trackers' hosts answer over TLS with a certificate made for the test."""


@dataclass
class GuestSite:
    """The running server. `pages` may be added to; `hits` are (host, path) of whatever reached a tracker's host."""

    port: int = 0
    tls_port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    hits: list[tuple[str, str]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://{SITE}:{self.port}"

    @property
    def rules(self) -> str:
        """Chromium's --host-resolver-rules: every tracker's host is here, and nothing else exists outside."""
        hosts = sorted({host for guest in GUESTS for host in (guest.host, guest.sends)})
        mapped = [f"MAP {host}:443 127.0.0.1:{self.tls_port}" for host in hosts]
        return ", ".join([*mapped, "MAP * ~NOTFOUND", "EXCLUDE *.localhost", "EXCLUDE localhost", "EXCLUDE 127.0.0.1"])

    def heard(self, host: str) -> bool:
        """Did a hit, not merely the library's download, reach this host?"""
        return any(seen == host and not path.endswith(".js") for seen, path in self.hits)

    async def answer(self, request: web.Request) -> web.Response:
        host = request.host.partition(":")[0]
        allow = {
            "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "content-type"),
        }
        if host.endswith(".localhost") or host == "127.0.0.1":
            if (script := self.scripts.get(request.path)) is not None:
                return web.Response(text=script, content_type="text/javascript")
            page = self.pages.get(request.path)
            return web.Response(text=page or "not here", status=200 if page else 404, content_type="text/html")
        self.hits.append((host, request.path))
        name = request.path.removeprefix("/").removesuffix(".js")
        if request.path.endswith(".js") and any(guest.name == name for guest in GUESTS):
            return web.Response(
                text=(MODULES / by_name(name).script).read_text(), content_type="text/javascript", headers=allow
            )
        return web.json_response({"status": 1, "success": True}, headers=allow)


@asynccontextmanager
async def serve_guests() -> AsyncIterator[GuestSite]:
    """A page per guest at /NAME. The guests must be installed: see `install`."""
    install()
    site = GuestSite(pages={f"/{guest.name}": guest.page for guest in GUESTS} | {"/": f"{HEAD}<p>Welcome"})
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory() as folder:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate(Path(folder))).start()
    site.port, site.tls_port = (address[1] for address in runner.addresses)
    try:
        yield site
    finally:
        await runner.cleanup()


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
    if all((MODULES / guest.script).exists() for guest in GUESTS):
        return
    assert shutil.which("npm"), "the tracker guests are not installed and npm is missing: run `make test`"
    command = ["npm", "ci", "--prefix", str(MODULES.parent), "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, check=True, capture_output=True)

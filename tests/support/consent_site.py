"""A site with vendors of every kind, and a desk behind a real HTTP server on loopback, for the consent tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from policies.purpose import Purpose
from proxy.consent.desk import ConsentDesk
from proxy.consent.log import ConsentLog
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.consent.site_notice import CookieNotice, SiteNotice, VendorNotice
from runtime.keys import Keys, create_key_file

DAY = 86_400


def _vendor(vendor_id: str, name: str, purpose: Purpose, *cookies: CookieNotice) -> VendorNotice:
    return VendorNotice(
        vendor_id, name, f"{name} Ireland Limited", "IE", f"https://{vendor_id}.example/privacy", purpose, cookies
    )


SHOP = SiteNotice(
    name="shop",
    vendors=(
        VendorNotice(
            "shop",
            "Fjordstua",
            "Fjordstua AS",
            "NO",
            "",
            Purpose.NECESSARY,
            (CookieNotice("cart", None, session=True, about="Keeps what is in the cart."),),
            because="user input the visitor asked for",
        ),
        _vendor(
            "google-analytics",
            "Google Analytics",
            Purpose.STATISTICS,
            CookieNotice("__utma", 730 * DAY, about="Tells visitors and their visits apart."),
            CookieNotice("__utmb", 1800, about="Marks a running visit."),
            CookieNotice("__utmz", 182 * DAY, about="Where the visitor came from."),
            CookieNotice("_ga_*", 730 * DAY, about="Keeps the state of a session for one measurement id."),
        ),
        _vendor("matomo", "Matomo", Purpose.STATISTICS, CookieNotice("_pk_id.*", 395 * DAY, about="Visitor id.")),
        _vendor("meta-pixel", "Meta Pixel", Purpose.MARKETING, CookieNotice("_fbp", 90 * DAY, about="Browser id.")),
        _vendor("remarketing", "Adhus", Purpose.MARKETING),
        _vendor("youtube", "YouTube", Purpose.PREFERENCES, CookieNotice("yt-player", kind="storage", about="Volume.")),
    ),
    policy="a" * 64,
    material="b" * 64,
)

PAGE = """<!doctype html><html lang="{language}"><head>{first}<meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Fjordstua</title><style>{style}</style></head><body><main>
<h1>Fjordstua</h1><p><a id="first" href="/about">About</a></p>
{content}</main>{banner}</body></html>"""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Shop:
    """Serves pages with the desk's banner at /, and the desk itself under /.samtykke/, as the proxy would."""

    desk: ConsentDesk
    log: ConsentLog
    clock: Callable[[], datetime]
    keys: Keys
    site: SiteNotice = SHOP
    language: str = "en"
    style: str = ""
    content: str = ""
    client: str | None = None
    csp: str = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/favicon.ico":
            return web.Response(status=204)
        cookie = request.headers.get("Cookie", "").encode("latin-1") or None
        visitor = self.desk.visitor(
            cookie,
            gpc=request.headers.get("Sec-GPC") == "1",
            site=self.site,
            address=request.remote,
            agent=request.headers.get("User-Agent"),
        )
        if request.path.startswith("/.samtykke/"):
            return await self.desk.handle(request, self.site, visitor, client=self.client)
        visitor = await self.desk.taken_over(
            visitor, self.site, cookie, path=request.path, accept_language=request.headers.get("Accept-Language")
        )
        await self.desk.seen_gpc(visitor, self.site, path=request.path, language=self.language)
        banner = self.desk.banner(visitor, self.site, language=self.language, return_path=request.path_qs)
        text = PAGE.format(
            first=self.desk.stylesheet(self.site).decode(),
            language=self.language,
            style=self.style,
            content=self.content,
            banner=banner.decode(),
        )
        response = web.Response(text=text, content_type="text/html")
        if self.csp:
            response.headers["Content-Security-Policy"] = self.csp
        for line in visitor.set_cookies:
            response.headers.add("Set-Cookie", line)
        return response


async def open_shop(
    folder: Path, *, clock: Callable[[], datetime] | None = None, site: SiteNotice = SHOP, **settings: object
) -> Shop:
    """A shop with a key file and a SQLite log in `folder`. Close it with `close_shop`."""
    keys = create_key_file(folder / "samtykke.key")
    ticking = clock or Clock()
    log = await ConsentLog.open(f"sqlite:///{folder}/consent.db", keys, checkpoints=folder / "checkpoints")
    wished = ConsentSettings.model_validate({"languages": ("en", "nb"), **settings})
    desk = ConsentDesk(wished, ControllerSettings(name="Fjordstua AS"), keys, log, ticking, os.urandom)
    return Shop(desk, log, ticking, keys, site)


async def close_shop(shop: Shop) -> None:
    await shop.desk.close()
    await shop.log.close()

"""The pages of shop.localhost: goods, a cart, a checkout, a story and a privacy policy, in Norwegian and English.

A page's language is decided by its path (`/en/...`, `/privacy`) or, for the checkout, by `?lang=en`. Links inside the
shop are relative to its root, so the shop works the same behind a proxy on another port.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from secrets import token_hex
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import jinja2
from aiohttp import web

from samtykke.demo import cart as carts
from samtykke.demo.cart import Cart
from samtykke.demo.goods import DELIVERY, FREE_FROM, GOODS, LANGUAGES, TEXTS, Good, money
from samtykke.demo.received import Hit, keep, read_hit
from samtykke.demo.trackers import HOSTS

PATHS: dict[str, dict[str, str]] = {
    "home": {"nb": "/", "en": "/en/"},
    "good": {"nb": "/produkt/{slug}", "en": "/en/product/{slug}"},
    "story": {"nb": "/artikkel/tre-netter-i-jotunheimen", "en": "/en/article/three-nights-in-jotunheimen"},
    "cart": {"nb": "/handlekurv", "en": "/en/cart"},
    "checkout": {"nb": "/checkout", "en": "/checkout?lang=en"},
    "privacy": {"nb": "/personvern", "en": "/privacy"},
}
"""Where each page lives, by language."""

CLICK_COOKIE = "_clck"
CLICK_LIFETIME = 31_536_000
"""The tracker cookie that the shop's own server sets by header: one year, in seconds."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Page:
    """Which page, in which language."""

    name: str
    lang: str
    slug: str = ""

    def path(self, lang: str = "") -> str:
        return PATHS[self.name][lang or self.lang].format(slug=self.slug)


def _where(name: str, lang: str, slug: str = "") -> str:
    return Page(name, lang, slug).path()


def _load_assets() -> dict[str, tuple[str, bytes]]:
    root = files(__package__).joinpath("assets")
    found: dict[str, tuple[str, bytes]] = {}
    for folder in ("", "art/"):
        for entry in root.joinpath(folder).iterdir() if folder else root.iterdir():
            if entry.is_file():
                kind = mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
                found[folder + entry.name] = (kind, entry.read_bytes())
    return found


class Shop:
    """The shop's handlers. `port` is where the trackers listen; `visits` takes what arrives here."""

    def __init__(self, port: int, visits: list[Hit], fresh_number: Callable[[], str] = lambda: token_hex(4)) -> None:
        self._trackers = {host.partition(".")[0]: f"http://{host}:{port}" for host in HOSTS}
        self._visits = visits
        self._fresh_number = fresh_number
        self._assets = _load_assets()
        self._jinja = jinja2.Environment(
            loader=jinja2.PackageLoader(str(__package__)),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._jinja.globals |= {"where": _where, "money": money, "goods": GOODS, "trackers": self._trackers}

    def app(self) -> web.Application:
        """An application for the host shop.localhost."""

        @web.middleware
        async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
            keep(self._visits, await read_hit(request))
            try:
                return await handler(request)
            except web.HTTPNotFound:
                return self._page(
                    request, Page("home", "en" if request.path.startswith("/en/") else "nb"), "missing.html", status=404
                )

        app = web.Application(middlewares=[record])
        for lang in LANGUAGES:
            app.router.add_get(PATHS["home"][lang], self._simple("home", lang))
            app.router.add_get(PATHS["story"][lang], self._simple("story", lang))
            app.router.add_get(PATHS["privacy"][lang], self._simple("privacy", lang, f"privacy_{lang}.html"))
            app.router.add_get(PATHS["good"][lang], self._good(lang))
            app.router.add_get(PATHS["cart"][lang], self._simple("cart", lang))
        app.router.add_get("/en", self._to_english)
        app.router.add_post("/cart/add", self._cart_add)
        app.router.add_post("/cart/set", self._cart_set)
        app.router.add_get("/checkout", self._checkout)
        app.router.add_post("/checkout", self._pay)
        app.router.add_get("/checkout/thanks", self._thanks)
        app.router.add_get("/assets/{name:.+}", self._asset)
        app.router.add_get("/favicon.ico", self._favicon)
        app.router.add_get("/robots.txt", self._robots)
        app.router.add_get("/sitemap.xml", self._sitemap)
        return app

    def _cart(self, request: web.Request) -> Cart:
        return carts.read(request.cookies.get(carts.COOKIE, ""), GOODS, self._fresh_number())

    def _page(
        self,
        request: web.Request,
        page: Page,
        template: str,
        *,
        cart: Cart | None = None,
        status: int = 200,
        extra: dict[str, Any] | None = None,
    ) -> web.Response:
        cart = cart or self._cart(request)
        goods = sum(GOODS[slug].price * count for slug, count in cart.lines)
        delivery = 0 if goods >= FREE_FROM or not goods else DELIVERY
        other = "en" if page.lang == "nb" else "nb"
        text = self._jinja.get_template(template).render(
            page=page,
            lang=page.lang,
            t=SimpleNamespace(**TEXTS[page.lang]),  # a dict would answer `t.update` with its method
            cart=cart,
            sums={"goods": goods, "delivery": delivery, "total": goods + delivery},
            other=other,
            other_path=page.path(other),
            **(extra or {}),
        )
        response = web.Response(status=status, text=text, content_type="text/html")
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Content-Language"] = page.lang
        _set_cookies(request, response, cart)
        return response

    def _simple(self, name: str, lang: str, template: str = "") -> Handler:
        async def handler(request: web.Request) -> web.Response:
            return self._page(request, Page(name, lang), template or f"{name}.html")

        return handler

    def _good(self, lang: str) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            good = _known(request.match_info["slug"])
            slugs = list(GOODS)
            at = slugs.index(good.slug)
            more = [GOODS[slugs[(at + step) % len(slugs)]] for step in range(1, 5)]
            return self._page(request, Page("good", lang, good.slug), "good.html", extra={"good": good, "more": more})

        return handler

    async def _to_english(self, _: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently(PATHS["home"]["en"])

    async def _cart_add(self, request: web.Request) -> web.Response:
        form = await request.post()
        cart = self._cart(request).add(_known(str(form.get("good", ""))).slug)
        return _back_to_cart(request, cart, str(form.get("lang", "")))

    async def _cart_set(self, request: web.Request) -> web.Response:
        form = await request.post()
        count = str(form.get("count", ""))
        if not (count.isascii() and count.isdigit()) or len(count) > 4:
            raise web.HTTPBadRequest(text="count: a whole number from 0\n")
        cart = self._cart(request).put(_known(str(form.get("good", ""))).slug, int(count))
        return _back_to_cart(request, cart, str(form.get("lang", "")))

    async def _checkout(self, request: web.Request) -> web.Response:
        page = Page("checkout", _language(request.query.get("lang", "")))
        if not self._cart(request).lines:
            raise web.HTTPSeeOther(PATHS["cart"][page.lang])
        return self._page(request, page, "checkout.html", extra={"given": {}, "incomplete": False})

    async def _pay(self, request: web.Request) -> web.Response:
        form = await request.post()
        page = Page("checkout", _language(str(form.get("lang", ""))))
        cart = self._cart(request)
        if not cart.lines:
            raise web.HTTPSeeOther(PATHS["cart"][page.lang])
        given = {field: str(form.get(field, "")).strip() for field in ("name", "email", "address", "postcode", "city")}
        if not all(given.values()):
            return self._page(request, page, "checkout.html", status=422, extra={"given": given, "incomplete": True})
        answer = web.Response(
            status=303, headers={"Location": f"/checkout/thanks?order={cart.number}&lang={page.lang}"}
        )
        _set_cookies(request, answer, Cart(self._fresh_number()))
        return answer

    async def _thanks(self, request: web.Request) -> web.Response:
        page = Page("checkout", _language(request.query.get("lang", "")))
        order = carts.read(request.query.get("order", ""), GOODS, "00000000").number
        return self._page(request, page, "thanks.html", extra={"order": f"F-{order.upper()}"})

    async def _asset(self, request: web.Request) -> web.Response:
        found = self._assets.get(request.match_info["name"])
        if not found:
            raise web.HTTPNotFound
        kind, body = found
        return web.Response(body=body, content_type=kind, headers={"Cache-Control": "public, max-age=300"})

    async def _favicon(self, _: web.Request) -> web.Response:
        return web.Response(body=self._assets["logo.svg"][1], content_type="image/svg+xml")

    async def _robots(self, request: web.Request) -> web.Response:
        return web.Response(text=f"User-agent: *\nDisallow: /cart/\nSitemap: http://{request.host}/sitemap.xml\n")

    async def _sitemap(self, request: web.Request) -> web.Response:
        pages = [Page(name, lang) for name in ("home", "story", "privacy") for lang in LANGUAGES]
        pages += [Page("good", lang, slug) for slug in GOODS for lang in LANGUAGES]
        entries = "".join(f"<url><loc>http://{request.host}{quote(page.path())}</loc></url>\n" for page in pages)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        return web.Response(text=f"{head}{entries}</urlset>\n", content_type="application/xml")


def _known(slug: str) -> Good:
    if slug not in GOODS:
        raise web.HTTPNotFound
    return GOODS[slug]


def _language(wanted: str) -> str:
    return wanted if wanted in LANGUAGES else LANGUAGES[0]


def _back_to_cart(request: web.Request, cart: Cart, lang: str) -> web.Response:
    answer = web.Response(status=303, headers={"Location": PATHS["cart"][_language(lang)]})
    _set_cookies(request, answer, cart)
    return answer


def _set_cookies(request: web.Request, response: web.Response, cart: Cart) -> None:
    """The cart's session cookie where it changed, and the tracker cookie that the shop's own server hands out."""
    if request.cookies.get(carts.COOKIE) != cart.value():
        response.set_cookie(carts.COOKIE, cart.value(), httponly=True, samesite="Lax")
    if CLICK_COOKIE not in request.cookies:
        visitor = f"{token_hex(4)}|2|fzk|0|1928"
        response.set_cookie(CLICK_COOKIE, visitor, max_age=CLICK_LIFETIME, domain=".shop.localhost", samesite="Lax")

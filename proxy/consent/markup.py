"""Templates and words joined to HTML. The packaged templates are compiled once, at load; then no I/O.

A banner is rendered once per site and language with holes for what differs by visitor, and filled by replacing bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlsplit

import jinja2

from policies.purpose import CONSENTABLE, UNDECIDED, Consent, Purpose
from proxy.consent import bundle
from proxy.consent.cookie_words import about, lasts
from proxy.consent.exemption import told as ground
from proxy.consent.site_notice import CookieNotice, SiteNotice, VendorNotice
from proxy.consent.wording import Texts

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("proxy.consent", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.globals |= {"ground": ground, "about": about, "lasts": lasts}

_TOKEN, _PATH, _PATH_URL, _NONCE, _MESSAGE = (
    f"\x02{name}\x03" for name in ("token", "path", "url", "nonce", "message")
)


def render(template: str, values: Mapping[str, object]) -> str:
    """One template with its values escaped. Raises jinja2.UndefinedError for a value that was not given."""
    return _TEMPLATES.get_template(template).render(values)


def quoted(path: str) -> str:
    """A path as the value of a query field."""
    return quote(path, safe="/")


@dataclass(frozen=True, slots=True)
class Group:
    """One purpose as it is shown: its vendors, and what the visitor granted before."""

    purpose: Purpose
    vendors: tuple[VendorNotice, ...]
    asked: bool
    granted: bool
    selects: frozenset[str] = frozenset()
    """Vendors that can be answered for here: each once, under its first purpose."""


def groups(site: SiteNotice, consent: Consent, *, necessary: bool = True) -> list[Group]:
    """Every purpose of a site, the necessary one first."""
    found = (
        [
            Group(
                Purpose.NECESSARY,
                tuple(each for each in site.of(Purpose.NECESSARY) if not each.own),
                asked=False,
                granted=True,
            )
        ]
        if necessary
        else []
    )
    answered: set[str] = set()
    for purpose in site.purposes:
        vendors = tuple(site.of(purpose))
        selects = frozenset(vendor.id for vendor in vendors) - answered - {""}
        answered |= selects
        found.append(Group(purpose, vendors, asked=True, granted=purpose in consent.purposes, selects=selects))
    return found


def own_vendor(texts: Texts, controller: str, lifetime: int) -> VendorNotice:
    """Our own cookies, for the declaration. `lifetime` of the choice in seconds."""
    return VendorNotice(
        "samtykke",
        texts("own.title"),
        controller,
        "",
        "",
        Purpose.NECESSARY,
        (
            CookieNotice("samtykke", lifetime, about=texts("own.samtykke")),
            CookieNotice("samtykke_purposes", lifetime, about=texts("own.mirror")),
            CookieNotice("samtykke_confirm", 600, about=texts("own.confirm")),
        ),
        own=True,
    )


@dataclass(frozen=True, slots=True)
class Banner:
    """A rendered banner with holes."""

    markup: bytes

    def filled(self, *, token: str = "", return_path: str = "/", nonce: str | None = None, message: str = "") -> bytes:
        """The markup for one visitor; every value is escaped here."""
        return (
            self.markup.replace(_TOKEN.encode(), escape(token).encode())
            .replace(_PATH.encode(), escape(return_path).encode())
            .replace(_PATH_URL.encode(), quoted(return_path).encode())
            .replace(_NONCE.encode(), f' nonce="{escape(nonce)}"'.encode() if nonce else b"")
            .replace(_MESSAGE.encode(), escape(message).encode())
        )


def _first_layer(texts: Texts, site: SiteNotice, controller: str, *, gpc: bool) -> dict[str, object]:
    return {
        "t": texts,
        "site": site,
        "controller": controller,
        "gpc": gpc,
        "counts": {purpose: len({vendor.id or vendor.name for vendor in site.of(purpose)}) for purpose in CONSENTABLE},
        "token": _TOKEN,
        "return_path": _PATH,
    }


def banner(texts: Texts, site: SiteNotice, controller: str, *, ask: bool, fetched: bool = False) -> Banner:
    """What goes to the end of a page's body: the question if `ask`, and always the way back to the settings.

    `fetched` leaves the question to be fetched by the script, for pages that a shared cache may keep.
    """
    values = _first_layer(texts, site, controller, gpc=False) | {
        "css": bundle.banner_css().path,
        "js": bundle.banner_js().path,
        "nonce": _NONCE,
        "ask": ask,
        "fetched": fetched,
        "message": _MESSAGE,
        "return_url": _PATH_URL,
    }
    return Banner(render("banner.html", values).encode())


def stylesheet(nonce: str | None) -> bytes:
    """The link to the banner's stylesheet."""
    mark = f' nonce="{escape(nonce)}"' if nonce else ""
    return f'<link rel="stylesheet" href="{bundle.banner_css().path}"{mark}>'.encode()


def question(texts: Texts, site: SiteNotice, controller: str) -> Banner:
    """The first layer alone, as the script fetches it."""
    return Banner(render("ask.html", _first_layer(texts, site, controller, gpc=False)).encode())


def settings_values(
    texts: Texts, site: SiteNotice, consent: Consent, *, token: str, return_path: str, level: int
) -> dict[str, object]:
    """What settings.html needs. `level` is the heading's: 1 on a page of our own, 2 inside a dialog."""
    return {
        "t": texts,
        "groups": groups(site, consent),
        "answers": dict(consent.vendors),
        "choosing": True,
        "token": token,
        "return_path": return_path,
        "return_url": quoted(return_path),
        "level": level,
    }


def dialog(texts: Texts, site: SiteNotice, consent: Consent, *, token: str, return_path: str) -> str:
    """The second layer as the script puts it into a modal dialog."""
    return render("dialog.html", settings_values(texts, site, consent, token=token, return_path=return_path, level=2))


def evidence(texts: Texts, site: SiteNotice, controller: str) -> str:
    """Both layers as everybody sees them before choosing, with nothing of any visitor in them."""
    first = Banner(render("ask.html", _first_layer(texts, site, controller, gpc=False)).encode()).filled()
    second = render("settings.html", settings_values(texts, site, UNDECIDED, token="", return_path="/", level=2))
    return f"{first.decode()}\n<section>{second}</section>"


_KINDS = frozenset({"video", "map", "social", "form", "audio", "chat"})


def placeholder(
    texts: Texts,
    vendor: VendorNotice | None,
    purpose: Purpose | None,
    kind: str,
    attributes: Mapping[str, str],
    *,
    token: str,
    return_path: str,
) -> bytes:
    """Where a frame was. `attributes` are the element's own; `src` is offered as a plain link to follow."""
    source = attributes.get("src", "")
    try:
        parts = urlsplit(source if "//" not in source[:2] else f"https:{source}")
        host = (parts.hostname or "") if parts.scheme in ("http", "https", "") else ""
    except ValueError:
        host = ""
    named = vendor.name if vendor else host or texts("placeholder.unknown")
    shown: Iterable[Purpose] = (purpose,) if purpose else CONSENTABLE
    values = {
        "t": texts,
        "title": texts(f"placeholder.{kind if kind in _KINDS else 'frame'}", {"vendor": named}),
        "kind": kind,
        "vendor": vendor,
        "company": (vendor.company or vendor.name) if vendor else named,
        "purpose": ", ".join(texts(f"purpose.{each}.title") for each in shown),
        "host": host,
        "source": parts.geturl() if host else "",
        "width": _digits(attributes.get("width", "")),
        "height": _digits(attributes.get("height", "")),
        "css": bundle.banner_css().path,
        "token": token,
        "return_path": return_path,
    }
    return render("placeholder.html", values).encode()


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 6 else ""

"""What the demo shop's trackers do and what its privacy policy says, as data: scans and comparisons answer to this.

Lifetimes are seconds asked for; None is a session cookie. A test in a real browser keeps the first half true, a test
that reads the policy pages the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.findings import FindingKind
from policies.purpose import Purpose

Where = Literal["every", "good", "story"]
"""The pages on which something happens: every page, a product's page, the article."""

SHOP = "shop.localhost"


def _site_hash(text: str) -> str:
    """Four hex digits of FNV-1a, as scripts/matomo.js computes them from the host and "/"."""
    value = 2166136261
    for letter in text:
        value = ((value ^ ord(letter)) * 16777619) & 0xFFFFFFFF
    return f"{value & 0xFFFF:04x}"


MATOMO_SUFFIX = f"1.{_site_hash(SHOP + '/')}"


@dataclass(frozen=True, slots=True)
class TrueCookie:
    """`domain` is without a leading dot; `by` is host and path of the script, or of the answer that carried it."""

    name: str
    lifetime: int | None
    kind: Literal["http", "js"]
    by: str
    vendor: str
    purpose: Purpose
    domain: str = SHOP
    host_only: bool = False
    http_only: bool = False
    on: Where = "every"

    @property
    def first_party(self) -> bool:
        return self.domain == SHOP


@dataclass(frozen=True, slots=True)
class TrueKey:
    """A localStorage key; `host` owns it."""

    key: str
    host: str
    by: str
    vendor: str
    purpose: Purpose
    on: Where


@dataclass(frozen=True, slots=True)
class TrueRequest:
    """`url` is host and path; `type` as CDP names it, in lower case; `by` the script that asked, "" for markup."""

    url: str
    type: str
    by: str = ""
    on: Where = "every"


@dataclass(frozen=True, slots=True)
class DeclaredFact:
    """One cookie or key as both policy pages declare it."""

    name: str
    lifetime: int | None
    session: bool
    vendor: str | None
    purpose: Purpose
    kind: Literal["cookie", "storage"] = "cookie"


_GA, _FB, _MATOMO = "stats.localhost/ga.js", "social.localhost/fbevents.js", "matomo.localhost/matomo.js"
_CONVERSION, _PRINTS, _GTM = "ads.localhost/pagead/conversion.js", "prints.localhost/p.js", "tags.localhost/gtm.js"
_REMARKETING = "ads.localhost/pagead/viewthroughconversion/10472901/"
_LIKE, _EMBED, _PLAYER = (
    "social.localhost/plugins/like",
    "video.localhost/embed/jotunheimen",
    "video.localhost/player.js",
)
_NECESSARY, _PREFERENCES, _STATISTICS, _MARKETING = (
    Purpose.NECESSARY,
    Purpose.PREFERENCES,
    Purpose.STATISTICS,
    Purpose.MARKETING,
)

COOKIES: tuple[TrueCookie, ...] = (
    TrueCookie("fjellheim_cart", None, "http", f"{SHOP}/", "Fjellheim", _NECESSARY, host_only=True, http_only=True),
    TrueCookie("_clck", 31_536_000, "http", f"{SHOP}/", "Microsoft Clarity", _STATISTICS),
    TrueCookie("__utma", 63_072_000, "js", _GA, "Google Analytics", _STATISTICS),
    TrueCookie("__utmb", 1_800, "js", _GA, "Google Analytics", _STATISTICS),
    TrueCookie("__utmc", None, "js", _GA, "Google Analytics", _STATISTICS),
    TrueCookie("__utmz", 15_768_000, "js", _GA, "Google Analytics", _STATISTICS),
    TrueCookie("_fbp", 7_776_000, "js", _FB, "Facebook", _MARKETING),
    TrueCookie(f"_pk_id.{MATOMO_SUFFIX}", 33_955_200, "js", _MATOMO, "Matomo", _STATISTICS, host_only=True),
    TrueCookie(f"_pk_ses.{MATOMO_SUFFIX}", 1_800, "js", _MATOMO, "Matomo", _STATISTICS, host_only=True),
    TrueCookie("_gcl_au", 7_776_000, "js", _CONVERSION, "Google Ads", _MARKETING),
    TrueCookie(
        name="IDE",
        lifetime=33_696_000,
        kind="http",
        by=_REMARKETING,
        vendor="DoubleClick",
        purpose=_MARKETING,
        domain="ads.localhost",
        host_only=True,
        http_only=True,
    ),
    TrueCookie(
        name="datr",
        lifetime=63_072_000,
        kind="http",
        by=_LIKE,
        vendor="Facebook",
        purpose=_MARKETING,
        domain="social.localhost",
        host_only=True,
        http_only=True,
        on="story",
    ),
)

KEYS: tuple[TrueKey, ...] = (
    TrueKey("fjellheim_seen", SHOP, f"{SHOP}/assets/shop.js", "Fjellheim", _PREFERENCES, "good"),
    TrueKey("yt-remote-device-id", "video.localhost", _PLAYER, "YouTube", _MARKETING, "story"),
)

REQUESTS: tuple[TrueRequest, ...] = (
    TrueRequest(_GTM, "script"),
    TrueRequest(_GA, "script"),
    TrueRequest(_FB, "script"),
    TrueRequest(_MATOMO, "script"),
    TrueRequest(_PRINTS, "script"),
    TrueRequest(_CONVERSION, "script", _GTM),
    TrueRequest("stats.localhost/__utm.gif", "image", _GA),
    TrueRequest("social.localhost/tr", "image", _FB),
    TrueRequest("matomo.localhost/matomo.php", "ping", _MATOMO),
    TrueRequest("ads.localhost/pagead/conversion/10472901/", "xhr", _CONVERSION),
    TrueRequest("prints.localhost/collect", "fetch", _PRINTS),
    TrueRequest(_REMARKETING, "image"),
    TrueRequest(_EMBED, "document", on="story"),
    TrueRequest(_PLAYER, "script", on="story"),
    TrueRequest("video.localhost/api/stats/playback", "fetch", _PLAYER, on="story"),
    TrueRequest(_LIKE, "document", on="story"),
)
"""Third-party requests with JavaScript on. The checkout adds pay.localhost/card, the payment's own frame."""

NOSCRIPT: tuple[TrueRequest, ...] = (
    TrueRequest("tags.localhost/ns.html", "document"),
    TrueRequest("social.localhost/tr", "image"),
    TrueRequest(_PRINTS, "script"),
    TrueRequest(_REMARKETING, "image"),
)
"""What the markup names for a visitor without JavaScript; the fingerprinter's script is named but does not run."""

TECHNIQUES: tuple[tuple[str, str], ...] = (("canvas", _PRINTS),)
"""(kind, script)."""

_DAY = 86_400

DECLARED: tuple[DeclaredFact, ...] = (
    DeclaredFact("__utma", 730 * _DAY, False, "Google Analytics", _STATISTICS),
    DeclaredFact("__utmb", 1_800, False, "Google Analytics", _STATISTICS),
    DeclaredFact("__utmc", None, True, "Google Analytics", _STATISTICS),
    DeclaredFact("__utmz", 180 * _DAY, False, "Google Analytics", _STATISTICS),
    DeclaredFact("fjellheim_cart", None, True, None, _NECESSARY),
    DeclaredFact("_pk_id.*", 34_164_000, False, "Matomo", _STATISTICS),
    DeclaredFact("_pk_ses.*", 7 * _DAY, False, "Matomo", _STATISTICS),
    DeclaredFact("_fbp", 30 * _DAY, False, "Facebook", _NECESSARY),
    DeclaredFact("_hjid", 365 * _DAY, False, "Hotjar", _STATISTICS),
    DeclaredFact("datr", 730 * _DAY, False, "Facebook", _MARKETING),
    DeclaredFact("fjellheim_seen", None, False, None, _PREFERENCES, "storage"),
)
"""Months and years may be counted a little differently (13 months here are thirteen twelfths of 365 days)."""

CLAIMS: tuple[str, ...] = ("anonymised", "not_shared", "browser_settings_only")
"""Claim kinds that both pages make."""

FINDINGS: tuple[tuple[FindingKind, str], ...] = (
    ("undeclared", "_clck"),
    ("undeclared", "_gcl_au"),
    ("undeclared", "IDE"),
    ("undeclared", "yt-remote-device-id"),
    ("lifetime_longer", "_fbp"),
    ("lifetime_shorter", f"_pk_ses.{MATOMO_SUFFIX}"),
    ("purpose_mismatch", "_fbp"),
    ("not_observed", "_hjid"),
)
"""What a full scan must find against either policy page; the subject is the name as it was seen, or as declared where
nothing was seen. Beside these stand `before_consent` for whatever is not necessary, the vendors below, and a
`claim_contradicted` for each of CLAIMS."""

NO_FINDING: tuple[str, ...] = (
    "__utma",
    "__utmb",
    "__utmc",
    "__utmz",
    f"_pk_id.{MATOMO_SUFFIX}",
    "fjellheim_cart",
    "datr",
    "fjellheim_seen",
)
"""Right within 3 % or one day, so never longer, shorter, undeclared or of another purpose. __utmz promises 180 days
and asks for 182.5; the browser's own cap of 400 days on datr does not count."""

VENDORS_NOT_NAMED: tuple[str, ...] = ("Microsoft Clarity", "Google Ads", "YouTube")
"""Who receives data without being named."""


def on_page(where: Where) -> frozenset[Where]:
    """What happens on such a page: what happens everywhere, and its own."""
    return frozenset({"every", where})

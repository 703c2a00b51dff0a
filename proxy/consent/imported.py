"""Choices that visitors gave to another tool: one Cookie header -> purposes and vendors granted. No I/O, no clock.

A tool's cookie counts only where it holds a decision: a banner that was merely shown, an "outside the region", or a
date that is missing where the tool writes one, is none. Whatever cannot be read is ignored, and the visitor is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote

from policies.purpose import CONSENTABLE, Consent, Purpose
from proxy.consent.settings import Tool
from proxy.consent.site_notice import SiteNotice
from proxy.consent.token import SKEW

_LONGEST = 8192
_PREFERENCES, _STATISTICS, _MARKETING = CONSENTABLE


@dataclass(frozen=True, slots=True)
class Import:
    """One decision. `decided` is seconds since 1970 UTC, None where the tool does not say; `services` are its names."""

    tool: Tool
    purposes: frozenset[Purpose]
    services: tuple[tuple[str, bool], ...] = ()
    decided: int | None = None

    def consent(self, site: SiteNotice) -> Consent | None:
        """What it grants here: purposes this site asks for, and vendors it names that the tool named too.

        None where the visitor said yes to something, and what he said of this site's vendors and purposes is nothing:
        that is no refusal.
        """
        vendors = {vendor.id: _plain(vendor.id) for vendor in site.vendors if vendor.purpose is not Purpose.NECESSARY}
        names = {_plain(vendor.name): vendor.id for vendor in site.vendors if vendor.id in vendors}
        names |= {plain: vendor_id for vendor_id, plain in vendors.items()}
        answers = {names[_plain(name)]: allowed for name, allowed in self.services if _plain(name) in names}
        answers.pop("", None)
        granted = self.purposes & frozenset(site.purposes)
        said_yes = bool(self.purposes) or any(allowed for _, allowed in self.services)
        if said_yes and not granted and not answers:
            return None
        return Consent.of(sorted(granted), sorted(answers.items()))


def found(cookies: Mapping[str, str], tools: Iterable[Tool], now: float, lifetime: int) -> Import | None:
    """The first of the tools that has a decision no older than `lifetime` (seconds) and not from the future."""
    for tool in tools:
        for name, value in cookies.items():
            if not _COOKIES[tool].fullmatch(name) or len(value) > _LONGEST:
                continue
            decision = _READERS[tool](value, cookies)
            if decision is not None and (decision.decided is None or -SKEW <= now - decision.decided <= lifetime):
                return replace(decision, decided=None if decision.decided is None else min(decision.decided, int(now)))
    return None


def _cookiebot(value: str, _: Mapping[str, str]) -> Import | None:
    """`{stamp:'...',necessary:true,preferences:false,statistics:false,marketing:false,method:'explicit',utc:MS,...}`.

    "-1" is a visitor outside the region, "0" one who has not answered; `method:'implied'` is no consent.
    """
    text = unquote(value)
    fields = dict(re.findall(r"(\w+):\s*'?([\w./+=-]*)'?", text)) if text.startswith("{") else {}
    answers = {purpose: fields.get(purpose.value) for purpose in CONSENTABLE}
    if not set(answers.values()) <= {"true", "false"} or fields.get("method", "explicit") != "explicit":
        return None
    stamp = fields.get("utc", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        return None
    return Import(
        "cookiebot", frozenset(each for each in CONSENTABLE if answers[each] == "true"), (), int(stamp) // 1000
    )


_ONETRUST = {"C0002": _STATISTICS, "C0003": _PREFERENCES, "C0004": _MARKETING, "C0005": _MARKETING}


_ONETRUST_UNDECIDED = {"interactionCount": ("", "0"), "intType": ("3",), "AwaitingReconsent": ("true",)}
"""Values of fields that say: the visitor has not chosen, or is about to be asked again."""


def _onetrust(value: str, cookies: Mapping[str, str]) -> Import | None:
    """`interactionCount=1&groups=C0001:1,C0002:0,...&intType=1`; `OptanonAlertBoxClosed` holds the date.

    The cookie is there from the first page on, with the site's defaults in `groups`. It tells a decision only where the
    banner went away (`OptanonAlertBoxClosed`), something was pressed (`interactionCount`), that was not the cross that
    closes it (`intType` 3, which newer versions write), and no new answer is awaited. Two groups mean marketing here:
    it is granted only where every one that is there was.
    """
    try:
        fields = dict(
            parse_qsl(unquote(value) if "groups%3D" in value else value, keep_blank_values=True, max_num_fields=50)
        )
    except ValueError:
        return None
    if any(fields.get(name) in undecided for name, undecided in _ONETRUST_UNDECIDED.items()):
        return None
    groups = fields.get("groups", "")
    decided = _moment(unquote(cookies.get("OptanonAlertBoxClosed", "")))
    pairs = [pair.partition(":") for pair in unquote(groups).split(",")]
    answers = {name: state for name, _, state in pairs if name in _ONETRUST}
    if decided is None or not answers or not set(answers.values()) <= {"0", "1"}:
        return None
    refused = {_ONETRUST[name] for name, state in answers.items() if state == "0"}
    return Import("onetrust", frozenset(_ONETRUST[name] for name in answers) - refused, (), decided)


def _klaro(value: str, _: Mapping[str, str]) -> Import | None:
    """`{"SERVICE":true,...}` with the site's own names of services: those that are our vendors' are taken over."""
    answers = _object(value)
    if not answers or not all(isinstance(allowed, bool) for allowed in answers.values()):
        return None
    return Import("klaro", frozenset(), tuple(sorted((name, allowed is True) for name, allowed in answers.items())))


_CATEGORIES = {
    **dict.fromkeys(("preferences", "functional", "functionality", "personalization", "personalisation"), _PREFERENCES),
    **dict.fromkeys(("analytics", "statistics", "performance", "measurement"), _STATISTICS),
    **dict.fromkeys(("marketing", "advertisement", "advertising", "ads", "targeting"), _MARKETING),
}
"""The names that operators commonly give to categories; any other is left out."""
_NECESSARY = frozenset({"necessary", "essential", "required"})


def _vanilla(value: str, _: Mapping[str, str]) -> Import | None:
    """`{"categories":[...],"lastConsentTimestamp":ISO,...}`; version 2 said `level` and `consent_date`."""
    record = _object(value) or {}
    names = record.get("categories", record.get("level"))
    stamp = record.get("lastConsentTimestamp") or record.get("consentTimestamp") or record.get("consent_date")
    decided = _moment(stamp) if isinstance(stamp, str) else None
    if not isinstance(names, list) or decided is None or not all(isinstance(name, str) for name in names):
        return None
    granted = frozenset(_CATEGORIES[name.lower()] for name in names if name.lower() in _CATEGORIES)
    if not granted and not set(names) <= _NECESSARY:
        return None
    return Import("vanilla-cookieconsent", granted, (), decided)


_PIWIK = {
    "analytics": _STATISTICS,
    "ab_testing_and_personalization": _PREFERENCES,
    "conversion_tracking": _MARKETING,
    "marketing_automation": _MARKETING,
    "remarketing": _MARKETING,
}


def _piwik_pro(value: str, _: Mapping[str, str]) -> Import | None:
    """`{"consents":{"analytics":{"status":1,"updatedAt":ISO},...}}`: 1 yes, 0 no, -1 not answered.

    `ppms_privacy_bar_...` only remembers that the bar was closed.
    """
    consents = (_object(value) or {}).get("consents")
    if not isinstance(consents, dict):
        return None
    answers: dict[Purpose, bool] = {}
    moments: list[int] = []
    for kind, purpose in _PIWIK.items():
        said = consents.get(kind)
        if not isinstance(said, dict) or said.get("status") not in (0, 1) or isinstance(said["status"], bool):
            continue
        answers[purpose] = answers.get(purpose, True) and said["status"] == 1
        stamp = said.get("updatedAt")
        if isinstance(stamp, str) and (moment := _moment(stamp)) is not None:
            moments.append(moment)
    if not answers:
        return None
    return Import("piwik-pro", frozenset(each for each in answers if answers[each]), (), min(moments, default=None))


_COOKIES: dict[Tool, re.Pattern[str]] = {
    "cookiebot": re.compile(r"CookieConsent"),
    "onetrust": re.compile(r"OptanonConsent"),
    "klaro": re.compile(r"klaro"),
    "vanilla-cookieconsent": re.compile(r"cc_cookie"),
    "piwik-pro": re.compile(r"ppms_privacy_(?!bar_)[\w-]+"),
}
_READERS: dict[Tool, Callable[[str, Mapping[str, str]], Import | None]] = {
    "cookiebot": _cookiebot,
    "onetrust": _onetrust,
    "klaro": _klaro,
    "vanilla-cookieconsent": _vanilla,
    "piwik-pro": _piwik_pro,
}


def cookies_of(header: bytes | None) -> dict[str, str]:
    """Name -> value of a Cookie header; of two with one name the first, the more specific (RFC 6265bis 5.8.3)."""
    found_: dict[str, str] = {}
    for pair in (header or b"").decode("latin-1").split(";"):
        name, mark, value = pair.strip().partition("=")
        if mark:
            found_.setdefault(name, value.strip('"'))
    return found_


def _object(value: str) -> dict[str, object] | None:
    """The JSON object in a cookie, percent-encoded or not."""
    try:
        record = json.loads(value if value.startswith("{") else unquote(value))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _moment(text: str) -> int | None:
    """Seconds of an ISO 8601 date; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, OSError):
        return None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())

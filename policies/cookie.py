"""Set-Cookie and Cookie by RFC 6265bis. Bytes in, facts out: no I/O, no clock, the caller passes now.

Parsing (section 5.6) and storing (5.7) are two steps, since a proxy wants to know what a server *asked for*
before it asks what a browser would *keep*. No date or number is capped here: the cap of 400 days is
`policies.lifetime`'s word.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from policies.party import is_public_suffix

MAX_PAIR = 4096
"""Name and value together, in bytes (5.6, step 5)."""
MAX_ATTRIBUTE = 1024
"""A longer attribute value is ignored, in bytes (5.6)."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WHITE = b" \t"
_DATE_DELIMITERS = re.compile(rb"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(rb"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|$)")
_DAY = re.compile(rb"(\d{1,2})(?:\D|$)")
_YEAR = re.compile(rb"(\d{2,4})(?:\D|$)")
_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_SAME_SITE = {b"none": "None", b"lax": "Lax", b"strict": "Strict"}
_MAX_AGE = re.compile(rb"-?\d*")


@dataclass(frozen=True, slots=True)
class SetCookie:
    """What one Set-Cookie line asks for. Times are seconds (`max_age`) and UTC epoch seconds (`expires`)."""

    name: bytes
    value: bytes
    domain: str | None = None
    """Lower case, without the leading dot; None where the attribute is absent or empty: host-only."""
    path: str | None = None
    """None where absent or not absolute: the default path applies."""
    max_age: int | None = None
    expires: int | None = None
    secure: bool = False
    http_only: bool = False
    same_site: str | None = None
    partitioned: bool = False
    priority: str | None = None

    def lifetime(self, now: float) -> int | None:
        """Seconds asked for, uncapped, never below 0; None is a session cookie. Max-Age beats Expires (5.7, step 3)."""
        if self.max_age is not None:
            return max(self.max_age, 0)
        if self.expires is not None:
            return max(round(self.expires - now), 0)
        return None

    def deletes(self, now: float) -> bool:
        """Does the line remove a cookie rather than set one?"""
        return self.lifetime(now) == 0


def parse_set_cookie(line: bytes) -> SetCookie | None:
    """Parse one header value (5.6). None where the RFC says to ignore the line entirely."""
    if _CONTROLS.search(line):
        return None
    pair, *attributes = line.split(b";")
    name, equals, value = pair.partition(b"=")
    if not equals:
        name, value = b"", pair
    name, value = name.strip(_WHITE), value.strip(_WHITE)
    if len(name) + len(value) > MAX_PAIR or not (name or value):
        return None
    domain = path = same_site = priority = None
    max_age = expires = None
    secure = http_only = partitioned = False
    for attribute in attributes:
        key, _, text = attribute.partition(b"=")
        key, text = key.strip(_WHITE).lower(), text.strip(_WHITE)
        if len(text) > MAX_ATTRIBUTE:
            continue
        match key:
            case b"expires":
                found = parse_cookie_date(text)
                expires = found if found is not None else expires
            case b"max-age":
                if text and text != b"-" and _MAX_AGE.fullmatch(text):
                    max_age = int(text)
            case b"domain":
                domain = text.removeprefix(b".").decode("latin-1").lower() or None
            case b"path":
                path = text.decode("latin-1") if text.startswith(b"/") else None
            case b"secure":
                secure = True
            case b"httponly":
                http_only = True
            case b"samesite":
                same_site = _SAME_SITE.get(text.lower())
            case b"partitioned":
                partitioned = True
            case b"priority":
                priority = text.decode("latin-1").capitalize() or None
    return SetCookie(
        name, value, domain, path, max_age, expires, secure, http_only, same_site, partitioned, priority
    )  # fmt: skip


def parse_cookie_date(text: bytes) -> int | None:
    """A cookie date in any of the forms of 5.1.1 to UTC epoch seconds; None where it is no date."""
    time: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DATE_DELIMITERS.split(text):
        if time is None and (match := _TIME.match(token)):
            time = int(match[1]), int(match[2]), int(match[3])
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and (number := _MONTHS.get(token[:3].lower())):
            month = number
        elif year is None and (match := _YEAR.match(token)):
            year = int(match[1])
    if time is None or day is None or month is None or year is None:
        return None
    if 70 <= year <= 99:
        year += 1900
    elif year <= 69:
        year += 2000
    hour, minute, second = time
    if year < 1601 or hour > 23 or minute > 59 or second > 59:
        return None
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return calendar.timegm((year, month, day, hour, minute, second))


Refusal = Literal[
    "domain_mismatch", "public_suffix", "insecure", "same_site_none_insecure", "prefix_host", "prefix_secure"
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a browser would keep a cookie."""

    domain: str
    host_only: bool
    path: str


def place(cookie: SetCookie, *, host: str, request_path: str, secure: bool) -> Place | Refusal:
    """Where the cookie is kept when `host` sets it (5.7), or why a browser refuses it.

    `secure` says whether the answer came over TLS or from a trustworthy origin such as localhost.
    """
    host = host.lower()
    domain, host_only = host, True
    if cookie.domain is not None:
        if not cookie.domain.isascii():
            return "domain_mismatch"
        if is_public_suffix(cookie.domain):
            if cookie.domain != host:
                return "public_suffix"
        elif not domain_matches(host, cookie.domain):
            return "domain_mismatch"
        else:
            domain, host_only = cookie.domain, False
    if cookie.secure and not secure:
        return "insecure"
    if cookie.same_site == "None" and not cookie.secure:
        return "same_site_none_insecure"
    path = cookie.path or default_path(request_path)
    # Prefixes are compared without regard to case (5.7, steps 20 and 21), nameless cookies by their value (step 22).
    shown = (cookie.name or cookie.value).lower()
    if shown.startswith(b"__secure-") and (not cookie.secure or not cookie.name):
        return "prefix_secure"
    if shown.startswith(b"__host-") and not (cookie.secure and host_only and cookie.path == "/" and cookie.name):
        return "prefix_host"
    return Place(domain, host_only, path)


def default_path(request_path: str) -> str:
    """The directory of the request's path (5.1.4)."""
    path = request_path.partition("?")[0]
    if not path.startswith("/"):
        return "/"
    return path[: path.rfind("/")] or "/"


def path_matches(request_path: str, cookie_path: str) -> bool:
    """Is the cookie sent to this path (5.1.4)?"""
    path = request_path.partition("?")[0]
    return path == cookie_path or (
        path.startswith(cookie_path) and (cookie_path.endswith("/") or path[len(cookie_path)] == "/")
    )


def domain_matches(host: str, domain: str) -> bool:
    """Is the host the domain or below it (5.1.3)? An IP address matches only itself."""
    if host == domain:
        return True
    return host.endswith("." + domain) and not host.rpartition(".")[2].isdigit() and ":" not in host


@dataclass(frozen=True, slots=True)
class CookiePair:
    """One `name=value` of a Cookie header; `raw` is the segment as sent, white space included."""

    raw: bytes
    name: bytes
    value: bytes


def split_cookies(header: bytes) -> list[CookiePair]:
    """The pairs of a Cookie request header, in order. Joined by `;` the raws are the header again."""
    pairs = []
    for raw in header.split(b";"):
        name, equals, value = raw.partition(b"=")
        if not equals:
            name, value = b"", raw
        pairs.append(CookiePair(raw, name.strip(_WHITE), value.strip(_WHITE)))
    return pairs


def filter_cookies(header: bytes, keep: Callable[[bytes], bool]) -> bytes | None:
    """The header without the pairs whose name `keep` refuses; every byte of the others stays. None where none stay."""
    pairs = split_cookies(header)
    kept = [pair.raw for pair in pairs if keep(pair.name)]
    if len(kept) == len(pairs):
        return header
    return b";".join(kept).lstrip(_WHITE) or None

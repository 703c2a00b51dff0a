"""The cookie gates: what a visitor's browser may send to the site, and what the site may set. No I/O.

Our own two cookies never reach the site and the site never sets them. A known tracker's cookie needs consent in both
directions; removing one always passes. Every kept byte stays as it was (RFC 6265bis 5.6, 5.8).
"""

from __future__ import annotations

from policies.cookie import filter_cookies, parse_set_cookie
from policies.rules import OWN_COOKIES
from policies.verdict import Verdict
from proxy.exchange import Exchange
from proxy.headers import Fields

_OWN = frozenset(name.encode() for name in OWN_COOKIES)
_OWN_VERDICT = Verdict("strip", "our own consent cookie", OWN_COOKIES[0])


def request_cookies(fields: Fields, exchange: Exchange) -> None:
    """Cookies the visitor has not consented to, and our own, do not reach the site."""

    def keep(name: bytes) -> bool:
        if name in _OWN:
            return False
        verdict = exchange.rules.cookie(name.decode("utf-8", "replace"), exchange.consent)
        exchange.note("cookie_sent", verdict)
        return verdict.allowed

    fields.rewrite(b"cookie", lambda header: filter_cookies(header, keep))


def set_cookies(fields: Fields, exchange: Exchange) -> None:
    """A tracker's cookie is not set without consent; deletions pass, and so do unknown names by default."""

    def change(line: bytes) -> bytes | None:
        cookie = parse_set_cookie(line)
        if cookie is None:
            return line
        if cookie.name in _OWN:
            exchange.note("cookie_set", _OWN_VERDICT)
            return None
        verdict = exchange.rules.cookie(cookie.name.decode("utf-8", "replace"), exchange.consent)
        if not verdict.known:
            exchange.unknown("cookie", cookie.name.decode("utf-8", "replace"))
        if cookie.deletes(exchange.now):
            return line
        exchange.note("cookie_set", verdict)
        return line if verdict.allowed else None

    fields.rewrite(b"set-cookie", change)

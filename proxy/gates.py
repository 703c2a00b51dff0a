"""The header gates, in the order they are passed. No I/O.

Each gate changes the fields in place and notes what it took off. `GATES` is the whole list; a gate is switched off
by name, which the proof uses to see that it can fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal
from urllib.parse import urlsplit

from policies.embeds import resolve
from policies.purpose import Purpose
from policies.rules import Rules
from policies.verdict import Request, Verdict
from proxy import csp
from proxy.cookies import request_cookies, set_cookies
from proxy.exchange import Exchange
from proxy.headers import Fields, elements
from proxy.signals import heard

_LINK = re.compile(rb'[ \t]*(<[^>]*>(?:[^,"]|"(?:[^"\\]|\\.)*")*)(?:,|$)')
_LINK_TARGET = re.compile(rb"<([^>]*)>")
_PARAMETER = re.compile(rb';[ \t]*([\w*-]+)[ \t]*(?:=[ \t]*("(?:[^"\\]|\\.)*"|[^;,]*))?')
_LOADING = frozenset(
    {b"preload", b"prefetch", b"preconnect", b"dns-prefetch", b"modulepreload", b"stylesheet", b"prerender", b"icon"}
)
_AS_KIND = {
    b"script": "script", b"style": "style", b"image": "image", b"font": "font", b"fetch": "connect", b"audio": "media",
    b"video": "media", b"track": "media", b"document": "frame", b"iframe": "frame", b"worker": "worker",
}  # fmt: skip
_REFRESH = re.compile(rb"""^[\s\d.]*[;,\s]\s*(?:url\s*=\s*)?["']?([^"']+)""", re.IGNORECASE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ENDPOINT = re.compile(r'([a-z*][\w\-.*]*)\s*=\s*"([^"]*)"')

_ADVERTISING = frozenset(
    {
        b"attribution-reporting-register-source", b"attribution-reporting-register-trigger",
        b"attribution-reporting-register-os-source", b"attribution-reporting-register-os-trigger",
        b"observe-browsing-topics", b"ad-auction-signals", b"ad-auction-additional-bid",
        b"shared-storage-write",
    }
)  # fmt: skip
_STALE = frozenset(
    {b"last-modified", b"accept-ranges", b"digest", b"content-digest", b"repr-digest", b"content-md5",
     b"signature", b"signature-input"}
)  # fmt: skip
_FOR_CACHES = frozenset(
    {b"surrogate-control", b"cdn-cache-control", b"cloudflare-cdn-cache-control", b"vercel-cdn-cache-control",
     b"netlify-cdn-cache-control", b"edge-control", b"x-accel-expires", b"surrogate-key", b"expires", b"pragma"}
)  # fmt: skip
_DETOURS = frozenset({b"alt-svc"})
_NOT_THEIRS = frozenset({b"x-consent", b"proxy"})
_TOPICS = frozenset({b"sec-browsing-topics"})
_PARTIAL = frozenset({b"range", b"if-range", b"if-modified-since"})
_CONDITIONS = _PARTIAL | {b"if-none-match"}
_SURROGATE_KEY = frozenset({b"surrogate-key"})
_MARK = b"-smtk."
"""Between the site's own ETag and the variant of ours."""
VARY_PRIVATE = (b"Cookie", b"Sec-GPC", b"Accept-Encoding", b"Sec-Fetch-Dest")
"""Sec-Fetch-Dest: what a script or a prefetch got, without guard and banner, must not open as a page later."""
VARY_WORKER = (b"Cookie", b"Sec-GPC", b"Sec-Fetch-Dest")
VARY_SHARED = (b"Accept-Encoding", b"Accept-Language", b"Sec-Fetch-Dest")


@dataclass(frozen=True, slots=True)
class Gate:
    """`on`: requests, all responses, or only what is rendered (documents and workers). `fields`: the gate has nothing
    to do where none of these is there; empty: it always has."""

    name: str
    on: Literal["request", "response", "document"]
    apply: Callable[[Fields, Exchange], None]
    fields: frozenset[bytes] = frozenset()


def through(gates: Iterable[Gate], fields: Fields, exchange: Exchange) -> None:
    """Pass these gates."""
    names = fields.names
    for gate in gates:
        if not gate.fields or not gate.fields.isdisjoint(names):
            gate.apply(fields, exchange)


def own_headers(fields: Fields, exchange: Exchange) -> None:
    """A visitor cannot speak for his consent in our name; topics go only where marketing was granted."""
    fields.drop(_NOT_THEIRS)
    if _TOPICS & fields.names and not exchange.consent.allows(Purpose.MARKETING):
        fields.drop(_TOPICS)
    if exchange.consent_header:
        granted = sorted(exchange.consent.purposes)
        value = ", ".join(["necessary", *granted]) if exchange.consent.decided else "undecided"
        fields.add(b"X-Consent", value.encode())


def links(fields: Fields, exchange: Exchange) -> None:
    """`Link` and `Refresh` load like the markup of the same meaning (RFC 8288)."""

    def change(value: bytes) -> bytes | None:
        found = _LINK.findall(value)
        kept = [one for one in found if _link_passes(one, exchange)]
        if len(kept) == len(found):
            return value
        return b", ".join(one.strip() for one in kept) or None

    fields.rewrite(b"link", change)
    fields.rewrite(b"refresh", lambda value: value if _refresh_passes(value, exchange) else None)


def _link_passes(link: bytes, exchange: Exchange) -> bool:
    target = _LINK_TARGET.search(link)
    if target is None:
        return True
    parameters = {
        match[1].lower(): match[2].strip(b'" \t').lower() for match in _PARAMETER.finditer(link[target.end() :])
    }
    relations = set(parameters.get(b"rel", b"").split())
    if not relations & _LOADING:
        return True
    kind = "style" if b"stylesheet" in relations else _AS_KIND.get(parameters.get(b"as", b""), "hint")
    return _passes("link", target[1].decode("utf-8", "replace"), kind, exchange)


def _refresh_passes(value: bytes, exchange: Exchange) -> bool:
    match = _REFRESH.match(value)
    return match is None or _passes("refresh", match[1].decode("utf-8", "replace"), "document", exchange)


def _passes(what: str, url: str, kind: str, exchange: Exchange) -> bool:
    try:
        absolute = resolve(url, f"{exchange.origin}{exchange.path}")
        parts = urlsplit(absolute)
        host = parts.hostname
    except ValueError:
        return True
    if not host or parts.scheme not in {"http", "https", "ws", "wss"}:
        return True
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    request = Request(absolute, host, path, exchange.page_host, kind, exchange.path)
    rules, consent = exchange.rules, exchange.consent
    verdict = heard(rules.request(request, consent), consent, rules.signalling)
    exchange.note(what, verdict)
    return verdict.allowed


def speculation(fields: Fields, exchange: Exchange) -> None:
    """`Speculation-Rules` names files of rules; each is judged."""

    def change(value: bytes) -> bytes | None:
        urls = _STRING.findall(value.decode("utf-8", "replace"))
        kept = [url for url in urls if _passes("speculation", url, "hint", exchange)]
        if len(kept) == len(urls):
            return value
        return ", ".join(f'"{url}"' for url in kept).encode() or None

    fields.rewrite(b"speculation-rules", change)


def reporting(fields: Fields, exchange: Exchange) -> None:
    """`Report-To`, `Reporting-Endpoints` and `NEL` make browsers tell third parties about visits."""

    def endpoints(value: bytes) -> bytes | None:
        found = _ENDPOINT.findall(value.decode("utf-8", "replace"))
        kept = [(name, url) for name, url in found if _passes("reporting", url, "connect", exchange)]
        if len(kept) == len(found):
            return value
        return ", ".join(f'{name}="{url}"' for name, url in kept).encode() or None

    def groups(value: bytes) -> bytes | None:
        try:
            found = json.loads(b"[" + value + b"]")
            kept = [group for group in found if all(
                _passes("reporting", str(point["url"]), "connect", exchange) for point in group["endpoints"]
            )]  # fmt: skip
        except (ValueError, TypeError, KeyError):
            return value
        if len(kept) == len(found):
            return value
        return ", ".join(json.dumps(group) for group in kept).encode() or None

    fields.rewrite(b"reporting-endpoints", endpoints)
    fields.rewrite(b"report-to", groups)
    if fields.get(b"report-to") is None and fields.get(b"reporting-endpoints") is None:
        fields.drop(frozenset({b"nel"}))


def advertising(fields: Fields, exchange: Exchange) -> None:
    """Attribution and Topics are advertising by the browser itself: marketing."""
    if exchange.consent.allows(Purpose.MARKETING):
        return
    for key in sorted(fields.names & _ADVERTISING):
        name = key.decode()
        because = f"{name} is advertising by the browser; needs consent to marketing: not given"
        exchange.note("advertising", Verdict("strip", because, name, None, Purpose.MARKETING))
    fields.drop(_ADVERTISING)


def detours(fields: Fields, exchange: Exchange) -> None:
    """`Alt-Svc` would send visitors around the proxy (RFC 7838)."""
    fields.drop(_DETOURS)


def policy(fields: Fields, exchange: Exchange) -> None:
    """The site's policies admit our files; ours follows as one more header."""
    for name in (b"content-security-policy", b"content-security-policy-report-only"):
        values = [value.decode("latin-1") for value in fields.all(name)]
        if not values:
            continue
        admitted = csp.admit(values, exchange.origin, exchange.script_hashes, nonce=exchange.nonce)
        exchange.nonce = admitted.nonce
        if admitted.values != tuple(values):
            changed = iter([value.encode("latin-1") for value in admitted.values])
            fields.rewrite(name, partial(_next, changed))
    exempt = exchange.exempt
    ours = exchange.own_csp(exchange.consent, _may_open(exchange), exempt, exchange.page_host)
    if ours:
        ours = csp.admit_frames(ours, content_hosts(exchange.rules))
        name = b"Content-Security-Policy" if exchange.csp_enforced else b"Content-Security-Policy-Report-Only"
        fields.add(name, ours.encode("latin-1"))
        fields.add(b"Reporting-Endpoints", f'{csp.REPORT_GROUP}="{csp.REPORT_PATH}"'.encode())


def _may_open(exchange: Exchange) -> bool:
    """Does our policy name the hosts that an accept could open? Not to a worker of an undecided visitor: there is no
    guard in it to hold what it asks for, and it may start again on the next page."""
    if exchange.csp_undecided == "strict":
        return False
    return exchange.render == "shared" or not (exchange.consent.decided or exchange.role == "worker")


def _next(changed: Iterator[bytes], _: bytes) -> bytes:
    return next(changed)


@lru_cache(maxsize=32)
def content_hosts(rules: Rules) -> tuple[str, ...]:
    """Hosts whose frames get a placeholder on this site: those a scan has seen, and their vendors' others."""
    if rules.policy is None:
        return ()
    vendors = [file for vendor in rules.policy.vendors if (file := rules.catalogue.files.get(vendor.id)) is not None]
    offered = {host.match for file in vendors for host in file.host if host.placeholder}
    seen = {contact.host for contact in rules.policy.contacts if contact.placeholder}
    return tuple(sorted(seen | {name for host in offered for name in (host, f"*.{host}")}))


def caching(fields: Fields, exchange: Exchange) -> None:
    """A document made for one visitor is no other's: private, varying, with validators of its own."""
    if exchange.role == "worker":
        _worker(fields, exchange)
        return
    fields.drop(_STALE)
    vary = _varying(fields.joined(b"vary"), VARY_SHARED if exchange.render == "shared" else VARY_PRIVATE)
    if vary is not None:
        fields.set(b"Vary", vary)
    _validator(fields, exchange)
    if exchange.render == "shared":
        fields.drop(_SURROGATE_KEY)
        return
    fields.drop(_FOR_CACHES)
    fields.set(b"Cache-Control", _private(fields.joined(b"cache-control"), fresh=exchange.fresh))


def _worker(fields: Fields, exchange: Exchange) -> None:
    """A worker's script is the site's own, its policy is the visitor's: another choice asks for it again."""
    if exchange.render == "private":
        vary = _varying(fields.joined(b"vary"), VARY_WORKER)
        if vary is not None:
            fields.set(b"Vary", vary)
        fields.drop(_FOR_CACHES - _SURROGATE_KEY)
        fields.set(b"Cache-Control", _private(fields.joined(b"cache-control"), fresh=False))


@lru_cache(maxsize=256)
def _private(asked: bytes | None, *, fresh: bool) -> bytes:
    """Cache-Control for one visitor's browser alone."""
    kept = [part for part in elements(asked) if part != b"public"]
    kept = [part for part in kept if not part.startswith((b"s-maxage", b"private", b"stale-", b"immutable"))]
    if fresh:
        kept = [part for part in kept if not part.startswith(b"max-age")]
        if b"no-store" not in kept and b"no-cache" not in kept:
            kept.append(b"no-cache")
    return b", ".join([b"private", *kept])


@lru_cache(maxsize=256)
def _varying(asked: bytes | None, names: tuple[bytes, ...]) -> bytes | None:
    """Vary with these names, too; None where nothing is missing."""
    have = elements(asked)
    missing = [name for name in names if name.lower() not in have]
    return b", ".join(([asked] if asked else []) + missing) if missing and b"*" not in have else None


def _validator(fields: Fields, exchange: Exchange) -> None:
    tag = fields.get(b"etag")
    if tag is None:
        return
    if exchange.fresh:
        fields.drop(frozenset({b"etag"}))
    else:
        fields.set(b"ETag", variant_tag(tag, exchange.variant))


def variant_tag(tag: bytes, variant: str) -> bytes:
    """The site's ETag as a weak one of this variant."""
    return b'W/"' + tag.strip().removeprefix(b"W/").strip(b'"') + _MARK + variant.encode() + b'"'


def conditions(fields: Fields, exchange: Exchange) -> None:
    """A page that will be rewritten is asked for whole, and a validator of ours is turned into the site's again.

    Where it is not sure that a page is asked for (media players, older browsers, scripts), ranges and validators
    stay: a part of a document is asked for again as a whole by `forward`.

    Tags of another variant are taken off, so the site never confirms what another consent has made.
    """
    navigates = exchange.navigates
    if navigates:
        fields.drop(_PARTIAL)
    suffix = _MARK + exchange.variant.encode() + b'"'

    def change(value: bytes) -> bytes | None:
        kept: list[bytes] = []
        for tag in value.split(b","):
            bare = tag.strip(b" \t")
            if bare.endswith(suffix):
                if not exchange.fresh:
                    theirs = bare[: -len(suffix)] + b'"'
                    kept += [theirs, theirs.removeprefix(b"W/")]
            elif not navigates and _MARK not in bare:
                kept.append(bare)
        return b", ".join(kept) or None

    fields.rewrite(b"if-none-match", change)


GATES: tuple[Gate, ...] = (
    Gate("request-cookies", "request", request_cookies, frozenset({b"cookie"})),
    Gate("own-headers", "request", own_headers),
    Gate("conditions", "request", conditions, _CONDITIONS),
    Gate("set-cookies", "response", set_cookies, frozenset({b"set-cookie"})),
    Gate("links", "response", links, frozenset({b"link", b"refresh"})),
    Gate("speculation", "response", speculation, frozenset({b"speculation-rules"})),
    Gate("reporting", "response", reporting, frozenset({b"reporting-endpoints", b"report-to", b"nel"})),
    Gate("advertising", "response", advertising, _ADVERTISING),
    Gate("detours", "response", detours, _DETOURS),
    Gate("csp", "document", policy),
    Gate("caching", "document", caching),
)

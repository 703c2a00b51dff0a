"""What an answer says that a browser does not show: its header fields, and what it repeats of what was sent.

Reporting works over TLS alone, attribution and prefetching inside the browser, caches elsewhere: nothing of it is seen
on a page. So each page is asked for once more without a browser, with tracker cookies planted whose values are made up
for this one request: where the answer repeats one, the site has received it. Fields are read here without the proxy's
own code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from policies.purpose import ACCEPT, Consent, Purpose
from policies.rules import OWN_COOKIES, Rules
from policies.verdict import Request, Verdict
from scanner.fetch import Fetched, Fetcher, Hop, Terms
from scanner.leaks import Leak

TRACKER_COOKIES = ("_ga", "_fbp", "_gid", "_hjSessionUser_1", "_pk_id.1.0000")
"""Planted where the site itself sets no tracker's cookie."""
MOST_PLANTED = 8
TOPICS = "Sec-Browsing-Topics"
OUR_FIELD = "X-Consent"
"""In which the proxy tells the site what was granted: a visitor's own must not arrive."""
_NAVIGATION = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
_NEUTRALISED = b"data-samtykke="
"""Marks what the proxy holds back."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_TARGET = re.compile(r'<([^>]*)>((?:[^,"]|"[^"]*")*)')
_CONNECTING = re.compile(r"rel\s*=\s*\"?[^\";]*\b(?:preconnect|dns-prefetch)\b", re.I)
"""What is loaded by `Link` is seen on the page, and held there by its policy; a mere connection is not."""
_REFRESH = re.compile(r"url\s*=\s*[\"']?([^\"'\s;]+)", re.I)
_ELSEWHERE = re.compile(r'"([^":]*):(\d+)"')
_ADVERTISING = ("attribution-reporting-", "observe-browsing-topics", "ad-auction-", "shared-storage-write")


@dataclass(frozen=True, slots=True)
class Planted:
    """What one request carries beside the visitor's choice: (name, value) of cookies and of header fields."""

    cookies: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and the status of the same page when a copy from before the proxy is asked about."""

    url: str
    status: int
    fields: tuple[tuple[str, str], ...]
    """Names in lower case; repeated fields stand one after the other."""
    body: bytes = field(repr=False)
    confirmed: int | None = None
    neutralised: int = 0
    """How many elements of the document are held back."""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


def plant(names: Iterable[str], rules: Rules, consent: Consent, secret: str) -> Planted:
    """Cookies that may not reach the site under this consent; values follow from `secret`, which nobody else uses."""
    made = hashlib.sha256(secret.encode()).hexdigest()
    refused = [
        name
        for name in dict.fromkeys([*names, *TRACKER_COOKIES])
        if name not in OWN_COOKIES and not rules.cookie(name, consent).allowed
    ]
    cookies = tuple((name, f"{made[:16]}.{number}") for number, name in enumerate(refused[:MOST_PLANTED], start=1))
    fields = [OUR_FIELD] if consent.allows(Purpose.MARKETING) else [OUR_FIELD, TOPICS]
    return Planted(cookies, tuple((name, f"{made[16:32]}.{number}") for number, name in enumerate(fields)))


async def ask(
    url: str, fetcher: Fetcher, terms: Terms, *, carrying: Iterable[tuple[str, str]], planted: Planted, gpc: bool
) -> Answer | None:
    """One GET of a page, as a visitor who has all of this; None where there is no answer."""
    pairs = "; ".join(f"{name}={value}" for name, value in (*carrying, *planted.cookies)).encode("latin-1", "replace")
    fields = _NAVIGATION | dict(planted.fields) | ({"Sec-GPC": "1"} if gpc else {})
    once = Terms(terms.seconds, terms.size, 0)
    found = await fetcher.get(url, once, cookies=lambda _: pairs, fields=fields)
    if found.last is None:
        return None
    since = {"If-Modified-Since": found.last.headers.get("Date", "Fri, 01 Jan 2100 00:00:00 GMT")}
    again = await fetcher.get(url, once, cookies=lambda _: pairs, fields=fields | since)
    return _answer(found, found.last, again.last.status if again.last else None)


def _answer(found: Fetched, hop: Hop, confirmed: int | None) -> Answer:
    fields = tuple((name.lower(), value) for name, value in hop.headers.items())
    lines = tuple(("set-cookie", line.decode("latin-1")) for line in hop.set_cookie)
    rest = (pair for pair in fields if pair[0] != "set-cookie")
    return Answer(hop.url, hop.status, (*rest, *lines), found.body, confirmed, found.body.count(_NEUTRALISED))


_WHY_NOT = {
    TOPICS: "topics are advertising by the browser; needs consent to marketing: not given",
    OUR_FIELD: "a visitor's own word in it must not stand for his consent",
}

Check = Callable[[Answer, Rules, Consent, Planted], Iterator[Leak]]


def _addresses(answer: Answer, rules: Rules, consent: Consent, _: Planted) -> Iterator[Leak]:
    """Fields that make a browser contact somebody."""
    for name, kind, address in _contacted(answer):
        verdict = _judge(address, kind, answer.url, rules, consent)
        if verdict is not None and not verdict.allowed:
            yield Leak("request", urljoin(answer.url, address), verdict.because, f"by the field {name}")


def _contacted(answer: Answer) -> Iterator[tuple[str, str, str]]:
    """(field, kind of load, address)"""
    for value in answer.all("link"):
        for target, parameters in _TARGET.findall(value):
            if _CONNECTING.search(parameters):
                yield "Link", "hint", target
    for value in answer.all("refresh"):
        for target in _REFRESH.findall(value):
            yield "Refresh", "document", target
    for value in answer.all("speculation-rules"):
        for target in _QUOTED.findall(value):
            yield "Speculation-Rules", "hint", target
    for value in answer.all("reporting-endpoints"):
        for target in _QUOTED.findall(value):
            yield "Reporting-Endpoints", "connect", target
    for value in answer.all("report-to"):
        for target in _endpoints(value):
            yield "Report-To", "connect", target


def _endpoints(value: str) -> Iterator[str]:
    try:
        groups = json.loads(f"[{value}]")
    except ValueError:
        return
    for group in groups:
        points = group.get("endpoints") if isinstance(group, dict) else None
        for point in points if isinstance(points, list) else ():
            if isinstance(point, dict) and isinstance(point.get("url"), str):
                yield point["url"]


def _judge(address: str, kind: str, page: str, rules: Rules, consent: Consent) -> Verdict | None:
    try:
        whole = urljoin(page, address.strip())
        parts, host = urlsplit(whole), urlsplit(page).hostname or ""
        name = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not name:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return rules.request(Request(whole, name, path, host, kind, urlsplit(page).path or "/"), consent)


def _advertising(answer: Answer, rules: Rules, consent: Consent, _: Planted) -> Iterator[Leak]:
    """Attribution, Topics and their like are done by the browser, out of anybody's sight."""
    if not consent.allows(Purpose.MARKETING):
        for name in sorted({name for name, _ in answer.fields if name.startswith(_ADVERTISING)}):
            yield Leak("technique", name, "advertising by the browser itself; needs consent to marketing: not given")


def _detours(answer: Answer, rules: Rules, consent: Consent, _: Planted) -> Iterator[Leak]:
    """`Alt-Svc` to another host or port: the next visit would not pass the proxy (RFC 7838)."""
    page = urlsplit(answer.url)
    here = page.port or (443 if page.scheme == "https" else 80)
    for value in answer.all("alt-svc"):
        for host, port in _ELSEWHERE.findall(value):
            if consent != ACCEPT and (host not in ("", page.hostname) or int(port) not in (here, 443)):
                yield Leak("technique", "alt-svc", f"sends browsers to {host or page.hostname}:{port}, past the proxy")


def _repeated(answer: Answer, rules: Rules, consent: Consent, planted: Planted) -> Iterator[Leak]:
    """What was planted and comes back has been to the site."""
    heard = answer.body + "\n".join(value for _, value in answer.fields).encode("utf-8", "surrogateescape")
    for name, value in planted.cookies:
        if value.encode() in heard:
            verdict = rules.cookie(name, consent)
            yield Leak("cookie_sent", name, f"the site's answer repeats its value; {verdict.because}")
    for name, value in planted.fields:
        if value.encode() in heard:
            yield Leak("technique", name.lower(), f"the site's answer repeats it; {_WHY_NOT[name]}")


def _revived(answer: Answer, rules: Rules, consent: Consent, _: Planted) -> Iterator[Leak]:
    if answer.confirmed == 304 and consent != ACCEPT:
        yield Leak(
            "technique", "if-modified-since", "a copy from before the proxy, with everything in it, is confirmed"
        )


CHECKS: tuple[Check, ...] = (_addresses, _advertising, _detours, _repeated, _revived)


def leaks_on_the_wire(answer: Answer, rules: Rules, consent: Consent, planted: Planted) -> set[Leak]:
    """Everything that the fields of one answer give away under this consent."""
    return {leak for check in CHECKS for leak in check(answer, rules, consent, planted)}


def passed_on(granted: Answer, undecided: Answer) -> Leak | None:
    """May a shared cache give a page that was made for somebody's consent to somebody who gave none (RFC 9111 3)?"""
    if _shareable(granted) and granted.neutralised < undecided.neutralised:
        return Leak("technique", "cache-control", "a shared cache may give this page to visitors who have not agreed")
    return None


def _shareable(answer: Answer) -> bool:
    control = ", ".join(answer.all("cache-control")).lower()
    directives = {part.strip().partition("=")[0] for part in control.split(",")}
    vary = {part.strip().lower() for part in ", ".join(answer.all("vary")).split(",")}
    fresh = directives & {"public", "s-maxage", "max-age"} or answer.all("expires") or answer.all("last-modified")
    return bool(fresh) and not directives & {"private", "no-store"} and not vary & {"cookie", "*"}

"""Look at a page without a browser: its Set-Cookie lines, and what its HTML would contact.

Cookies that answers set are *stored* or *blocked*; cookies that the catalogue expects of the scripts and pixels in
the HTML are *expected*, never more. Requests in the result are those that the HTML asks for; none is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from policies.catalogue import Catalogue, Match
from policies.catalogue.names import compile_glob
from policies.catalogue.schema import SESSION
from policies.lifetime import effective
from policies.observation import Frame, ObservedCookie, ObservedRequest, PageVisit, PolicyLink, Setter
from policies.party import registrable_domain, same_site
from scanner.elements import Page, decode, read_page
from scanner.fetch import Fetched, Fetcher, Hop, Terms, date_of, retry_after
from scanner.jar import Jar
from scanner.policy_links import likeliest
from scanner.settings import ScanSettings
from scanner.visit import PageSeen, Seen, for_the_moment

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w:.-]+)", re.IGNORECASE)
_NOT_PAGES = ("image/", "audio/", "video/", "font/", "application/pdf", "application/octet-stream", "application/zip")


class StaticVisitor:
    """Visits with aiohttp. `cookie` is sent to the start page's host with every page: the visitor's consent."""

    def __init__(
        self,
        settings: ScanSettings,
        catalogue: Catalogue,
        fetcher: Fetcher,
        *,
        now: Callable[[], datetime],
        cookie: bytes | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._fetcher = fetcher
        self._now = now
        self._own = urlsplit(settings.url).hostname or ""
        self._cookie = cookie
        self._terms = Terms(settings.page_seconds, settings.page_bytes, settings.max_redirects, wanted=_may_be_page)

    async def close(self) -> None:
        """Nothing of its own: the fetcher is the caller's."""

    async def visit(self, url: str) -> Seen:
        jar = Jar(urlsplit(url).hostname or "")

        def on_hop(hop: Hop) -> None:
            now = date_of(hop) or self._now().timestamp()
            for line in hop.set_cookie:
                jar.feed(line, hop.url, now)

        def cookies(target: str) -> bytes | None:
            mine = self._cookie if urlsplit(target).hostname == self._own else None
            return b"; ".join(filter(None, (mine, jar.header(target)))) or None

        fetched = await self._fetcher.get(url, self._terms, on_hop=on_hop, cookies=cookies)
        return seen_of(url, fetched, jar, self._catalogue)


def _may_be_page(content_type: str) -> bool:
    return not content_type.lower().startswith(_NOT_PAGES)


def seen_of(url: str, fetched: Fetched, jar: Jar, catalogue: Catalogue) -> Seen:
    """Put together what one fetch showed. Pure."""
    last = fetched.last
    final = last.url if last else None
    markup = Page()
    content_type = last.headers.get("Content-Type", "") if last else ""
    if fetched.body and final and _is_markup(content_type, fetched.body):
        charset = _CHARSET.search(content_type)
        markup = read_page(decode(fetched.body, charset[1] if charset else None), final)
    error = fetched.error
    if error is None and not _may_be_page(content_type):
        error = f"no page but {content_type.partition(';')[0].strip()}"
    page = PageVisit(
        url=url,
        final_url=final,
        status=last.status if last else None,
        error=error,
        redirects=tuple(hop.url for hop in fetched.hops[:-1]),
        title=markup.title,
    )
    requests = _requests(markup, final or url)
    kept = tuple(cookie.model_copy(update={"pages": (url,)}) for cookie in jar.cookies())
    result = PageSeen(
        page=page,
        cookies=(*kept, *_expected(markup, requests, kept, url, final or url, catalogue)),
        requests=requests,
        policy_links=likeliest(PolicyLink(url=link) for link in markup.links),
    )
    return Seen(
        result,
        links=tuple(markup.links),
        canonical=markup.canonical,
        retry_after=retry_after(last) if last else None,
        for_the_moment=for_the_moment(page),
    )


def _is_markup(content_type: str, body: bytes) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        return True
    return kind in ("", "text/plain", "application/xml", "text/xml") and b"<html" in body[:1_024].lower()


def _requests(markup: Page, page: str) -> tuple[ObservedRequest, ...]:
    host = urlsplit(page).hostname or ""
    return tuple(
        ObservedRequest(
            url=contact.url,
            page=page,
            type=contact.kind,
            third_party=not same_site(urlsplit(contact.url).hostname or "", host),
            initiator=(Frame(url=page, line=contact.line),),
        )
        for contact in dict.fromkeys(markup.contacts)
    )


def _expected(
    markup: Page,
    requests: tuple[ObservedRequest, ...],
    kept: tuple[ObservedCookie, ...],
    page: str,
    final: str,
    catalogue: Catalogue,
) -> tuple[ObservedCookie, ...]:
    """The cookies of every vendor whose script, pixel, frame or snippet the page holds."""
    found: dict[str, tuple[Match, str, int]] = {}
    for request in requests:
        parts = urlsplit(request.url)
        match = catalogue.match_host(parts.hostname or "", parts.path or "/")
        if match is None and (own := catalogue.match_path(parts.path)) and not _own_software(catalogue, own):
            match = own
        if match:
            found.setdefault(match.vendor, (match, request.url, request.initiator[0].line))
    for inline in markup.inlines:
        if match := catalogue.match_inline(inline.text):
            found.setdefault(match.vendor, (match, final, inline.line))
    names = [cookie.name for cookie in kept if cookie.state == "stored"]
    expected = []
    for vendor, (match, script, line) in sorted(found.items()):
        for entry in catalogue.files[vendor].cookie:
            if any(compile_glob(entry.name).fullmatch(name) for name in names):
                continue
            lifetime = None if entry.lifetime == SESSION else entry.lifetime
            expected.append(
                ObservedCookie(
                    name=entry.name,
                    domain=registrable_domain(urlsplit(final).hostname or ""),
                    session=entry.lifetime == SESSION,
                    http_only=entry.http_only,
                    declared_lifetime=lifetime,
                    effective_lifetime=effective(lifetime),
                    state="expected",
                    set_by=(Setter(kind="js", url=script, stack=(Frame(url=final, line=line),)),),
                    vendor=vendor,
                    purpose=entry.purpose or match.purpose,
                    because=f"expected, not observed: {match.because}",
                    pages=(page,),
                )
            )
    return tuple(expected)


def _own_software(catalogue: Catalogue, match: Match) -> bool:
    return catalogue.vendors[match.vendor].operator_hosted

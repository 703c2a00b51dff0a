"""Fetch over HTTP with aiohttp, one hop at a time. Every address is checked before anything connects to it.

Bounded in every direction, since strangers answer: redirects, seconds for the whole of it, and bytes after undoing
compression. What goes wrong is a sentence in the answer, never an exception.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from runtime.resolve import AddressRefusedError, LocalhostResolver
from scanner.addresses import Addresses
from scanner.settings import ScanSettings

_CHUNK = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9,nb;q=0.8",
    "Accept-Encoding": "gzip, deflate",
    "Upgrade-Insecure-Requests": "1",
}

CookieHeader = Callable[[str], bytes | None]
"""Gives the Cookie header for a URL."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer on the way. `set_cookie` are the raw values, in order."""

    url: str
    status: int
    headers: Mapping[str, str]
    set_cookie: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. `error` is None where the last hop was read to its end, or to the limit (`cut`)."""

    hops: tuple[Hop, ...] = ()
    body: bytes = b""
    cut: bool = False
    error: str | None = None

    @property
    def last(self) -> Hop | None:
        return self.hops[-1] if self.hops else None

    def __repr__(self) -> str:
        outcome = self.error or (self.last.status if self.last else "nothing")
        return f"<Fetched {self.hops[0].url if self.hops else '?'}: {outcome}, {len(self.body)} bytes>"


@dataclass(frozen=True, slots=True)
class Terms:
    """What one fetch may cost. `wanted` decides by the content type whether a body is read at all."""

    seconds: float = 30.0
    size: int = 5_000_000
    redirects: int = 10
    wanted: Callable[[str], bool] = field(default=lambda content_type: True)


class Fetcher:
    """An HTTP client for one scan. Use as an async context manager, or close it."""

    def __init__(self, settings: ScanSettings, addresses: Addresses, resolver: AbstractResolver) -> None:
        self._addresses = addresses
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=LocalhostResolver(resolver, guard=addresses.refusal),
                limit=settings.concurrency * 4,
                limit_per_host=settings.concurrency * 2,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": settings.user_agent, **_HEADERS, **dict(settings.headers)},
            max_line_size=65_536,
            max_field_size=65_536,
        )

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    async def get(
        self,
        url: str,
        terms: Terms,
        *,
        on_hop: Callable[[Hop], None] = lambda hop: None,
        cookies: CookieHeader | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Fetched:
        """GET with redirects. `on_hop` sees each answer before the next request asks `cookies` for its header.

        `fields` are further header fields of every request.
        """
        hops: list[Hop] = []

        async def follow() -> Fetched:
            at = url
            while True:
                hop, body, cut = await self._one(at, terms, on_hop, cookies, fields)
                hops.append(hop)
                target = _target(hop)
                if target is None:
                    return Fetched(tuple(hops), body, cut)
                if len(hops) > terms.redirects:
                    return Fetched(tuple(hops), error=f"more than {terms.redirects} redirects")
                at = target

        try:
            return await asyncio.wait_for(follow(), terms.seconds)
        except TimeoutError:
            return Fetched(tuple(hops), error=f"timed out: no whole answer within {terms.seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
            return Fetched(tuple(hops), error=reason_of(error))

    async def _one(
        self,
        url: str,
        terms: Terms,
        on_hop: Callable[[Hop], None],
        cookies: CookieHeader | None,
        fields: Mapping[str, str] | None,
    ) -> tuple[Hop, bytes, bool]:
        if refusal := self._addresses.refusal_of_url(url):
            raise AddressRefusedError(refusal)
        header = cookies(url) if cookies else None
        extra = dict(fields or {}) | ({"Cookie": header.decode("latin-1")} if header else {})
        async with self._session.get(URL(url, encoded=True), headers=extra, allow_redirects=False) as answer:
            lines = tuple(value for name, value in answer.raw_headers if name.lower() == b"set-cookie")
            hop = Hop(url, answer.status, answer.headers, lines)
            on_hop(hop)
            if _target(hop) is not None or not terms.wanted(answer.headers.get("Content-Type", "")):
                answer.close()
                return hop, b"", False
            body = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) >= terms.size:
                    answer.close()
                    return hop, bytes(body[: terms.size]), True
            return hop, bytes(body), False

    async def post(self, url: str, form: list[tuple[str, str]], terms: Terms, cookies: bytes | None = None) -> Fetched:
        """POST a form and read the answer, without following redirects. Asks for JSON."""
        if refusal := self._addresses.refusal_of_url(url):
            return Fetched(error=refusal)
        origin = str(URL(url).origin())
        headers = {"Accept": "application/json", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        if cookies:
            headers["Cookie"] = cookies.decode("latin-1")
        timeout = aiohttp.ClientTimeout(total=terms.seconds)
        try:
            async with self._session.post(
                url, data=form, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                lines = tuple(value for name, value in answer.raw_headers if name.lower() == b"set-cookie")
                body = await answer.content.read(terms.size)
                return Fetched((Hop(url, answer.status, answer.headers, lines),), body)
        except TimeoutError:
            return Fetched(error=f"timed out: no whole answer within {terms.seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Fetched(error=reason_of(error))


def _target(hop: Hop) -> str | None:
    """Where this answer redirects to; a target that is no web address is no redirect, as for a browser's visitor."""
    location = hop.headers.get("Location", "")
    if hop.status not in _REDIRECTS or not location:
        return None
    target = urljoin(hop.url, location.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip())
    return target.partition("#")[0] if target.lower().startswith(("http://", "https://")) else None


def reason_of(error: BaseException) -> str:
    """A sentence for a person, without addresses of memory or class names."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, AddressRefusedError):
            return f"refused: {inner}"
        if isinstance(inner, ssl.SSLCertVerificationError) and not isinstance(inner, aiohttp.ClientError):
            return f"TLS: certificate not accepted ({getattr(inner, 'verify_message', '') or inner})"
        inner = getattr(inner, "certificate_error", None) or inner.__cause__ or inner.__context__
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "name not found (DNS)"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return f"TLS: {getattr(error, 'reason', None) or 'handshake failed'}"
        case aiohttp.ClientConnectorError():
            return f"connection failed: {error.os_error.strerror or error.os_error}"
        case aiohttp.ServerDisconnectedError():
            return "disconnected before an answer"
        case aiohttp.ClientPayloadError():
            return "connection ended in the middle of the answer, or its encoding is broken"
        case aiohttp.InvalidURL():
            return "no valid address"
        case aiohttp.ClientResponseError():
            return f"no valid HTTP answer: {' '.join(error.message.split())[:120]}"
    return f"{type(error).__name__}: {error}"


def date_of(hop: Hop) -> float | None:
    """The server's own clock (UTC epoch seconds), where it tells."""
    try:
        found = parsedate_to_datetime(hop.headers.get("Date", ""))
    except (ValueError, TypeError, IndexError):
        return None
    return found.timestamp() if isinstance(found, datetime) else None


def retry_after(hop: Hop, limit: float = 30.0) -> float | None:
    """Seconds a 429 or 503 asks us to wait, at most `limit`; None where it does not say in seconds."""
    text = hop.headers.get("Retry-After", "").strip()
    return min(float(text), limit) if text.isdigit() and hop.status in (429, 503) else None

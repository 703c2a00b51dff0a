"""What a browser would keep of the Set-Cookie lines of one visit (RFC 6265bis 5.7). No I/O, the caller passes now.

Without a browser there is nobody to ask why a cookie was refused, so the RFC's reasons stand in Chromium's words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policies.cookie import Place, SetCookie, domain_matches, parse_set_cookie, path_matches, place
from policies.lifetime import effective
from policies.observation import ObservedCookie, Setter
from policies.party import same_site
from runtime.resolve import address_of, is_localhost_name, is_loopback

REASONS = {
    "same_site_none_insecure": "SameSiteNoneInsecure",
    "domain_mismatch": "InvalidDomain",
    "public_suffix": "InvalidDomain",
    "insecure": "SecureOnly",
    "prefix_host": "InvalidPrefix",
    "prefix_secure": "InvalidPrefix",
}
"""The RFC's reasons to refuse, in the words of Chromium's blockedReasons."""


@dataclass(slots=True)
class _Kept:
    cookie: ObservedCookie
    value: bytes


@dataclass(slots=True)
class Jar:
    """Fed one answer at a time, in order. `site` is the host of the page being visited."""

    site: str
    _kept: dict[tuple[bytes, str, str], _Kept] = field(default_factory=dict)
    _gone: list[ObservedCookie] = field(default_factory=list)

    def feed(self, line: bytes, url: str, now: float) -> None:
        """One Set-Cookie value of the answer from `url`, received at `now` (UTC epoch seconds)."""
        asked = parse_set_cookie(line)
        if asked is None:
            return
        parts = urlsplit(url)
        host = parts.hostname or ""
        where = place(asked, host=host, request_path=parts.path or "/", secure=_trustworthy(parts.scheme, host))
        if isinstance(where, Place):
            self._store(asked, where, url, now)
        else:
            at = Place(asked.domain or host, asked.domain is None, asked.path or "/")
            self._refuse(asked, at, url, now, REASONS[where])

    def _refuse(self, asked: SetCookie, at: Place, url: str, now: float, reason: str) -> None:
        if not asked.deletes(now):
            seen = self._observed(asked, at, url, now)
            self._gone.append(seen.model_copy(update={"state": "blocked", "blocked_reasons": (reason,)}))

    def _store(self, asked: SetCookie, at: Place, url: str, now: float) -> None:
        key = (asked.name, at.domain, at.path)
        before = self._kept.pop(key, None)
        if asked.deletes(now):
            if before:
                self._gone.append(before.cookie.model_copy(update={"state": "deleted"}))
            return
        seen = self._observed(asked, at, url, now)
        if before and before.cookie.declared_lifetime != seen.declared_lifetime:
            self._gone.append(before.cookie.model_copy(update={"state": "overwritten"}))
        elif before:
            seen = seen.model_copy(update={"set_by": tuple(dict.fromkeys((*before.cookie.set_by, *seen.set_by)))})
        self._kept[key] = _Kept(seen, asked.value)

    def _observed(self, asked: SetCookie, at: Place, url: str, now: float) -> ObservedCookie:
        lifetime = asked.lifetime(now)
        if lifetime is not None and asked.max_age is None:
            lifetime = whole_minute(lifetime)
        return ObservedCookie(
            name=asked.name.decode("utf-8", "replace"),
            domain=at.domain,
            path=at.path,
            host_only=at.host_only,
            secure=asked.secure,
            http_only=asked.http_only,
            same_site=asked.same_site,
            partitioned=asked.partitioned,
            first_party=same_site(at.domain, self.site),
            session=lifetime is None,
            declared_lifetime=lifetime,
            effective_lifetime=effective(lifetime),
            set_by=(Setter(kind="http", url=url),),
        )

    def header(self, url: str) -> bytes | None:
        """The Cookie header for a request to `url`; None where no cookie goes along."""
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path or "/"
        pairs = [
            name + b"=" + kept.value if name else kept.value
            for (name, domain, at), kept in self._kept.items()
            if (host == domain if kept.cookie.host_only else domain_matches(host, domain))
            and path_matches(path, at)
            and (not kept.cookie.secure or _trustworthy(parts.scheme, host))
        ]
        return b"; ".join(pairs) or None

    def cookies(self) -> tuple[ObservedCookie, ...]:
        """Everything seen so far: what is kept, then what was refused, deleted or overwritten."""
        return (*(kept.cookie for kept in self._kept.values()), *self._gone)


def whole_minute(seconds: int) -> int:
    """Dates are whole seconds, read a moment later: what falls just short of a minute was meant as one."""
    short = -seconds % 60
    return seconds + short if seconds >= 60 and short <= 2 else seconds


def _trustworthy(scheme: str, host: str) -> bool:
    if scheme == "https" or is_localhost_name(host):
        return True
    address = address_of(host)
    return address is not None and is_loopback(address)

"""Many pages to one Scan: the same whatever the order in which they came. Pure.

Things are one where the contract's "same inventory" says so: a cookie by name, domain, path, state and the lifetime
asked for; a key by kind, origin and key. Lifetimes that differ by no more than a clock does are one. A part of a name
or of a setter's query that is another one on each visit becomes `*` (`names`), and the name as seen stays beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from policies.observation import (
    BannerSeen,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    PageVisit,
    PolicyLink,
    Scan,
    Setter,
    Technique,
)
from scanner.names import Recurring, parameters, steady, steady_address
from scanner.policy_links import likeliest
from scanner.visit import PageSeen

SLACK = 0.001
"""Lifetimes within this share of each other (or 2 s) are one: a fixed date read on two pages of one scan."""


class Union:
    """Fed page by page; memory grows with what was found, not with how often."""

    def __init__(self) -> None:
        self._pages: list[PageVisit] = []
        self._recurring = Recurring()
        self._cookies: dict[tuple[object, ...], ObservedCookie] = {}
        self._storage: dict[tuple[object, ...], ObservedKey] = {}
        self._requests: dict[tuple[object, ...], ObservedRequest] = {}
        self._techniques: set[Technique] = set()
        self._banners: set[BannerSeen] = set()
        self._policy_links: dict[PolicyLink, None] = {}

    def add(self, seen: PageSeen) -> None:
        self._pages.append(seen.page)
        for cookie in seen.cookies:
            self._recurring.add(_named(cookie), seen.page.url)
            self._heed(cookie.set_by, seen.page.url)
            place = (cookie.name, cookie.domain, cookie.path, cookie.state, cookie.declared_lifetime, cookie.session)
            before = self._cookies.get(place)
            self._cookies[place] = cookie if before is None else join_cookies(before, cookie)
        for key in seen.storage:
            self._recurring.add(_named(key), seen.page.url)
            self._heed(key.set_by, seen.page.url)
            at = (key.kind, key.origin, key.key)
            kept = self._storage.get(at)
            self._storage[at] = key if kept is None else join_keys(kept, key)
        for request in seen.requests:
            self._requests.setdefault(
                (request.page, request.url, request.type, request.redirected_from, request.blocked), request
            )
        self._techniques.update(seen.techniques)
        self._banners.update(seen.banners)
        self._policy_links.update((link, None) for link in seen.policy_links)

    def _heed(self, set_by: Iterable[Setter], visit: str) -> None:
        for setter in set_by:
            for parameter in parameters(setter.url):
                self._recurring.add(parameter, visit)

    def scan(self, site: str, started: str, mode: str, consent: str) -> Scan:
        """Everything as one scan; `started` is UTC, ISO 8601."""
        at = _seconds(started)
        return Scan(
            site=site,
            started=started,
            mode="static" if mode == "static" else "browser",
            consent=consent,
            pages=tuple(sorted(self._pages, key=lambda page: page.url)),
            cookies=tuple(sorted(one_lifetime(self._steady_cookies(at)), key=_cookie_order)),
            storage=tuple(sorted(self._steady_keys(at), key=lambda key: (key.origin, key.kind, key.key))),
            requests=tuple(self._requests[key] for key in sorted(self._requests, key=_text)),
            techniques=tuple(sorted(self._techniques, key=lambda t: (t.kind, t.script, t.page, t.detail))),
            banners=tuple(sorted(self._banners, key=lambda banner: (banner.page, banner.tool or "", banner.buttons))),
            policy_links=likeliest(self._policy_links),
        )

    def _steady_cookies(self, at: float | None) -> Iterable[ObservedCookie]:
        found: dict[tuple[object, ...], ObservedCookie] = {}
        for cookie in self._cookies.values():
            name = steady(cookie.name, stays=_named(cookie) in self._recurring, at=at)
            named = {"name": name, "example": cookie.name} if name != cookie.name else {}
            one = cookie.model_copy(update={"set_by": self._setters(cookie.set_by, at), **named})
            place = (name, one.domain, one.path, one.state, one.declared_lifetime, one.session)
            found[place] = join_cookies(found[place], one) if place in found else one
        return found.values()

    def _steady_keys(self, at: float | None) -> Iterable[ObservedKey]:
        found: dict[tuple[object, ...], ObservedKey] = {}
        for key in self._storage.values():
            name = steady(key.key, stays=_named(key) in self._recurring, at=at)
            named = {"key": name, "example": key.key} if name != key.key else {}
            one = key.model_copy(update={"set_by": self._setters(key.set_by, at), **named})
            place = (one.kind, one.origin, name)
            found[place] = join_keys(found[place], one) if place in found else one
        return found.values()

    def _setters(self, set_by: Iterable[Setter], at: float | None) -> tuple[Setter, ...]:
        stays = self._recurring.__contains__
        return setters(setter.model_copy(update={"url": steady_address(setter.url, stays, at)}) for setter in set_by)


def _named(thing: ObservedCookie | ObservedKey) -> tuple[str, ...]:
    if isinstance(thing, ObservedCookie):
        return ("cookie", thing.name, thing.domain, thing.path)
    return (thing.kind, thing.key, thing.origin)


def _seconds(started: str) -> float | None:
    """UTC epoch seconds; None for a text that is no time."""
    try:
        return datetime.fromisoformat(started).timestamp()
    except ValueError:
        return None


def join_cookies(one: ObservedCookie, other: ObservedCookie) -> ObservedCookie:
    """Two sightings of one cookie: setters, pages and reasons together; the rest as in the one that sorts first."""
    first, second = sorted((one, other), key=_sort_text)
    kept = [cookie.effective_lifetime for cookie in (first, second) if cookie.effective_lifetime is not None]
    return first.model_copy(
        update={
            "set_by": setters((*first.set_by, *second.set_by)),
            "pages": tuple(sorted({*first.pages, *second.pages})),
            "blocked_reasons": tuple(sorted({*first.blocked_reasons, *second.blocked_reasons})),
            "effective_lifetime": max(kept, default=None),
        }
    )


def join_keys(one: ObservedKey, other: ObservedKey) -> ObservedKey:
    """Two sightings of one storage key: setters and pages together."""
    first, second = sorted((one, other), key=_sort_text)
    found = {
        "set_by": setters((*first.set_by, *second.set_by)),
        "pages": tuple(sorted({*first.pages, *second.pages})),
    }
    return first.model_copy(update=found)


def _sort_text(thing: ObservedCookie | ObservedKey) -> str:
    return thing.model_dump_json(exclude={"set_by", "pages", "example"})


def setters(found: Iterable[Setter]) -> tuple[Setter, ...]:
    """Each (kind, url) once, with the stack that sorts first, in order."""
    kept: dict[tuple[str, str], Setter] = {}
    for setter in sorted(found, key=lambda setter: setter.model_dump_json()):
        kept.setdefault((setter.kind, setter.url), setter)
    return tuple(kept[place] for place in sorted(kept))


def one_lifetime(cookies: Iterable[ObservedCookie]) -> list[ObservedCookie]:
    """Make one of the same cookie's lifetimes that differ by no more than a clock does; the longest stands."""
    groups: dict[tuple[str, str, str, str], list[ObservedCookie]] = {}
    for cookie in cookies:
        groups.setdefault((cookie.name, cookie.domain, cookie.path, cookie.state), []).append(cookie)
    found = []
    for group in groups.values():
        kept: list[ObservedCookie] = []
        for cookie in sorted(group, key=_longest_first):
            if kept and _close(kept[-1].declared_lifetime, cookie.declared_lifetime):
                longest = kept.pop()
                joined = join_cookies(longest, cookie)
                keep = {"declared_lifetime": longest.declared_lifetime, "session": longest.session}
                kept.append(joined.model_copy(update=keep))
            else:
                kept.append(cookie)
        found += kept
    return found


def _close(longer: int | None, shorter: int | None) -> bool:
    if longer is None or shorter is None:
        return False
    return longer - shorter <= max(2, longer * SLACK)


def _longest_first(cookie: ObservedCookie) -> tuple[bool, int]:
    return (cookie.declared_lifetime is None, -(cookie.declared_lifetime or 0))


def _cookie_order(cookie: ObservedCookie) -> tuple[str, str, str, str, int]:
    return (cookie.name, cookie.domain, cookie.path, cookie.state, -(cookie.declared_lifetime or 0))


def _text(key: Sequence[object]) -> tuple[str, ...]:
    return tuple("" if part is None else str(part) for part in key)

"""From writes and the jar to cookies: what was asked for, what the browser kept, who is to blame. Pure.

A write that the browser refused is no cookie but a *blocked* one; a deletion of what never was is nothing at all.
A cookie that another setter replaced with other content or another lifetime shows twice: *overwritten* and *stored*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from policies.cookie import SetCookie, default_path, path_matches, place
from policies.observation import CookieState, ObservedCookie, Setter

CAP = 400 * 86_400
"""Chromium's longest cookie lifetime in seconds (RFC 6265bis 5.5)."""
_SLACK = 3
"""Seconds between computing an expiry time and writing it that do not count."""

Key = tuple[str, str, bool, str, bool]
"""Name, domain, host-only, path, partitioned: what makes two cookies the same one."""


@dataclass(frozen=True, slots=True)
class CookieWrite:
    """One attempt to set or delete a cookie. `kept` None: the browser did not say. Times are UTC epoch seconds."""

    key: Key
    at: float
    value: str
    lifetime: int | None
    setter: Setter
    secure: bool = False
    http_only: bool = False
    same_site: str | None = None
    blocked: tuple[str, ...] = ()
    kept: bool | None = None

    @property
    def deletes(self) -> bool:
        return self.lifetime == 0


@dataclass(frozen=True, slots=True)
class JarCookie:
    """One cookie in the jar at the end; `expires` is UTC epoch seconds, None for a session cookie."""

    key: Key
    value: str
    expires: float | None
    secure: bool
    http_only: bool
    same_site: str | None


def write_of(
    asked: SetCookie,
    *,
    host: str,
    path: str,
    secure: bool,
    at: float,
    setter: Setter,
    blocked: tuple[str, ...] = (),
    kept: bool | None = None,
    http: bool = True,
) -> CookieWrite:
    """What one parsed line tries to do when `host` sets it at `path`; its refusal, where the rules already tell."""
    where = place(asked, host=host, request_path=path, secure=secure)
    if isinstance(where, str):
        key_domain, host_only, key_path = asked.domain or host, asked.domain is None, asked.path or default_path(path)
        blocked = blocked or (_REFUSALS.get(where, where),)
        kept = False
    else:
        key_domain, host_only, key_path = where.domain, where.host_only, where.path
    if not http and asked.http_only:
        blocked, kept = (*blocked, "HttpOnlyFromScript"), False
    if not http and kept is False and not blocked and not path_matches(path, key_path):
        kept = None  # another path's cookie is invisible to the page that sets it: the jar decides
    name, value = _text(asked.name), _text(asked.value)
    return CookieWrite(
        key=(name, key_domain, host_only, key_path, asked.partitioned),
        at=at,
        value=value,
        lifetime=asked_lifetime(asked, at),
        setter=setter,
        secure=asked.secure,
        http_only=asked.http_only,
        same_site=asked.same_site,
        blocked=blocked,
        kept=False if blocked else kept,
    )


_REFUSALS = {
    "public_suffix": "InvalidDomain",
    "domain_mismatch": "InvalidDomain",
    "insecure": "SecureOnly",
    "prefix_host": "InvalidPrefix",
    "prefix_secure": "InvalidPrefix",
    "same_site_none_insecure": "SameSiteNoneInsecure",
}
"""Our parser's refusals in Chromium's words (Network.SetCookieBlockedReason)."""


def asked_lifetime(asked: SetCookie, at: float) -> int | None:
    """Seconds asked for. An expiry time is a moment computed a little earlier: snapped to the whole minute it means."""
    lifetime = asked.lifetime(at)
    return lifetime if asked.max_age is not None or lifetime is None else snapped(lifetime)


def snapped(lifetime: int) -> int:
    """A lifetime of ten minutes or more within three seconds of a whole minute is that minute."""
    nearest = round(lifetime / 60) * 60
    return nearest if lifetime >= 600 and abs(lifetime - nearest) <= _SLACK else lifetime


def merge(
    writes: Sequence[CookieWrite],
    jar: Iterable[JarCookie] | None,
    *,
    given: Iterable[tuple[str, str, str]],
    now: float,
    third_party: Callable[[str], bool],
    page: str,
    existed: Callable[[CookieWrite], bool] = lambda _: False,
    suspects: Mapping[Key, Setter] = MappingProxyType({}),
) -> tuple[ObservedCookie, ...]:
    """One row per cookie and state, sorted. `given` are the visitor's own (name, value, domain); `jar` None: unseen.

    `existed`: was a cookie that is gone at the end seen to be there? `suspects`: who set what nobody saw being set.
    """
    kept = None if jar is None else {cookie.key: cookie for cookie in jar}
    by_key: dict[Key, list[CookieWrite]] = {}
    for write in sorted(writes, key=lambda each: each.at):
        by_key.setdefault(_partitioned_alike(write.key, kept), []).append(write)
    rows: list[ObservedCookie] = []
    mine = set(given)
    for key, cookie in (kept or {}).items():
        if key not in by_key and (key[0], cookie.value, key[1]) not in mine:
            row = _row(key, (), cookie, "stored", now)
            rows.append(row.model_copy(update={"set_by": (suspects[key],)}) if key in suspects else row)
    for key, attempts in by_key.items():
        rows += _rows(key, attempts, kept, now, existed)
    finished = (row.model_copy(update={"first_party": not third_party(row.domain), "pages": (page,)}) for row in rows)
    return tuple(sorted(finished, key=lambda row: (row.name, row.domain, row.path, row.state)))


def _partitioned_alike(key: Key, kept: dict[Key, JarCookie] | None) -> Key:
    """Third-party state may be partitioned by the browser itself: the jar's key wins where only that differs."""
    if kept and key not in kept and (other := (*key[:4], not key[4])) in kept:
        return other
    return key


def _rows(
    key: Key,
    attempts: list[CookieWrite],
    kept: dict[Key, JarCookie] | None,
    now: float,
    existed: Callable[[CookieWrite], bool],
) -> list[ObservedCookie]:
    cookie = kept.get(key) if kept is not None else None
    present = cookie is not None
    accepted = [write for write in attempts if _taken(write, present=present, known=kept is not None)]
    refused = [write for write in attempts if write not in accepted and not write.deletes]
    rows: list[ObservedCookie] = []
    lives = _lives(accepted)
    while lives and kept is not None and not present and _never_was(lives[-1], now, existed):
        refused += lives.pop().writes
    for number, life in enumerate(lives):
        last = number == len(lives) - 1
        if last and present and not life.deleted:
            rows.append(_row(key, life.writes, cookie, "stored", now))
        elif last and kept is None and not life.deleted:
            rows.append(_row(key, life.writes, None, "stored", now))
        else:
            ended_by_other: CookieState = "deleted" if life.deleted or last else "overwritten"
            rows.append(_row(key, life.writes, None, ended_by_other, now))
    if present and (not lives or lives[-1].deleted):
        rows.append(_row(key, (), cookie, "stored", now))
    if refused:
        reasons = tuple(dict.fromkeys(reason for write in refused for reason in write.blocked or ("NotStored",)))
        row = _row(key, refused, None, "blocked", now)
        rows.append(row.model_copy(update={"blocked_reasons": reasons, "effective_lifetime": None}))
    return _without_repeats(rows)


def _taken(write: CookieWrite, *, present: bool, known: bool) -> bool:
    if write.blocked or write.kept is False:
        return write.deletes and not write.blocked
    return write.kept is True or write.deletes or present or not known


@dataclass(slots=True)
class _Life:
    """From the first write of one content to its end."""

    writes: list[CookieWrite]
    deleted: bool = False


def _never_was(life: _Life, now: float, existed: Callable[[CookieWrite], bool]) -> bool:
    """Lines of answers to requests without credentials (Fetch 4.6) change no jar, and no refusal tells of them."""
    return not life.deleted and all(
        write.setter.kind == "http"
        and (write.lifetime is None or write.at + write.lifetime > now)
        and not existed(write)
        for write in life.writes
    )


def _lives(accepted: list[CookieWrite]) -> list[_Life]:
    lives: list[_Life] = []
    for write in accepted:
        current = lives[-1] if lives and not lives[-1].deleted else None
        if write.deletes:
            if current is not None:
                current.deleted = True
        elif current is None or _replaces(current.writes[-1], write):
            lives.append(_Life([write]))
        else:
            current.writes.append(write)
    return lives


def _replaces(old: CookieWrite, new: CookieWrite) -> bool:
    """Another setter with other content or lifetime; the same setter only renews its own."""
    other_setter = (old.setter.kind, old.setter.url) != (new.setter.kind, new.setter.url)
    return other_setter and (old.value != new.value or old.lifetime != new.lifetime)


def _row(
    key: Key, writes: Sequence[CookieWrite], cookie: JarCookie | None, state: CookieState, now: float
) -> ObservedCookie:
    name, domain, host_only, path, partitioned = key
    last = writes[-1] if writes else None
    lifetime = last.lifetime if last else None
    effective = min(lifetime, CAP) if lifetime is not None else None
    if cookie is not None and cookie.expires is not None:
        seen = round(cookie.expires - (last.at if last else now))
        effective = effective if effective is not None and abs(seen - effective) <= _SLACK else snapped(seen)
    elif cookie is not None:
        effective = None
    session = cookie.expires is None if cookie is not None else last is not None and lifetime is None
    unique = {(write.setter.kind, write.setter.url): write.setter for write in writes}
    return ObservedCookie(
        name=name, domain=domain, path=path, host_only=host_only, partitioned=partitioned,
        secure=cookie.secure if cookie else bool(last and last.secure),
        http_only=cookie.http_only if cookie else bool(last and last.http_only),
        same_site=cookie.same_site if cookie else last.same_site if last else None,
        session=session, declared_lifetime=lifetime, effective_lifetime=effective,
        state=state, set_by=tuple(unique.values()),
    )  # fmt: skip


def _without_repeats(rows: list[ObservedCookie]) -> list[ObservedCookie]:
    """Writes back and forth between two setters are one row each, not one per turn."""
    found: dict[tuple[str, int | None, tuple[tuple[str, str], ...]], ObservedCookie] = {}
    for row in rows:
        found[row.state, row.declared_lifetime, tuple((each.kind, each.url) for each in row.set_by)] = row
    stored = {key[1:] for key in found if key[0] == "stored"}
    return [row for key, row in found.items() if key[0] != "overwritten" or key[1:] not in stored]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")

"""Names and addresses made at run time, with `*` for the part that is another one on each visit. Pure.

Trackers probe with throw-away cookies (`dmn_chk_<UUID>`, `_sp_root_domain_test_<milliseconds>`), keep queues under
`<name>.<UUID>.queue` and ask for pixels with `?ord=<random>`. Two visits are to be recognised as the same. Every visit
is a new visitor's, so what comes back on another one as it was is no work of chance and stays as it is (`Recurring`);
so do hashes of a site's name or key, which look alike and are not. A time near the visit's own is always chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

_RANDOM = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"  # a UUID
    r"|(?<![0-9A-Za-z])(?=[0-9A-Za-z]*\d)(?=[0-9A-Za-z]*[a-z])(?=[0-9A-Za-z]*[A-Z])[0-9A-Za-z]{20,}(?![0-9A-Za-z])"
)
_TIME = re.compile(r"(?<!\d)1[5-9]\d{8}(?:\d{3})?(?!\d)")
"""Seconds or milliseconds since 1970: 2017 to 2033."""
_NEAR = 7 * 86_400
"""A time this many seconds from the scan's own is the time of a visit."""
_BUSTERS = frozenset(
    (
        *("_", "cb", "cachebust", "cachebuster", "cache", "nocache", "buster", "bust", "rnd", "rand", "random", "r"),
        *("ord", "correlator", "nonce", "ts", "t", "tm", "time", "timestamp", "z", "gjid", "jid"),
    )
)
"""Parameters that only keep an answer from being remembered, by their usual names."""
_BUSTING = re.compile(r"(?=.*\d)[\w.-]{5,}")
_CHANCE = re.compile(r"0?\.\d{6,}|\d{8,}(?:\.\d{6,})?|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{16,}", re.I)
"""A whole value that says nothing but itself: a random fraction, a long number, a long hexadecimal one."""

Thing = tuple[str, ...]


class Recurring:
    """What came back on another visit as it was. Remembers one visit per thing, not all of them."""

    def __init__(self) -> None:
        self._first: dict[Thing, str] = {}
        self._again: set[Thing] = set()

    def add(self, thing: Thing, visit: str) -> None:
        if self._first.setdefault(thing, visit) != visit:
            self._again.add(thing)

    def __contains__(self, thing: Thing) -> bool:
        return thing in self._again


def steady(name: str, *, stays: bool = False, at: float | None = None) -> str:
    """`dmn_chk_01a1f8b9-7a1b-7517-a716-05ff248c2ff7` -> `dmn_chk_*`; a name without such a part is itself.

    `stays`: it came back on another visit, so that only times near `at` (UTC epoch seconds) are replaced.
    """

    def time(found: re.Match[str]) -> str:
        near = at is None or abs(float(found[0][:10]) - at) <= _NEAR
        return "*" if near and not (stays and at is None) else found[0]

    return _TIME.sub(time, name if stays else _RANDOM.sub("*", name))


def parameters(url: str) -> Iterator[Thing]:
    """(address without its query, name, value) of every parameter, as they stand there."""
    base, _, rest = url.partition("?")
    for pair in rest.partition("#")[0].split("&") if rest else ():
        name, _, value = pair.partition("=")
        yield base, name, value


def steady_address(url: str, stays: Callable[[Thing], bool], at: float | None = None) -> str:
    """The address with `*` for values of parameters that are chance: by their shape, or by the parameter's name.

    `stays` says of a parameter, as `parameters` gives it, whether it came back on another visit.
    """
    found = [f"{name}={_value(name, value, stays((base, name, value)), at)}" if value else name
             for base, name, value in parameters(url)]  # fmt: skip
    return f"{url.partition('?')[0]}?{'&'.join(found)}" if found else url


def _value(name: str, value: str, stays: bool, at: float | None) -> str:
    text = unquote_plus(value)
    if steady(text, stays=stays, at=at) != text:
        return "*"
    chance = _CHANCE.fullmatch(text) or (name.lower() in _BUSTERS and _BUSTING.fullmatch(text))
    return "*" if chance and not stays else value

"""The cart, carried whole inside its cookie, so that no restart and no second process can lose it. No I/O.

The value is `NUMBER~slug.count~slug.count`, all of it cookie octets (RFC 6265bis 4.1.1). Whatever a browser sends,
reading it never fails: unknown goods and impossible counts are left out.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace

COOKIE = "fjellheim_cart"
MOST = 20
"""Of one good in one cart."""

_NUMBER = re.compile(r"[0-9a-f]{8}")
_LINE = re.compile(r"([a-z]{1,20})\.([0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class Cart:
    """`number` becomes the order number; `lines` are (slug, count) in the order they were added."""

    number: str
    lines: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        return sum(count for _, count in self.lines)

    def put(self, slug: str, count: int) -> Cart:
        """The cart with exactly `count` of a good, at most MOST; none or fewer takes it out."""
        wanted = min(count, MOST)
        if any(slug == have for have, _ in self.lines):
            changed = tuple((have, wanted if have == slug else had) for have, had in self.lines)
        else:
            changed = (*self.lines, (slug, wanted))
        return replace(self, lines=tuple(line for line in changed if line[1] > 0))

    def add(self, slug: str, count: int = 1) -> Cart:
        return self.put(slug, dict(self.lines).get(slug, 0) + count)

    def emptied(self, number: str) -> Cart:
        return Cart(number)

    def value(self) -> str:
        """As the cookie carries it."""
        return "~".join((self.number, *(f"{slug}.{count}" for slug, count in self.lines)))


def read(value: str, goods: Container[str], fresh_number: str) -> Cart:
    """The cart in a cookie's value; `fresh_number` (8 hex digits) where the value brings no usable number."""
    number, *parts = value.split("~")
    cart = Cart(number if _NUMBER.fullmatch(number) else fresh_number)
    for part in parts:
        line = _LINE.fullmatch(part)
        if line and line[1] in goods:
            cart = cart.put(line[1], int(line[2]))
    return cart

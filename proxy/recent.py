"""What requests of the same second have in common. No I/O; nothing is kept longer than that.

One page's files follow each other closely, and what their requests say of themselves is the same byte for byte: who
asks, what for, and what the site is to be told. That is found out once, not a hundred times. Whatever had a
consequence (a cookie to be set, a row to be written) is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.rules import Rules
from policies.verdict import Verdict
from proxy import plain
from proxy.asked import Asked
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Visitor
from proxy.exchange import Role
from proxy.headers import Fields
from proxy.sites import Site

_MOST = 2048
"""Different lines that are kept; a flood of them empties the shelf."""


@dataclass(slots=True)
class Known:
    """What was found out about requests with the same lines from one address."""

    site: Site
    rules: Rules
    notice: SiteNotice
    host: str
    scheme: str
    role: Role
    navigates: bool
    visitor: Visitor | None
    asked: dict[tuple[bool, bool], tuple[Asked, tuple[tuple[str, Verdict], ...]]] = field(default_factory=dict)
    """What the site is asked, and what was noted of it, by whether we enforce or observe."""

    @property
    def holds(self) -> bool:
        """Are the site's rules and notice still those?"""
        return self.rules is self.site.rules and self.notice is self.site.notice


@dataclass(slots=True)
class Alike:
    """Plain requests with the same method and lines. `fields` are not to be changed."""

    fields: Fields
    known: dict[str, Known] = field(default_factory=dict)
    """By the address of whoever has connected."""


class Recent:
    """`forget` is to be called every second."""

    def __init__(self, bounds: plain.Bounds) -> None:
        self._bounds = bounds
        self._alike: dict[tuple[str, bytes], Alike] = {}

    def __repr__(self) -> str:
        return f"<Recent {len(self._alike)} kinds of requests>"

    def alike(self, method: str, lines: bytes) -> Alike | None:
        """None where these lines are not those of a plain request after all."""
        key = (method, lines)
        found = self._alike.get(key)
        if found is None:
            fields = plain.request_fields(lines, self._bounds)
            if fields is None:
                return None
            if len(self._alike) >= _MOST:
                self._alike.clear()
            found = self._alike[key] = Alike(fields)
        return found

    def forget(self) -> None:
        self._alike.clear()

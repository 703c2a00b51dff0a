"""What exchanges of the same second have in common. No I/O; nothing is kept longer than that.

One page's files follow each other closely, and what their requests say of themselves is the same byte for byte: who
asks, what for, and what the site is to be told. Many visitors ask for the same things, and what the site answers them
is the same, too. Either is found out once, not a hundred times. Whatever had a consequence (a cookie to be set, a row
to be written) is not kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from policies.rules import Rules
from policies.verdict import Verdict
from proxy import plain
from proxy.asked import Asked
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Visitor
from proxy.exchange import Role, Tally
from proxy.headers import Fields
from proxy.sites import Site

_MOST = 2048
"""Different lines that are kept; a flood of them empties the shelf."""
_OVERHEAD = 1024
"""Bytes that an outcome takes beside heads and body, roughly."""

Note = tuple[str, Verdict]
ENFORCING = (True, False)
"""Key of `Known.asked`: enforcing, and not only observing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer: `given` is its head as the site sent it, `length` that of its body, `head` what the
    visitor was sent. A body with this `digest` becomes `body`; where there is none, every body passes as it is."""

    given: bytes
    length: int
    status: int
    head: bytes
    digest: Hashable = None
    body: bytes = b""
    notes: tuple[Note, ...] = ()
    """What was noted of the answer; what was noted of the request is the visitor's own."""
    tally: Tally | None = None
    sightings: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        return len(self.given) + len(self.head) + len(self.body) + _OVERHEAD


@dataclass(slots=True)
class Room:
    """How many bytes are left for outcomes, those of all audiences together."""

    left: int

    def takes(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


@dataclass(slots=True)
class Audience:
    """Visitors for whom the same answer to the same target becomes the same: of one consent, in one role.

    `of` is kept so that nothing else can be taken for these while they are known.
    """

    of: tuple[object, ...]
    room: Room
    _outcomes: dict[bytes, Outcome] = field(default_factory=dict)

    def outcome(self, target: bytes) -> Outcome | None:
        """What became of the last answer to this target."""
        return self._outcomes.get(target)

    def keep(self, target: bytes, outcome: Outcome) -> None:
        if self.room.takes(len(target) + outcome.size):
            self._outcomes[target] = outcome


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
    audience: Audience | None = None
    """None: what these visitors are sent may be theirs alone."""
    asked: dict[tuple[bool, bool], tuple[Asked, tuple[Note, ...]]] = field(default_factory=dict)
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

    def read(self, data: bytes) -> tuple[plain.PlainRequest, Alike] | None:
        """Exactly one plain request and its like, or None."""
        asked = plain.beginning(data, self._bounds)
        if asked is None:
            return None
        key = (asked.method, asked.lines)
        found = self._alike.get(key)
        if found is None:
            read = plain.request(data, self._bounds)
            fields = plain.request_fields(read.lines, self._bounds) if read is not None else None
            if fields is None:
                return None
            if len(self._alike) >= _MOST:
                self._alike.clear()
            found = self._alike[key] = Alike(fields)
        return asked, found

    def forget(self) -> None:
        self._alike.clear()

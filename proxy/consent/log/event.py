"""What one event is and what one row looks like. No I/O, no clock: the time is passed in.

Whatever a visitor's browser had a say in (path, agent, language, vendor names) is cleaned here and never refused, so
that a strange header cannot keep a reject out of the log; what our own code supplies is checked and must be right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

EVENTS = (
    "shown",
    "accept",
    "reject",
    "save",
    "withdraw",
    "gpc",
    "expire",
    "reprompt",
    "erase",
    "prune",
    "import",
    "prove",
    "checkpoint",
)
SURFACES = ("banner", "preferences", "noscript", "api", "prove")
DECISIONS = frozenset({"accept", "reject", "save", "withdraw", "gpc", "expire", "import"})
"""Events after which another set of purposes is in force than before."""

_IDENTIFIER = re.compile(r"[\w.:+/=~-]{1,200}", re.ASCII)
_QUERY = re.compile("[?#]")
_SITE = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]{1,253}")
_PATH, _WORD, _AGENT = 2048, 64, 256


@dataclass(frozen=True, slots=True)
class Event:
    """One event to append.

    `time` is the server's UTC time; `site` names the site and with it the chain. `subject` is the random id the
    visitor was given, or None. `purposes` and `vendors` hold every answer, refusals included. `notice` and `policy`
    are hashes. `ip` is already truncated, `agent` already coarse. `nonce` links `shown` and the choice that answered
    it. `detail` is small JSON for events that need more (an import names its tool).

    Raises ValueError for an unknown event or surface, a time without zone, an id or hash that is none, and a detail
    that is no JSON in UTF-8.
    """

    event: str
    time: datetime
    site: str
    path: str | None = None
    subject: str | None = None
    purposes: Mapping[str, bool] = field(default_factory=dict)
    vendors: Mapping[str, bool] = field(default_factory=dict)
    language: str = ""
    surface: str = "banner"
    method: str = ""
    notice: str | None = None
    policy: str | None = None
    ip: str | None = None
    agent: str | None = None
    nonce: str | None = None
    detail: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        if self.event not in EVENTS:
            raise ValueError(f"event {self.event!r}: one of {', '.join(EVENTS)}")
        if self.surface not in SURFACES:
            raise ValueError(f"surface {self.surface!r}: one of {', '.join(SURFACES)}")
        if self.time.tzinfo is None:
            raise ValueError("the time of an event needs a zone")
        if not _SITE.fullmatch(self.site):
            raise ValueError(f"site {self.site!r}: 1 to 253 visible characters")
        for name in ("subject", "notice", "policy", "ip", "nonce"):
            value = getattr(self, name)
            if value is not None and not _IDENTIFIER.fullmatch(value):
                raise ValueError(f"{name} {value!r}: letters, digits and -._:+/=~ only, at most 200")
        _set(self, "time", self.time.astimezone(UTC))
        _set(self, "path", None if self.path is None else clean(_QUERY.split(self.path, maxsplit=1)[0], _PATH))
        _set(self, "agent", None if self.agent is None else clean(self.agent, _AGENT))
        _set(self, "language", clean(self.language, _WORD))
        _set(self, "method", clean(self.method, _WORD))
        _set(self, "purposes", answers(self.purposes))
        _set(self, "vendors", answers(self.vendors))
        if self.detail is not None:
            canonical(self.detail).encode()


def clean(text: str, longest: int) -> str:
    """Text that every database takes: no NUL, no lone surrogate, at most `longest` characters."""
    if len(text) <= longest and text.isascii() and "\0" not in text:
        return text
    return text[:longest].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def answers(given: Mapping[str, bool]) -> dict[str, bool]:
    """Names and answers in the order of the names, as they are hashed."""
    return {clean(name, 200): bool(given[name]) for name in sorted(given)}


def stamp(time: datetime) -> str:
    """UTC to the microsecond, always 27 characters, so that texts sort like times."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as `log show` and `log export` give it: the contract's keys, then what a verifier needs besides.

    `chain` and `seq` (from 1) are its place; `id` is both in one ("shop/17"). `hash` is SHA-256 over `prev` and the
    row's content. `commitment` stands in that content for subject, path, ip and agent; `salt` opens it, and is None
    with all four once they were erased. Hashes, commitment and salt are hexadecimal.
    """

    id: str
    chain: str
    seq: int
    time: str
    site: str
    path: str | None
    subject: str | None
    event: str
    purposes: Mapping[str, bool]
    vendors: Mapping[str, bool]
    language: str
    surface: str
    method: str
    notice: str | None
    policy: str | None
    ip: str | None
    agent: str | None
    prev: str
    hash: str
    nonce: str | None
    detail: Mapping[str, object] | None
    commitment: str
    salt: str | None

    def as_dict(self) -> dict[str, object]:
        """The row as JSON, keys in the order above, with the number of the schema last."""
        return {name: getattr(self, name) for name in ROW_KEYS} | {"schema": SCHEMA}


SCHEMA = 1
"""Number of the row's layout; it changes whenever a key is added or what is hashed changes."""
ROW_KEYS = tuple(each.name for each in fields(Row))


def canonical(value: object) -> str:
    """JSON with sorted keys, no white space and no needless escapes: the same value always gives the same bytes."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _set(event: Event, name: str, value: object) -> None:
    object.__setattr__(event, name, value)

"""Decide what may load, be stored or be sent. No I/O, no clock.

Every verdict carries its reason; logs, reports, `explain` and the pages a visitor sees print the same `because`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.purpose import Purpose

Action = Literal["allow", "block", "strip"]
"""`block` is for what loads or runs, `strip` for what is stored or sent along (cookies, storage keys)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tracker` names what was recognised (a host, a cookie pattern, a signature), `vendor` is a catalogue id.

    `known` is False where nothing is known about the subject: passed or blocked by the operator's default.
    """

    action: Action
    because: str
    tracker: str | None = None
    vendor: str | None = None
    purpose: Purpose | None = None
    known: bool = True

    @property
    def allowed(self) -> bool:
        return self.action == "allow"


@dataclass(frozen=True, slots=True)
class Request:
    """Something a page at `page_host` would load. `kind` is script, frame, image, style, font, media, connect, hint,
    ping, worker, object or document; `path` is the path with its query, as on the wire."""

    url: str
    host: str
    path: str
    page_host: str
    kind: str = "script"
    page_path: str = "/"

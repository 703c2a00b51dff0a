"""The shape of one vendor's TOML file, checked strictly: a misspelt key is an error that names it. No I/O.

Lifetimes are written as a person reads them: "730d", "30m", "24h",
"60s", or "session"; absent means unknown.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from policies.purpose import Purpose

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d+)([smhd])")

SESSION = -1
"""What a lifetime of "session" becomes; None is unknown."""


def seconds(text: object) -> object:
    """ "730d" -> 63072000, "session" -> SESSION. Raises ValueError for anything else."""
    if text is None or isinstance(text, int):
        return text
    if text == "session":
        return SESSION
    match = _SPAN.fullmatch(str(text))
    if not match:
        raise ValueError(f'lifetime {text!r}: write "730d", "24h", "30m", "60s" or "session"')
    return int(match[1]) * _UNITS[match[2]]


LifetimeText = Annotated[int | None, BeforeValidator(seconds)]
Sureness = Literal["high", "medium", "low"]
Serves = Literal["script", "pixel", "frame", "style", "font", "connect", "media", "image"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Purpose | None = None
    """Overrides the vendor's purpose."""
    necessary_because: str | None = None
    """Why no consent is needed (WP29 04/2012 criterion); required where the purpose is necessary."""


class HostEntry(_Entry):
    """A host that serves this vendor; subdomains count. With `paths` only those prefixes are this vendor's."""

    match: str
    paths: tuple[str, ...] = ()
    serves: tuple[Serves, ...] = ()
    placeholder: Literal["video", "map", "social", "form", "audio", "chat"] | None = None
    """Frames with content a visitor may want get a placeholder of this kind."""


class PathEntry(_Entry):
    """A first-party endpoint, on whatever host: a glob over the path (`*` any run of characters)."""

    match: str


class CookieEntry(_Entry):
    """A cookie name or glob (`*` any run, `?` one character), usually set in the site's own name."""

    name: str
    lifetime: LifetimeText = None
    about: str = ""
    sure: Sureness = "high"
    """How telling the name alone is: `id` is low, `_fbp` is high. Low needs the vendor's host or script as evidence."""
    http_only: bool = False


class StorageEntry(_Entry):
    """A localStorage/sessionStorage key, IndexedDB database or cache name, or a glob of one."""

    key: str
    about: str = ""
    sure: Sureness = "high"


class InlineEntry(_Entry):
    """A piece of text that gives an inline script away, matched literally."""

    contains: str
    sure: Sureness = "high"


class VendorFile(BaseModel):
    """One vendor. The file's stem is the vendor's id: lower case, words joined by `-`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """As a visitor would know it: "Google Analytics"."""
    company: str
    """Legal name of who receives the data: "Google Ireland Limited"."""
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    privacy: str
    """URL of the vendor's privacy text."""
    source: str
    """Public page where the facts below can be looked up."""
    purpose: Purpose
    necessary_because: str | None = None
    aliases: tuple[str, ...] = ()
    """Other names as they appear in privacy policies."""
    manager: bool = False
    """A tag manager: loads once any purpose is granted; what it loads is judged piece by piece."""
    fingerprints: bool = False
    """Known to recognise browsers without storing anything."""
    operator_hosted: bool = False
    """Software a site runs itself (a CMS, a shop): no third party receives anything."""
    samples: tuple[str, ...]
    """URLs that must classify as this vendor."""
    host: tuple[HostEntry, ...] = ()
    path: tuple[PathEntry, ...] = ()
    cookie: tuple[CookieEntry, ...] = ()
    storage: tuple[StorageEntry, ...] = ()
    inline: tuple[InlineEntry, ...] = ()

    @model_validator(mode="after")
    def _necessary_is_justified(self) -> VendorFile:
        vendor_reason = self.necessary_because
        if self.purpose is Purpose.NECESSARY and not vendor_reason:
            raise ValueError("purpose is necessary: say why in necessary_because")
        for entry in (*self.host, *self.path, *self.cookie, *self.storage, *self.inline):
            if entry.purpose is Purpose.NECESSARY and not (entry.necessary_because or vendor_reason):
                raise ValueError(f"{entry!r} is necessary: say why in necessary_because")
        return self

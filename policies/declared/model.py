"""What a policy document declares: the `policy read` JSON of the contract. No I/O, no clock.

Every fact keeps the exact sentence or cell it was read from (`quote`) and where that stands: `position` is the
offset in characters into the document's text (see `policies.declared.document`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from policies.purpose import Purpose

ClaimKind = Literal[
    "anonymised", "no_personal_data", "not_shared", "only_necessary", "consent_first", "browser_settings_only"
]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeclaredCookie(_Fact):
    """One declared cookie, key or pixel. Lifetime in seconds; null with `session` false is unknown or not said."""

    name: str
    lifetime: int | None = None
    session: bool = False
    lifetime_text: str | None = None
    vendor: str | None = None
    """As the text names it."""
    purpose: Purpose | None = None
    kind: Literal["cookie", "storage", "pixel"] = "cookie"
    quote: str = ""
    position: int = 0


class DeclaredVendor(_Fact):
    """Someone the text says sets or receives tracking data; never the site's own company, an authority or a browser."""

    name: str
    quote: str = ""


class Claim(_Fact):
    """Something the text promises that a scan can contradict."""

    kind: ClaimKind
    quote: str


class ChecklistItem(_Fact):
    """Something the law requires the text to say (GDPR 13, ePrivacy 5(3)) and the sentence that says it, or null."""

    item: str
    quote: str | None = None


class Declared(_Fact):
    """Everything one document declares. `language` is a two-letter code."""

    language: str = ""
    cookies: tuple[DeclaredCookie, ...] = ()
    vendors: tuple[DeclaredVendor, ...] = ()
    claims: tuple[Claim, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()

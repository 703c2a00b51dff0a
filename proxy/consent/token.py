"""The signed notice token in the form: which notice was rendered, where and when. No I/O, no clock.

It proves what was shown and links `shown` to the choice by its nonce. It is no defence against forged requests, so it
may be used more than once within its half hour (two tabs, the back button): each use writes its own row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proxy.consent.signing import Signer, b64, seal, unb64, unseal

LIFETIME = 30 * 60
"""Seconds until an accept needs the form anew."""
SKEW = 300
"""Seconds by which the clocks of two of our machines may differ."""

Surface = Literal["banner", "preferences", "noscript", "api", "prove"]
_SURFACES: dict[str, Surface] = {
    "b": "banner", "p": "preferences", "n": "noscript", "a": "api", "v": "prove",
}  # fmt: skip
_LETTERS = {surface: letter for letter, surface in _SURFACES.items()}


@dataclass(frozen=True, slots=True)
class NoticeToken:
    """`issued` is seconds since 1970 UTC; `notice` the SHA-256 of what was shown, in hex; `nonce` 16 letters."""

    site: str
    notice: str
    nonce: str
    issued: int
    surface: Surface = "banner"

    def fresh(self, now: float) -> bool:
        """Is it young enough to accept by?"""
        return -SKEW <= now - self.issued <= LIFETIME


def issue(signer: Signer, token: NoticeToken) -> str:
    """Write a token for a form field: under 200 letters, URL-safe."""
    digest = b64(bytes.fromhex(token.notice))
    return seal(signer, f"notice/{token.site}", f"{_LETTERS[token.surface]}.{token.issued}.{token.nonce}.{digest}")


def read(signer: Signer, site: str, text: str) -> NoticeToken | None:
    """Read a token, expired or not; None where it is forged, damaged or another site's."""
    body = unseal(signer, f"notice/{site}", text)
    if body is None:
        return None
    try:
        letter, issued, nonce, digest = body.split(".")
        surface = _SURFACES[letter]
        return NoticeToken(site, unb64(digest).hex(), nonce, int(issued), surface)
    except (ValueError, KeyError):
        return None

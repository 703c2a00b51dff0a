"""What the desk needs of the keys, and how signed text is laid out. No I/O: the key file is read elsewhere."""

from __future__ import annotations

import base64
import binascii
from typing import Protocol


class Signer(Protocol):
    """HMAC with a key id: `sign` uses the newest key, `verify` any key that is still honoured after a rotation."""

    def sign(self, data: bytes) -> str: ...

    def verify(self, data: bytes, signature: str) -> bool: ...


def seal(signer: Signer, use: str, body: str) -> str:
    """`BODY~SIGNATURE`. `use` keeps a token for one thing (and site) from being taken for another."""
    return f"{body}~{signer.sign(f'{use}|{body}'.encode())}"


def unseal(signer: Signer, use: str, sealed: str) -> str | None:
    """The body of a sealed text, None where it was forged, cut short or sealed for another use."""
    body, mark, signature = sealed.rpartition("~")
    if not mark or not sealed.isascii():
        return None
    return body if signer.verify(f"{use}|{body}".encode(), signature) else None


def b64(raw: bytes) -> str:
    """URL-safe base64 without padding: fits cookies and form fields unescaped."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Undo `b64`. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error

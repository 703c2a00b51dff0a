"""What the site is asked: the request as it will be sent. A record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """All but target and request id. `lines` are the encoded fields; `chunked` says how the body, if any, is framed.

    `named`: a trusted proxy in front has given the request its id already.
    """

    method: str
    lines: bytes
    named: bool
    has_body: bool
    chunked: bool
    expects: bool
    upgrade: bool

    def head(self, target: bytes, request_id: str) -> bytes:
        """The head of the message, its empty line included."""
        named = b"" if self.named else b"X-Request-Id: %b\r\n" % request_id.encode()
        return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (self.method.encode(), target, self.lines, named)

"""Tell somebody: one message by webhook (JSON, signed) and by e-mail (SMTP). Knows nothing of what it tells.

A webhook's body is signed with HMAC-SHA-256 over the time and the exact bytes, so that a receiver can tell it from
anybody else's and from an old one sent again:

    Samtykke-Signature: t=1795174275,key=h1a2b3c4,v1=<hex of HMAC(secret, "1795174275." + body)>

The secret is derived from the key file's current HMAC key for this purpose alone: who receives alerts can sign no
consent cookie.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Literal

import aiohttp

from runtime.keys import HmacKey, Keys

HEADER = "Samtykke-Signature"
PURPOSE = b"samtykke alerts v1"
ATTEMPTS = 3
PAUSE = 2.0
"""Seconds before the second attempt; doubled before each further one."""
SECONDS = 15.0
"""Longest wait for one attempt."""
TOLERANCE = 300
"""Seconds that a signature is good for."""

Security = Literal["starttls", "tls", "none"]
Sleep = Callable[[float], Awaitable[None]]


class AlertError(Exception):
    """A message reached nobody; the text names the address and the reason."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message: a line, the words below it, and the facts for a machine."""

    subject: str
    text: str
    facts: Mapping[str, Any]

    def body(self) -> bytes:
        """What a webhook receives: JSON, UTF-8, keys in order."""
        document = {"subject": self.subject, "text": self.text, **self.facts}
        return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Secret:
    """What signs alerts; `key` names the key of the key file that it comes from."""

    key: str
    value: bytes = field(repr=False)

    @classmethod
    def of(cls, key: HmacKey) -> Secret:
        return cls(key.id, hmac.new(key.secret, PURPOSE, hashlib.sha256).digest())

    @classmethod
    def current(cls, keys: Keys) -> Secret:
        """Derived from the key file's current key."""
        return cls.of(keys.current)

    def header(self, body: bytes, now: float) -> str:
        """The signature's header. `now` is UTC epoch seconds."""
        return f"t={int(now)},key={self.key},v1={_mac(self.value, int(now), body)}"


def verify(header: str, body: bytes, secret: bytes, now: float, tolerance: int = TOLERANCE) -> bool:
    """What a receiver checks: made with this secret over these bytes, at most `tolerance` seconds from `now`."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at = parts.get("t", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12) or abs(now - int(at)) > tolerance:
        return False
    return hmac.compare_digest(_mac(secret, int(at), body).encode(), parts.get("v1", "").encode("utf-8", "replace"))


def _mac(secret: bytes, at: int, body: bytes) -> str:
    return hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to post. Redirects are not followed: the answer must come from the address that was configured."""

    url: str
    secret: Secret

    async def send(self, alert: Alert, now: datetime) -> None:
        """Raises AlertError unless the receiver answers 2xx."""
        body = alert.body()
        headers = {"Content-Type": "application/json", HEADER: self.secret.header(body, now.timestamp())}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                if not 200 <= answer.status < 300:
                    raise AlertError(f"{self.url} answers {answer.status}")
        except TimeoutError as error:
            raise AlertError(f"{self.url} does not answer within {SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AlertError(f"{self.url}: {error}") from error


@dataclass(frozen=True, slots=True)
class Mail:
    """An SMTP server and whom to write to. `security`: `starttls`, `tls` from the start, or `none` on loopback."""

    host: str
    port: int
    sender: str
    recipients: Sequence[str]
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    """Whose certificates are accepted; by default the system's."""

    async def send(self, alert: Alert, now: datetime) -> None:
        """Raises AlertError where the server does not take the message for anybody."""
        message = EmailMessage()
        message["Subject"] = " ".join(alert.subject.split())[:200]
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2].strip("> ") or "localhost")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(alert.text)
        try:
            await asyncio.to_thread(self._deliver, message)
        except (smtplib.SMTPException, OSError) as error:
            raise AlertError(f"{self.host}:{self.port}: {error or type(error).__name__}") from error

    def _deliver(self, message: EmailMessage) -> None:
        trust = self.trust or ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=trust)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        with server:
            if self.security == "starttls":
                server.starttls(context=trust)
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)


Channel = Webhook | Mail


async def tell(alert: Alert, channels: Sequence[Channel], *, now: Callable[[], datetime], sleep: Sleep) -> list[str]:
    """Send by every channel, each a few times where it fails; gives why it failed for those that did."""

    async def by(channel: Channel) -> str | None:
        for attempt in range(ATTEMPTS):
            try:
                await channel.send(alert, now())
            except AlertError as error:
                if attempt + 1 == ATTEMPTS:
                    return str(error)
                await sleep(PAUSE * 2**attempt)
            else:
                return None
        return None

    return [failure for failure in await asyncio.gather(*(by(channel) for channel in channels)) if failure]

"""Our own TLS certificate, read from disk. Visitors are spoken to in HTTP/1.1 only."""

from __future__ import annotations

import ssl
from pathlib import Path

from proxy.settings import ProxySettings


def tls_of(settings: ProxySettings) -> ssl.SSLContext | None:
    """What to answer visitors with, None for plain HTTP. Raises ValueError naming key, file and reason."""
    if not settings.certificate:
        return None
    for key in ("certificate", "certificate_key"):
        file = Path(getattr(settings, key))
        try:
            file.open("rb").close()
        except OSError as error:
            raise ValueError(f"proxy.{key} {file}: {error.strerror}") from error
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # A key with a password would be asked about on the terminal.
        context.load_cert_chain(settings.certificate, settings.certificate_key, password="")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"proxy.certificate {settings.certificate} and certificate_key {settings.certificate_key} are no PEM "
            f"certificate with its key, or the key has a password ({error})"
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context

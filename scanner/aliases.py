"""Follow a host name's aliases (CNAME, RFC 1034 3.6.2): what looks like the site's own may be somebody else's.

Asked of DNS directly, since the system's resolver tells addresses only. Each name is asked once per scan; a name that
does not answer has no aliases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiodns

from runtime.resolve import address_of, is_localhost_name

DEEPEST = 8
"""Aliases of aliases followed at most."""
SECONDS = 2.0
"""Longest wait for one name, all its aliases together."""


class Aliases:
    """Close it when done. `nameservers` and `port` replace the system's, for a resolver of one's own."""

    def __init__(self, nameservers: Sequence[str] | None = None, port: int | None = None) -> None:
        options: dict[str, Any] = {} if port is None else {"udp_port": port, "tcp_port": port}
        self._resolver = aiodns.DNSResolver(nameservers, timeout=1.0, tries=2, **options)
        self._known: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def of(self, host: str) -> tuple[str, ...]:
        """What the name is an alias of, the nearest first; empty for names that are their own."""
        if address_of(host) is not None or is_localhost_name(host) or "." not in host:
            return ()
        if host not in self._known:
            self._known[host] = asyncio.create_task(self._chain(host))
        return await asyncio.shield(self._known[host])

    async def close(self) -> None:
        """Leave nothing asked."""
        for task in self._known.values():
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)
        await self._resolver.close()

    async def _chain(self, host: str) -> tuple[str, ...]:
        found: list[str] = []
        try:
            async with asyncio.timeout(SECONDS):
                while len(found) < DEEPEST:
                    target = await self._alias(found[-1] if found else host)
                    if target is None or target in found or target == host:
                        break
                    found.append(target)
        except TimeoutError:
            pass
        return tuple(found)

    async def _alias(self, host: str) -> str | None:
        try:
            result = await self._resolver.query_dns(host, "CNAME")
        except (aiodns.error.DNSError, UnicodeError):
            return None
        for record in result.answer:
            if target := getattr(record.data, "cname", None):
                return str(target).rstrip(".").lower()
        return None

"""Turn names into addresses. Names under .localhost are loopback without asking anybody (RFC 6761, 6.3).

The C library asks the network for `shop.localhost`; browsers and curl do not, and neither do we. A guard, where one
is given, sees every address before anything connects to it, so a name cannot be pointed at an inner address between
the check and the connection. Addresses written into a URL never reach a resolver: check those with `is_private`.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Guard = Callable[[Address], str | None]
"""Says why an address must not be connected to, or None where it may."""

_LOOPBACK: tuple[tuple[socket.AddressFamily, str], ...] = (
    (socket.AF_INET, "127.0.0.1"),
    (socket.AF_INET6, "::1"),
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefusedError(OSError):
    """The guard refused every address of a name; the text says which and why."""


def address_of(host: str) -> Address | None:
    """The address that a URL's host spells, with or without brackets and zone; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if inner := address.ipv4_mapped or address.sixtofour:
        return inner
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_private(ip: str | Address) -> bool:
    """Is this an address that the open internet cannot reach: private, loopback, link-local, reserved, multicast?

    IPv4 addresses inside IPv6 ones are judged by what they carry. Raises ValueError for what is no address.
    """
    address = _embedded(ipaddress.ip_address(ip) if isinstance(ip, str) else ip)
    return not address.is_global or address.is_multicast


def is_loopback(ip: str | Address) -> bool:
    """Is this the machine itself (127.0.0.0/8, ::1)? Raises ValueError for what is no address."""
    return _embedded(ipaddress.ip_address(ip) if isinstance(ip, str) else ip).is_loopback


def is_localhost_name(host: str) -> bool:
    """`localhost` and every name under it."""
    return host.lower().rstrip(".").rpartition(".")[2] == "localhost"


class LocalhostResolver(AbstractResolver):
    """An aiohttp resolver: loopback for *.localhost, `inner` (default: the system's) for the rest, then the guard."""

    def __init__(self, inner: AbstractResolver | None = None, *, guard: Guard | None = None) -> None:
        self._inner = inner
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses for `host`. Raises AddressRefusedError where the guard leaves none, OSError for a dead name."""
        if is_localhost_name(host):
            found = [
                ResolveResult(hostname=host, host=ip, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
                for kind, ip in _LOOPBACK
                if family in (socket.AF_UNSPEC, kind)
            ]
        else:
            if self._inner is None:
                self._inner = ThreadedResolver()
            found = await self._inner.resolve(host, port, family)
        return found if self._guard is None else _guarded(host, found, self._guard)

    async def close(self) -> None:
        if self._inner is not None:
            await self._inner.close()


def _guarded(host: str, found: list[ResolveResult], guard: Guard) -> list[ResolveResult]:
    allowed: list[ResolveResult] = []
    reasons: list[str] = []
    for result in found:
        address = address_of(result["host"])
        reason = "no address" if address is None else guard(address)
        if reason is None:
            allowed.append(result)
        else:
            reasons.append(reason)
    if not allowed:
        raise AddressRefusedError(f"{host}: {'; '.join(dict.fromkeys(reasons)) or 'no address'}")
    return allowed

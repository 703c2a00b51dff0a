"""Which addresses a scan may contact. Decides; the resolver it hands out is what asks the network.

A page must not be able to send us into the network we run in (server-side request forgery), neither by a link, a
redirect, nor by a name that points inwards. Inner addresses are open only where the operator named them: a loopback
start address opens loopback, `--allow-private` the networks it lists.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from runtime.resolve import Address, LocalhostResolver, address_of, is_localhost_name, is_loopback, is_private
from scanner.settings import ScanSettings

_RULES = "--host-resolver-rules="


@dataclass(frozen=True, slots=True)
class Addresses:
    """The decision, made once per scan."""

    loopback: bool = False
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def refusal(self, address: Address) -> str | None:
        """Why this address must not be contacted; None where it may."""
        if not is_private(address) or (self.loopback and is_loopback(address)):
            return None
        if any(address.version == network.version and address in network for network in self.networks):
            return None
        kind = "the machine's own" if is_loopback(address) else "a private"
        return f"{address} is {kind} address (--allow-private {address} would permit it)"

    def refusal_of_url(self, url: str) -> str | None:
        """The same for a URL whose host is spelled as an address or is under .localhost; other names: None."""
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return f"{url!r} is no address"
        address = ipaddress.ip_address("127.0.0.1") if is_localhost_name(host) else address_of(host)
        return None if address is None else self.refusal(address)


@dataclass(frozen=True, slots=True)
class Mapping:
    """One `MAP pattern target[:port]` of Chromium's --host-resolver-rules; a target `~NOTFOUND` is a dead name."""

    pattern: str
    target: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Chromium's rules for names, so that both ways of looking go to the same places."""

    mappings: tuple[Mapping, ...] = ()
    excluded: tuple[str, ...] = ()

    def find(self, host: str) -> Mapping | None:
        if any(fnmatch.fnmatchcase(host, pattern) for pattern in self.excluded):
            return None
        return next((rule for rule in self.mappings if fnmatch.fnmatchcase(host, rule.pattern)), None)


def rules_of(arguments: Iterable[str]) -> Rules:
    """The rules among the browser's arguments; the last argument wins, unknown words are skipped."""
    text = next((arg.removeprefix(_RULES) for arg in reversed(tuple(arguments)) if arg.startswith(_RULES)), "")
    mappings, excluded = [], []
    for words in (rule.split() for rule in text.strip("\"'").split(",")):
        match words:
            case ["MAP", pattern, target]:
                host, _, port = target.rpartition(":")
                known = port.isdigit() and bool(host)
                mappings.append(Mapping(pattern.lower(), host if known else target, int(port) if known else None))
            case ["EXCLUDE", pattern]:
                excluded.append(pattern.lower())
    return Rules(tuple(mappings), tuple(excluded))


class MappedResolver(AbstractResolver):
    """Applies the rules before asking the resolver within. A port in a rule replaces the one asked for."""

    def __init__(self, rules: Rules, inner: AbstractResolver) -> None:
        self._rules = rules
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        rule = self._rules.find(host.lower())
        if rule is None:
            return await self._inner.resolve(host, port, family)
        if rule.target == "~NOTFOUND":
            raise OSError(f"{host}: not found, says --host-resolver-rules")
        port = rule.port or port
        if (address := address_of(rule.target)) is None:
            return await self._inner.resolve(rule.target, port, family)
        kind = socket.AF_INET if address.version == 4 else socket.AF_INET6
        return [ResolveResult(hostname=host, host=str(address), port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        await self._inner.close()


async def addresses_for(settings: ScanSettings, resolver: AbstractResolver) -> Addresses:
    """Decide for one scan. Asks the resolver where the start address leads; a dead name decides nothing."""
    networks = tuple(ipaddress.ip_network(network) for network in settings.allow_private)
    host = urlsplit(settings.url).hostname or ""
    if (address := address_of(host)) is not None:
        return Addresses(is_loopback(address), networks)
    if is_localhost_name(host):
        return Addresses(loopback=True, networks=networks)
    try:
        found = await resolver.resolve(host, 0, socket.AF_UNSPEC)
    except OSError:
        return Addresses(networks=networks)
    return Addresses(any(is_loopback(entry["host"].partition("%")[0]) for entry in found), networks)


def resolver_for(settings: ScanSettings, inner: AbstractResolver | None = None) -> AbstractResolver:
    """Names as this scan's browser resolves them, without a guard yet."""
    return MappedResolver(rules_of(settings.chromium_arguments), LocalhostResolver(inner))

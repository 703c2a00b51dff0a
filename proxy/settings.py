"""What the data plane can be told: one frozen model per table of the configuration file. A misspelt key is an error.

Sizes are bytes, times are seconds. Defaults and their meaning stand together here and nowhere else.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: object) -> object:
    """An address or CIDR range. Raises ValueError for a range with host bits set, which is mostly a slip."""
    return ipaddress.ip_network(text) if isinstance(text, str) else text


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Settings):
    """How much and how long, before an exchange is given up."""

    line: int = Field(16_384, ge=256)
    """Longest request line."""
    field: int = Field(65_536, ge=256)
    """Longest single header field."""
    head: int = Field(131_072, ge=1024)
    """All header fields of one message together."""
    fields: int = Field(200, ge=8)
    """Header fields in one message."""
    visitor_idle: float = Field(75.0, gt=0)
    """An idle visitor's connection, or one whose request head does not arrive, is closed after this; one that takes
    nothing of its answer within this is broken off."""
    body: float = Field(60.0, gt=0)
    """Longest silence within a visitor's upload."""
    connect: float = Field(10.0, gt=0)
    """To reach the site, TLS included."""
    answer: float = Field(60.0, gt=0)
    """From the request sent to the head of the site's answer, and longest silence within its body."""
    stream: float = Field(3600.0, gt=0)
    """Longest silence within an event stream or WebSocket."""
    upstream_idle: float = Field(4.0, ge=0)
    """An unused connection to the site is kept this long; below what common servers keep theirs (5 s)."""
    upstream_connections: int = Field(1000, ge=1)
    """Connections to one site at a time; more wait up to `connect`."""
    visitor_connections: int = Field(10_000, ge=1)
    """Visitors' connections at a time; more are closed at once."""
    decoded_ratio: int = Field(250, ge=2)
    """A document that decompresses to more than this many times its size is a bomb (real pages stay below 60)."""
    decoded_free: int = Field(8_388_608, ge=65_536)
    """Decompressed bytes before the ratio is looked at."""


class ProxySettings(_Settings):
    """The table `[proxy]`."""

    listen: str = "127.0.0.1:8080"
    mode: Literal["enforce", "report"] = "enforce"
    render: Literal["private", "shared"] = "private"
    csp_undecided: Literal["consentable", "strict"] = "consentable"
    csp: Literal["enforce", "report"] = "enforce"
    """With `report` browsers only tell us what our own policy would refuse."""
    consent_mode: Literal["strip", "signals"] = "strip"
    unknown_cookies: Literal["pass", "block"] = "pass"
    unknown_third_party: Literal["block", "pass"] = "block"
    trusted_proxies: tuple[Annotated[Network, BeforeValidator(_network)], ...] = ()
    """Peers whose X-Forwarded-* and Forwarded are believed and extended."""
    consent_header: bool = False
    """Tell the site what was granted, in `X-Consent`."""
    certificate: str = ""
    """PEM file of our own TLS certificate with its chain; needs `certificate_key`. Empty: plain HTTP."""
    certificate_key: str = ""
    proxy_protocol: bool = False
    """Each connection begins with a PROXY header (version 1 or 2) that a trusted proxy in front writes. Others, and
    connections without one, are closed."""
    access_log: bool = True
    request_id: bool = False
    """Tell visitors the request id of every answer, in `X-Request-Id`, where the site has not said one itself. Our own
    error pages always say it."""
    metrics: str = ""
    """"HOST:PORT" for Prometheus, never the address of visitors. Empty: none."""
    remembered: int = Field(67_108_864, ge=0)
    """Bytes of rewritten documents that each process keeps, for bodies that come again unchanged. 0: none."""
    limits: Limits = Limits()

    @field_validator("listen", "metrics")
    @classmethod
    def _is_host_and_port(cls, text: str, info: ValidationInfo) -> str:
        host, colon, port = text.rpartition(":")
        wanted = bool(text) or info.field_name == "listen"
        if wanted and (not colon or not host or not port.isdigit() or int(port) > 65_535):
            raise ValueError(f'{info.field_name} is "HOST:PORT", not {text!r}')
        return text

    @model_validator(mode="after")
    def _metrics_are_not_public(self) -> ProxySettings:
        if self.metrics and not self.metrics.endswith(":0") and self.metrics == self.listen:
            raise ValueError("metrics need an address of their own, not that of listen: visitors must not read them")
        return self

    @model_validator(mode="after")
    def _proxy_protocol_comes_from_somebody(self) -> ProxySettings:
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("proxy_protocol needs trusted_proxies: who else could be believed?")
        if self.proxy_protocol and self.certificate:
            raise ValueError("proxy_protocol and certificate do not go together: let the proxy in front end TLS")
        return self

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> ProxySettings:
        if bool(self.certificate) != bool(self.certificate_key):
            raise ValueError("certificate and certificate_key belong together")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on; an IPv6 host without its brackets."""
        return _host_and_port(self.listen)

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        return _host_and_port(self.metrics) if self.metrics else None

    def trusts(self, peer: str) -> bool:
        """Is this peer address one of ours, whose forwarding headers are believed?"""
        if not self.trusted_proxies:
            return False
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self.trusted_proxies)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class SiteSettings(_Settings):
    """One `[[site]]`."""

    name: str = ""
    """Default: the first host."""
    hosts: tuple[str, ...] = Field(min_length=1)
    upstream: str
    upstream_host: str = ""
    """Sent as Host instead of the visitor's; links, redirects and cookies of this name are then mapped back."""
    upstream_verify: bool = True
    """Check the certificate of an https upstream."""
    declared: str = ""
    exempt_paths: tuple[str, ...] = ()

    @property
    def own_names(self) -> tuple[str, ...]:
        """Host names, without ports, that are this site's own: those it serves, and the one it is asked under."""
        names = (*self.hosts, *filter(None, [self.upstream_host]))
        return tuple(dict.fromkeys(name.partition(":")[0].lower() for name in names))

    @field_validator("hosts")
    @classmethod
    def _hosts_are_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host or any(mark in host for mark in "/@? \t"):
                raise ValueError(f'"{host}" is no host name: write "shop.example" or "shop.example:8443"')
        return tuple(host.lower().rstrip(".") for host in hosts)

    @field_validator("upstream")
    @classmethod
    def _upstream_is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f'upstream is "http://HOST[:PORT]" or "https://HOST[:PORT]", not {url!r}')
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"upstream is an origin without path, query or user name, not {url!r}")
        _ = parts.port
        return url.rstrip("/")

    @field_validator("exempt_paths")
    @classmethod
    def _paths_are_absolute(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not path.startswith("/"):
                raise ValueError(f'exempt path "{path}" does not start with "/"')
        return paths

    @model_validator(mode="before")
    @classmethod
    def _name_defaults_to_the_first_host(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("name") and data.get("hosts"):
            return data | {"name": str(data["hosts"][0]).partition(":")[0]}
        return data

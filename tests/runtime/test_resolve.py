"""Names under .localhost are answered by ourselves, and no inner address gets past the guard."""

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from runtime.resolve import (
    AddressRefusedError,
    LocalhostResolver,
    address_of,
    is_localhost_name,
    is_loopback,
    is_private,
)


class Table(AbstractResolver):
    """Answers from a table and fails on any other name."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names
        self.closed = False

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=socket.AF_INET, proto=0, flags=0)
            for ip in self.names[host]
        ]

    async def close(self):
        self.closed = True


@pytest.mark.parametrize("name", ["localhost", "shop.localhost", "a.b.LOCALHOST", "shop.localhost."])
async def test_names_under_localhost_are_loopback_without_asking(name):
    found = await LocalhostResolver(Table()).resolve(name, 8080, socket.AF_UNSPEC)
    assert {entry["host"] for entry in found} == {"127.0.0.1", "::1"}
    assert {entry["port"] for entry in found} == {8080}


async def test_only_the_family_asked_for_is_answered():
    assert [e["host"] for e in await LocalhostResolver(Table()).resolve("x.localhost", 1)] == ["127.0.0.1"]
    v6 = await LocalhostResolver(Table()).resolve("x.localhost", 1, socket.AF_INET6)
    assert [entry["host"] for entry in v6] == ["::1"]


async def test_other_names_go_to_the_normal_resolver_which_is_closed_with_ours():
    inner = Table(shop=["203.0.113.7"])
    resolver = LocalhostResolver(inner)
    assert [entry["host"] for entry in await resolver.resolve("shop", 80)] == ["203.0.113.7"]
    await resolver.close()
    assert inner.closed


@pytest.mark.parametrize("name", ["notlocalhost", "localhost.example.com", "xlocalhost"])
def test_a_name_that_only_looks_like_localhost_is_none(name):
    assert not is_localhost_name(name)


async def test_the_guard_leaves_only_what_it_allows():
    resolver = LocalhostResolver(
        Table(mixed=["10.0.0.1", "8.8.8.8"], inner=["192.168.1.1"]),
        guard=lambda ip: f"{ip} is private" if is_private(ip) else None,
    )
    assert [entry["host"] for entry in await resolver.resolve("mixed")] == ["8.8.8.8"]
    with pytest.raises(AddressRefusedError, match=r"inner: 192\.168\.1\.1 is private"):
        await resolver.resolve("inner")
    with pytest.raises(AddressRefusedError):
        await resolver.resolve("shop.localhost")


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1", "127.8.9.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "::", "fe80::1", "fd00::1", "224.0.0.1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2002:7f00:0001::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "255.255.255.255", "192.0.2.1",
    ],
)  # fmt: skip
def test_addresses_the_internet_cannot_reach_are_private(ip):
    assert is_private(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_not(ip):
    assert not is_private(ip)


def test_loopback_is_told_from_other_private_addresses():
    assert is_loopback("127.0.0.9")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("10.0.0.1")


def test_an_address_in_a_url_is_read_with_brackets_and_zone():
    assert address_of("[::1]") == ipaddress.ip_address("::1")
    assert address_of("fe80::1%eth0") == ipaddress.ip_address("fe80::1")
    assert address_of("shop.localhost") is None


@given(st.ip_addresses())
def test_every_address_has_an_answer_and_wrapping_v4_in_v6_changes_nothing(ip):
    answer = is_private(ip)
    assert is_private(str(ip)) == answer
    if ip.version == 4:
        assert is_private(ipaddress.IPv6Address(f"::ffff:{ip}")) == answer

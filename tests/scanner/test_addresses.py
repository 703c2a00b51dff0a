"""No way into the network we run in."""

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import ValidationError

from scanner.addresses import Addresses, MappedResolver, addresses_for, rules_of
from scanner.settings import ScanSettings

OPEN = Addresses(loopback=True)


class Table(AbstractResolver):
    """Answers from a table; any other name is dead."""

    def __init__(self, **names):
        self.names = names

    async def resolve(self, host, port=0, family=socket.AF_INET):
        if host not in self.names:
            raise OSError("no such name")
        return [ResolveResult(hostname=host, host=self.names[host], port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self): ...


def refused(addresses, ip):
    return addresses.refusal(ipaddress.ip_address(ip)) is not None


def test_inner_addresses_are_refused_and_the_way_out_is_named():
    assert "--allow-private" in Addresses().refusal(ipaddress.ip_address("10.0.0.1"))
    assert refused(Addresses(), "127.0.0.1")
    assert refused(Addresses(), "169.254.169.254")
    assert not refused(Addresses(), "8.8.8.8")


def test_loopback_opens_loopback_only():
    assert not refused(OPEN, "127.0.0.9")
    assert not refused(OPEN, "::1")
    assert refused(OPEN, "10.0.0.1")


def test_named_networks_are_open():
    addresses = Addresses(networks=(ipaddress.ip_network("10.1.0.0/16"),))
    assert not refused(addresses, "10.1.2.3")
    assert refused(addresses, "10.2.0.1")
    assert refused(addresses, "::1")


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://[::1]/", "http://shop.localhost/", "http://[::ffff:10.0.0.1]/"]
)
def test_addresses_spelled_in_a_url_are_judged_at_once(url):
    assert Addresses().refusal_of_url(url)
    assert Addresses().refusal_of_url("http://shop.example/") is None


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]/", True),
        ("http://shop.localhost/", True),
        ("http://here/", True),
        ("http://inner/", False),
        ("http://dead/", False),
        ("http://8.8.8.8/", False),
    ],
)
async def test_the_start_address_decides(url, loopback):
    found = await addresses_for(ScanSettings(url=url), Table(here="127.0.1.1", inner="10.0.0.1"))
    assert found.loopback is loopback


async def test_the_browsers_rules_for_names_hold_for_us_too():
    rules = rules_of(
        ["--x", "--host-resolver-rules=MAP shop.test 127.0.0.1:8443, MAP * ~NOTFOUND, EXCLUDE *.localhost"]
    )
    resolver = MappedResolver(rules, Table(**{"a.localhost": "127.0.0.1"}))
    (found,) = await resolver.resolve("shop.test", 443)
    assert (found["host"], found["port"]) == ("127.0.0.1", 8443)
    with pytest.raises(OSError, match="host-resolver-rules"):
        await resolver.resolve("tracker.example", 443)
    (found,) = await resolver.resolve("a.localhost", 80)
    assert (found["host"], found["port"]) == ("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://x/"), ("url", "http://"), ("consent", "everything"), ("allow_private", ("10.0.0.0/99",)),
     ("concurrency", 0), ("mode", "telepathy"), ("maxpages", 1)],
)  # fmt: skip
def test_a_bad_setting_is_an_error_that_names_it(field, value):
    with pytest.raises(ValidationError, match=field):
        ScanSettings(**{"url": "http://x/", field: value})


def test_settings_are_brought_into_one_form():
    found = ScanSettings(url="shop.example", consent="marketing, statistics", allow_private=("10.1.2.3",))
    assert (found.url, found.consent, found.allow_private) == (
        "http://shop.example/",
        "statistics,marketing",
        ("10.1.2.3/32",),
    )


def test_the_identity_of_a_scan_does_not_depend_on_its_speed():
    one = ScanSettings(url="http://x/", concurrency=1)
    assert one.identity() == ScanSettings(url="http://x/", concurrency=8).identity()
    assert one.identity() != ScanSettings(url="http://x/", depth=1).identity()

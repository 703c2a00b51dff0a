"""Which site a host belongs to: own cases, promises, and the public suffix list's own tests where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.party import is_public_suffix, registrable_domain, same_site

OUTSIDE = Path(os.environ.get("SAMTYKKE_TEST_DATA", "/nowhere")) / "psl" / "tests.txt"


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("shop.example.no", "example.no"),
        ("WWW.Shop.CO.UK", "shop.co.uk"),
        ("shop.example.no.", "example.no"),
        ("user.github.io", "user.github.io"),  # the private section counts
        ("github.io", "github.io"),
        ("shop.localhost", "shop.localhost"),  # default rule *: localhost is a suffix
        ("a.shop.localhost", "shop.localhost"),
        ("localhost", "localhost"),
        ("db.internal", "db.internal"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("blåbær.no", "blåbær.no"),
        ("", ""),
    ],
)
def test_a_host_belongs_to_its_registrable_domain(host: str, site: str) -> None:
    assert registrable_domain(host) == site


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("www.shop.no", "cdn.shop.no", True),
        ("shop.localhost", "ads.localhost", False),
        ("a.github.io", "b.github.io", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("10.0.0.1", "20.0.0.1", False),
        ("shop.no", "SHOP.no", True),
    ],
)
def test_two_hosts_are_one_site_or_not(one: str, other: str, *, same: bool) -> None:
    assert same_site(one, other) is same


@pytest.mark.parametrize(
    ("host", "suffix"),
    [("no", True), ("co.uk", True), ("github.io", True), ("shop.no", False), ("localhost", True), ("127.0.0.1", False)],
)
def test_no_cookie_may_be_set_for_a_public_suffix(host: str, *, suffix: bool) -> None:
    assert is_public_suffix(host) is suffix


@given(st.text(max_size=40))
def test_any_text_has_a_site_and_is_on_it(host: str) -> None:
    site = registrable_domain(host)
    assert same_site(host, host)
    assert not site or host.lower().rstrip(".").endswith(site)


LABEL = st.text("abcxyz0123456789-", min_size=1, max_size=8).map(lambda label: f"a{label}z")


@given(st.lists(LABEL, min_size=1, max_size=4), st.sampled_from(["no", "co.uk", "github.io", "localhost", "example"]))
def test_everything_below_a_site_is_that_site(labels: list[str], suffix: str) -> None:
    site = f"{labels[-1]}.{suffix}"
    assert registrable_domain(".".join([*labels, suffix])) == site
    assert registrable_domain(site) == site


if OUTSIDE.exists():
    VECTORS = [line.split() for line in OUTSIDE.read_text("utf-8").splitlines() if line and not line.startswith("//")]

    @pytest.mark.parametrize(("host", "expected"), [vector for vector in VECTORS if len(vector) == 2])
    def test_the_lists_own_tests_hold(host: str, expected: str) -> None:
        """`null` there is a suffix without a site: here a bare suffix is its own site, and no cookie can be set on it.

        A leading dot is no host name; the tests call it null, a caller here never has one.
        """
        if host.startswith("."):
            return
        if expected == "null":
            assert host == "null" or is_public_suffix(host)
        else:
            assert registrable_domain(host) == expected
            assert not is_public_suffix(host)

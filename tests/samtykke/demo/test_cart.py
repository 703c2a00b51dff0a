"""A cart in a cookie survives whatever a browser sends back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtykke.demo.cart import MOST, Cart, read

GOODS = {"telt", "sekk", "sko"}
FRESH = "00c0ffee"


def test_a_cart_reads_back_what_it_wrote() -> None:
    cart = Cart("12345678").add("telt").add("sekk", 3).add("telt")
    assert cart.value() == "12345678~telt.2~sekk.3"
    assert read(cart.value(), GOODS, FRESH) == cart
    assert cart.count == 5


def test_setting_a_count_of_zero_removes_the_line() -> None:
    cart = Cart("12345678").add("telt").add("sko").put("telt", 0)
    assert cart.lines == (("sko", 1),)
    assert cart.put("sko", -4).lines == ()


def test_no_more_of_one_good_than_the_shop_sells() -> None:
    assert Cart("12345678").add("telt", 500).lines == (("telt", MOST),)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("", ()),
        ("12345678", ()),
        ("12345678~telt.2~gull.9", (("telt", 2),)),
        ("12345678~telt.-1~sko.x~sekk.1", (("sekk", 1),)),
        ("nonsense~sko.2", (("sko", 2),)),
        ("12345678~sko.0", ()),
    ],
)
def test_unusable_parts_are_left_out(value: str, lines: tuple[tuple[str, int], ...]) -> None:
    assert read(value, GOODS, FRESH).lines == lines


@given(st.text())
def test_reading_never_fails_and_writes_cookie_octets(value: str) -> None:
    cart = read(value, GOODS, FRESH)
    assert re.fullmatch(r"[0-9a-f]{8}(~[a-z]+\.[0-9]+)*", cart.value())
    assert read(cart.value(), GOODS, "ffffffff") == cart

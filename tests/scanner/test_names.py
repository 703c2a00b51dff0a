"""What is different on each visit becomes a star; what stays, stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.names import steady, steady_address


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dmn_chk_01a1f8b9-7a1b-7517-a716-05ff248c2ff7", "dmn_chk_*"),
        ("_sp_root_domain_test_1795174275247", "_sp_root_domain_test_*"),
        ("_tldtest_olq3Vs8IrwQSldpRreF1jH", "_tldtest_*"),
        ("rudder_key.df57db75-e68b-409b-98dc-600958e62ba1.inProgress", "rudder_key.*.inProgress"),
        ("probe_1795174275", "probe_*"),
        ("_ga", "_ga"),
        ("_ga_ABCDEF1234", "_ga_ABCDEF1234"),
        ("_sp_id.fe15", "_sp_id.fe15"),
        ("ph_phc_guest_posthog", "ph_phc_guest_posthog"),
        ("wp_user_5d41402abc4b2a76b9719d911017c592", "wp_user_5d41402abc4b2a76b9719d911017c592"),
        ("aVeryLongNameInCamelCaseWithoutDigits", "aVeryLongNameInCamelCaseWithoutDigits"),
        ("_hjSession_1234567", "_hjSession_1234567"),
    ],
)  # fmt: skip
def test_only_what_is_made_at_run_time_is_replaced(name, expected):
    assert steady(name) == expected


@given(st.text())
def test_twice_is_once(name):
    assert steady(steady(name)) == steady(name)


@given(st.text("ab?&=#*%0123456789.-_", max_size=60))
def test_an_address_twice_is_once_and_keeps_what_comes_before_its_query(text):
    once = steady_address(text, lambda _: False)
    assert steady_address(once, lambda _: False) == once
    assert once.partition("?")[0] == text.partition("?")[0]

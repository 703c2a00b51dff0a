"""The form's fields become one choice or a reason why not."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from consent_site import SHOP
from hypothesis import given
from hypothesis import strategies as st

from policies.purpose import Purpose
from proxy.consent.choice import MAX_BODY, ChoiceError, fields_of, parse, safe_path

FORM = "application/x-www-form-urlencoded"


def test_accept_grants_exactly_the_purposes_that_were_shown() -> None:
    choice = parse([("action", "accept"), ("notice", "t"), ("return", "/shop?x=1")], SHOP)
    assert choice.purposes == {Purpose.PREFERENCES, Purpose.STATISTICS, Purpose.MARKETING}
    assert (choice.notice, choice.return_path, choice.refuses) == ("t", "/shop?x=1", False)


def test_save_takes_repeated_purposes_and_vendors_with_a_minus_for_never() -> None:
    fields = [
        ("action", "save"),
        ("purpose", "statistics"),
        ("purpose", "marketing"),
        ("vendor", "youtube"),
        ("vendor", "-matomo"),
        ("vendor", ""),
    ]
    choice = parse(fields, SHOP)
    assert choice.purposes == {Purpose.STATISTICS, Purpose.MARKETING}
    assert choice.vendors == (("matomo", False), ("youtube", True))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([], "action is missing"),
        ([("action", "hack")], "action must be one of"),
        ([("action", "accept"), ("action", "reject")], "more than once"),
        ([("action", "save"), ("purpose", "spying")], "purpose must be"),
        ([("action", "save"), ("vendor", "nobody")], "vendor names nobody"),
        ([("action", "save"), ("vendor", "shop")], "vendor names nobody"),
        ([("action", "save"), ("vendor", "youtube"), ("vendor", "-youtube")], "both"),
        ([("action", "accept"), ("return", "/a"), ("return", "/b")], "return is given more than once"),
        ([("action", "accept"), ("notice", "a"), ("notice", "b")], "notice is given more than once"),
        ([("action", "accept"), ("return", "https://evil.example/")], "path on this site"),
        ([("action", "accept"), ("notice", "x" * 5000)], "not a token"),
        ([("action", "accept"), ("notice", "\x00\u2603")], "not a token"),
    ],
)
def test_a_form_that_we_could_not_have_rendered_is_refused_with_a_reason(
    fields: list[tuple[str, str]], reason: str
) -> None:
    with pytest.raises(ChoiceError, match=reason):
        parse(fields, SHOP)


@pytest.mark.parametrize("action", ["reject", "withdraw"])
def test_a_refusal_is_understood_however_broken_the_rest_is(action: str) -> None:
    choice = parse(
        [("action", action), ("return", "//evil"), ("return", "x"), ("vendor", "\x00"), ("notice", "y" * 9999)], SHOP
    )
    assert choice.refuses
    assert (choice.return_path, choice.purposes, choice.notice) == ("/", frozenset(), "")


@pytest.mark.parametrize(
    "path",
    [
        "", "shop", "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/\t/evil",
        "/a\r\nSet-Cookie: x=1", "/a\\b", "/" + "a" * 3000, "/\x7f", "\\/evil", "/ a",
    ],
)  # fmt: skip
def test_nothing_but_a_path_on_this_site_is_returned_to(path: str) -> None:
    assert safe_path(path) is None


@given(st.text(max_size=80))
def test_a_safe_path_never_names_another_host_or_breaks_a_header(text: str) -> None:
    path = safe_path(text)
    assert path is None or (path == text and path[0] == "/" and path[1:2] not in ("/", "\\"))
    assert path is None or not any(ord(letter) < 33 or ord(letter) == 127 for letter in path)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"action=reject", "text/plain", "x-www-form-urlencoded"),
        (b"a=" + b"x" * MAX_BODY, FORM, "larger than"),
        (b"action=%ff%fe", FORM, "not UTF-8"),
        (b"action=\xff", FORM, "not UTF-8"),
        (b"&".join([b"a=1"] * 3000), FORM, "more than"),
    ],
)
def test_a_body_that_is_no_form_is_refused_with_a_reason(body: bytes, kind: str, reason: str) -> None:
    with pytest.raises(ChoiceError, match=reason):
        fields_of(body, kind)


@given(st.binary(max_size=300))
def test_any_bytes_are_fields_or_an_error(body: bytes) -> None:
    try:
        fields = fields_of(body, FORM)
    except ChoiceError:
        return
    try:
        parse(fields, SHOP)
    except ChoiceError as error:
        assert str(error)  # noqa: PT017  either outcome is fine, a silent one is not


@given(st.lists(st.tuples(st.sampled_from(["action", "purpose", "vendor", "notice", "return"]), st.text(max_size=12))))
def test_any_fields_are_a_choice_or_an_error(fields: list[tuple[str, str]]) -> None:
    try:
        choice = parse(fields_of(urlencode(fields).encode("ascii", "replace"), FORM), SHOP)
    except (ChoiceError, UnicodeEncodeError):
        return
    assert safe_path(choice.return_path)

"""The pure pieces: framing, hops and their extra infos, identifiers, canvas verdicts, the command line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.browser.disguise import override, user_agent
from scanner.browser.failures import in_words
from scanner.browser.launch import arguments, preferences
from scanner.browser.observers.fingerprinting import canvas_verdict
from scanner.browser.observers.id_sharing import forms, identifiers
from scanner.browser.pipe import Framing
from scanner.browser.requests import Exchange, Hop
from scanner.browser.settings import BrowserSettings

MESSAGES = st.lists(st.dictionaries(st.text(), st.text() | st.integers(), max_size=3), max_size=5)


@given(MESSAGES, st.lists(st.integers(0, 200), max_size=10))
def test_messages_are_the_same_however_the_bytes_arrive(messages: list[dict[str, object]], cuts: list[int]) -> None:
    stream = b"".join(json.dumps(message).encode() + b"\0" for message in messages)
    for places in (sorted({cut for cut in cuts if cut < len(stream)}), list(range(len(stream)))):
        framing, found = Framing(), []
        for start, end in zip([0, *places], [*places, len(stream)], strict=True):
            found += framing.feed(stream[start:end])
        assert found == messages


@given(st.binary())
def test_any_bytes_are_messages_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(message, dict) for message in Framing().feed(data))


def hop(url: str, status: int | None, has_extra: bool | None) -> Hop:
    return Hop(url=url, kind="image", request="1", session="s", at=0.0, status=status, has_extra=has_extra)


def test_raw_headers_go_to_the_hop_they_belong_to() -> None:
    exchange = Exchange(
        hops=[hop("a", 307, False), hop("b", 302, True), hop("c", 200, True)],
        received=[
            {"statusCode": 103, "headers": {"Link": "early"}},
            {"statusCode": 302, "headers": {"Set-Cookie": "b=1"}},
            {"statusCode": 200, "headers": {"set-cookie": "c=1"}, "blockedCookies": [{}]},
        ],
    )
    a, b, c = exchange.resolve()
    assert (a.header("set-cookie"), b.header("set-cookie"), c.header("set-cookie")) == (None, "b=1", "c=1")
    assert len(c.blocked_set) == 1


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("GA1.1.1234567890.1700000000", "1234567890.1700000000"),
        ("fb.1.1700000000123.1098115397", "1700000000123.1098115397"),
        ("a3f9c2d8e1b04756", "a3f9c2d8e1b04756"),
        ("v=2&uid=8f14e45fceea167a", "8f14e45fceea167a"),
        ("%7B%22id%22%3A%229b2c-77aa-41%22%7D", "9b2c-77aa-41"),
    ],
)
def test_identifiers_are_found_within_values(value: str, found: str) -> None:
    assert found in identifiers(value)


@pytest.mark.parametrize(
    "value", ["1", "english", "1700000000", "1700000000123", "true", "https://shop.test/", "nb-no", ""]
)
def test_words_times_and_addresses_are_no_identifiers(value: str) -> None:
    assert identifiers(value) == set()


def test_an_identifier_is_looked_for_hashed_too() -> None:
    assert ("5d41402abc4b2a76b9719d911017c592", "as MD5") in set(forms("hello"))


@pytest.mark.parametrize(
    ("change", "fingerprinting"),
    [
        ({}, True),
        ({"letters": 0}, False),
        ({"letters": 3, "styles": 1}, False),
        ({"letters": 3, "styles": 2}, True),
        ({"type": "image/jpeg"}, False),
        ({"kept": True}, False),
    ],
)
def test_canvas_criteria(change: dict[str, object], fingerprinting: bool) -> None:
    facts = {"how": "toDataURL", "type": "image/png", "letters": 20, "styles": 2, "kept": False}
    size = {"width": 200, "height": 50}
    assert (canvas_verdict(facts | size | change) is not None) == fingerprinting


def test_the_command_line_follows_the_settings() -> None:
    settings = BrowserSettings(host_resolver_rules="MAP a b", extra_arguments=("--own",), third_party_cookies=False)
    line = arguments(settings, Path("profile"), "156.0.1.2", root=False)
    assert {"--host-resolver-rules=MAP a b", "--own", "--remote-debugging-pipe"} <= set(line)
    assert "--no-sandbox" not in line
    assert "--no-sandbox" in arguments(settings, Path("profile"), "156.0.1.2", root=True)
    assert preferences(settings)["profile"]["cookie_controls_mode"] == 1  # type: ignore[index]


def test_the_disguise_agrees_with_itself() -> None:
    said = override("156.0.8078.79", "en")
    assert "Chrome/156.0.0.0" in user_agent("156.0.8078.79")
    assert "Headless" not in json.dumps(said)
    assert {brand["version"] for brand in said["userAgentMetadata"]["brands"]} == {"156", "24"}


def test_a_misspelt_setting_is_named() -> None:
    with pytest.raises(ValueError, match="settle_second"):
        BrowserSettings(settle_second=1)  # type: ignore[call-arg]


def test_errors_are_told_in_words_with_their_code() -> None:
    assert in_words("net::ERR_NAME_NOT_RESOLVED") == "the host name does not resolve (ERR_NAME_NOT_RESOLVED)"
    assert "certificate" in in_words("net::ERR_CERT_DATE_INVALID")
    assert in_words("net::ERR_NEW") == "ERR_NEW"

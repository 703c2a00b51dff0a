"""The consent cookie: signed, short, forgetful of refusers, and never believed when it is damaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from consent_site import SHOP
from hypothesis import given
from hypothesis import strategies as st

from policies.purpose import ACCEPT, REJECT, UNDECIDED, Consent, Purpose
from proxy.consent.remembered import DAY, Jar, Remembered, newest, read, site_print, values_of, write
from proxy.consent.visitor import Connection, Visitor, recognise
from runtime.keys import Keys, new_keys, rotated

NOW = 1_800_000_000
LIFETIME = 200 * DAY
KEYS = new_keys(datetime(2026, 1, 1, tzinfo=UTC))


def made(consent: Consent = ACCEPT, **changes: object) -> Remembered:
    record = Remembered("accept", consent, NOW, site_print(SHOP), "subject-0123456789")
    return replace(record, **changes)  # type: ignore[arg-type]


def seen(
    *records: Remembered, gpc: bool = False, now: float = NOW + DAY, site: object = SHOP, keys: Keys = KEYS
) -> Visitor:
    header = "; ".join(f"samtykke={write(KEYS.hmac, 'shop', record)}" for record in records)
    return recognise(
        keys.hmac, header.encode(), site, gpc=gpc, now=now, lifetime=LIFETIME, jar=Jar(), connection=Connection()
    )


def test_what_was_granted_comes_back_with_vendors_answered_one_by_one() -> None:
    consent = Consent.of(["statistics"], [("youtube", True), ("matomo", False)])
    found = read(KEYS.hmac, SHOP, write(KEYS.hmac, "shop", made(consent)), NOW)
    assert found == made(consent)


def test_every_answer_of_five_hundred_vendors_fits_into_one_cookie() -> None:
    vendors = tuple(replace(SHOP.vendors[1], id=f"a-vendor-with-a-long-name-{number}") for number in range(400))
    consent = Consent.of([], [(vendor.id, True) for vendor in vendors])
    value = write(KEYS.hmac, "shop", made(consent))
    assert len(value) < 4000
    found = read(KEYS.hmac, replace(SHOP, vendors=vendors), value, NOW)
    assert found is not None
    assert found.consent == consent


@given(st.integers(0, 200), st.sampled_from(["cut", "flip", "insert"]), st.characters(codec="ascii"))
def test_a_damaged_cookie_says_nothing(at: int, how: str, letter: str) -> None:
    value = write(KEYS.hmac, "shop", made())
    at %= len(value)
    damaged = {
        "cut": value[:at],
        "flip": value[:at] + letter + value[at + 1 :],
        "insert": value[:at] + letter + value[at:],
    }[how]
    assert damaged == value or read(KEYS.hmac, SHOP, damaged, NOW) is None


@given(st.text(max_size=200))
def test_no_text_of_anybody_elses_is_believed(text: str) -> None:
    assert read(KEYS.hmac, SHOP, text, NOW) is None


def test_another_sites_cookie_a_strangers_key_and_the_future_are_not_believed() -> None:
    value = write(KEYS.hmac, "other", made())
    assert read(KEYS.hmac, SHOP, value, NOW) is None
    assert read(new_keys(datetime(2026, 1, 1, tzinfo=UTC)).hmac, SHOP, write(KEYS.hmac, "shop", made()), NOW) is None
    ahead = write(KEYS.hmac, "shop", made(issued=NOW + 3600))
    assert read(KEYS.hmac, SHOP, ahead, NOW) is None
    assert read(KEYS.hmac, SHOP, write(KEYS.hmac, "shop", made(issued=NOW + 60)), NOW) is not None


def test_a_choice_outlives_the_rotation_of_keys() -> None:
    assert seen(made(), keys=rotated(KEYS, datetime(2026, 2, 1, tzinfo=UTC))).consent == ACCEPT


def test_a_newcomer_is_undecided_and_asked_and_given_no_cookie() -> None:
    visitor = seen()
    assert (visitor.consent, visitor.prompt, visitor.set_cookies, visitor.subject) == (UNDECIDED, True, (), None)


def test_consenters_are_asked_again_after_a_material_change_and_nothing_stays_granted() -> None:
    visitor = seen(made(), site=replace(SHOP, material="new"))
    assert (visitor.consent, visitor.prompt, visitor.lapsed) == (UNDECIDED, True, "reprompt")
    assert any(line.startswith("samtykke_purposes=; ") and "Max-Age=0" in line for line in visitor.set_cookies)


def test_the_end_of_a_consent_is_told_once() -> None:
    changed = replace(SHOP, material="new")
    first = seen(made(), site=changed)
    header = first.set_cookies[0].split(";")[0].encode()
    again = recognise(
        KEYS.hmac, header, changed, gpc=False, now=NOW + DAY, lifetime=LIFETIME, jar=Jar(), connection=Connection()
    )
    assert (again.prompt, again.lapsed, again.set_cookies) == (True, None, ())


@pytest.mark.parametrize(("days", "asked"), [(1, False), (179, False), (181, True)])
def test_refusers_are_not_asked_again_before_six_months_whatever_changes(days: int, asked: bool) -> None:
    visitor = seen(made(REJECT, basis="reject", subject=None), site=replace(SHOP, material="new"), now=NOW + days * DAY)
    assert visitor.prompt is asked
    assert not visitor.consent.allows(Purpose.STATISTICS)


def test_a_cosmetic_change_asks_nobody() -> None:
    assert not seen(made(), site=replace(SHOP, policy="c" * 64)).prompt


@pytest.mark.parametrize("consent", [ACCEPT, REJECT])
def test_yes_and_no_lapse_after_the_same_time(consent: Consent) -> None:
    assert not seen(made(consent), now=NOW + LIFETIME).prompt
    assert seen(made(consent), now=NOW + LIFETIME + 1).lapsed == "expire"


def test_of_two_cookies_the_newer_counts_and_of_equals_the_refusal() -> None:
    assert seen(made(), made(REJECT, issued=NOW + 9)).consent == REJECT
    assert seen(made(REJECT), made(issued=NOW + 9)).consent == ACCEPT
    assert newest([made(), made(REJECT)]) == made(REJECT)


def test_global_privacy_control_is_a_no_for_the_session() -> None:
    visitor = seen(gpc=True)
    assert (visitor.consent, visitor.prompt, visitor.gpc_first) == (REJECT, False, True)
    assert all("Max-Age" not in line for line in visitor.set_cookies)
    header = visitor.set_cookies[0].split(";")[0].encode()
    later = recognise(
        KEYS.hmac, header, SHOP, gpc=True, now=NOW + DAY, lifetime=LIFETIME, jar=Jar(), connection=Connection()
    )
    assert (later.consent, later.gpc_first, later.set_cookies) == (REJECT, False, ())


def test_a_signal_switched_on_later_beats_an_accept_and_an_accept_given_under_it_beats_the_signal() -> None:
    assert seen(made(), gpc=True).consent == REJECT
    assert seen(made(gpc=True), gpc=True).consent == ACCEPT


def test_our_cookies_are_closed_to_scripts_and_the_mirror_says_nothing_but_purposes() -> None:
    lines = Jar(secure=True).lines(KEYS.hmac, "shop", made(Consent.of(["marketing", "statistics"])), LIFETIME)
    assert "; HttpOnly" in lines[0]
    assert all("; SameSite=Lax" in line and "; Secure" in line and f"Max-Age={LIFETIME}" in line for line in lines)
    assert lines[1].startswith("samtykke_purposes=statistics.marketing; ")
    assert "HttpOnly" not in lines[1]
    assert "Secure" not in Jar().lines(KEYS.hmac, "shop", made(), LIFETIME)[0]
    assert "; Domain=example.com" in Jar(domain="example.com").lines(KEYS.hmac, "shop", made(), LIFETIME)[0]


def test_only_whole_names_are_read_from_a_cookie_header() -> None:
    assert values_of(b'a=1; samtykke=x; xsamtykke=y; samtykke="z"; samtykke; =samtykke', "samtykke") == ["x", "z"]


def test_a_refusers_cookies_are_alike_for_everybody() -> None:
    one, two = (write(KEYS.hmac, "shop", made(REJECT, basis="reject", subject=None)) for _ in "12")
    assert one == two

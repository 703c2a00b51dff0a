"""Lifetimes in words and in seconds, and what counts as a broken promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.lifetime import BROWSER_CAP, DAY, MONTH, YEAR, difference, effective, in_words, months, safari_note
from policies.lifetime_words import UNITS, read_lifetime, unit_named

SAID = {
    "two years": 2 * YEAR,
    "2years": 2 * YEAR,
    "180 dager": 180 * DAY,
    "slettes automatisk etter 180 dager": 180 * DAY,
    "3 måneder": 90 * DAY,
    "13 Monate": 13 * MONTH,
    "12 måneder": YEAR,
    "tolv månader": YEAR,
    "2 år": 2 * YEAR,
    "ett år": YEAR,
    "24 timer": DAY,
    "24-timers": DAY,
    "30 min": 1800,
    "une heure": 3600,
    "un an": YEAR,
    "2 semanas": 14 * DAY,
    "kaksi vuotta": 2 * YEAR,
    "14 vrk": 14 * DAY,
    "1,5 år": YEAR * 3 // 2,
    "et halvt år": 15_768_000,
    "1 år og 1 måned": YEAR + MONTH,
    "1 year 1 month 4 days": YEAR + MONTH + 4 * DAY,
    "6-13 months": 13 * MONTH,
    "up to 2 years": 2 * YEAR,
    "63,072,000 seconds": 63_072_000,
    "33 955 200 s": 33_955_200,
    "1 day(s)": DAY,
    "0 days": 0,
    "Session cookie, expires after 30 minutes": 1800,
    "30 seconds to 1 year": YEAR,
    "halvannet år": YEAR * 3 // 2,
    "ett og et halvt år": YEAR * 3 // 2,
    "one and a half years": YEAR * 3 // 2,
    "1/2 år": YEAR // 2,
    "½ Jahr": YEAR // 2,
    "30/60 days": 60 * DAY,
    "et døgn": DAY,
    "et år": YEAR,
    "en time": 3600,
    "three (3) months": 90 * DAY,
    "3 (three) months": 90 * DAY,
    "twenty four hours": DAY,
    "twenty-four hours": DAY,
    "one hundred days": 100 * DAY,
    "13\u2011months": 13 * MONTH,
    "6 mån.": 180 * DAY,
}

SESSIONS = [
    "session", "Session cookie", "økt", "Økten", "sesjon", "slettes når nettleseren lukkes",
    "slettast når du lukkar nettlesaren", "When you close the browser", "until the browser is closed",
    "bis zum Ende der Sitzung", "wird beim Schließen des Browsers gelöscht", "Fin de session",
    "Al cerrar el navegador", "Selaimen sulkemiseen asti", "istunto", "sessie", "sessionen",
    "under besøket", "så lenge besøket varer", "end of visit", "for the duration of your visit",
    "så lenge nettleseren er åpen", "while your browser is open", "bis zum Ende des Besuchs",
    "slettes når du lukker browseren", "tas bort när du stänger webbläsaren", "lorsque vous fermez votre navigateur",
]  # fmt: skip

NOTHING = [
    "three hundred and five days",
    "",
    "This is a second cookie",
    "used for the first time",
    "see table 2",
    "_ga",
    "Google Analytics 4",
]


@pytest.mark.parametrize(("text", "seconds"), SAID.items())
def test_a_number_and_a_unit_are_read_in_every_language(text: str, seconds: int) -> None:
    said = read_lifetime(text)
    assert said is not None
    assert (said.seconds, said.session) == (seconds, False)


@pytest.mark.parametrize("text", SESSIONS)
def test_the_end_of_the_session_is_recognised(text: str) -> None:
    said = read_lifetime(text)
    assert said is not None
    assert (said.seconds, said.session) == (None, True)


ENDLESS = [
    "persistent", "aldri", "never expires", "unbegrenzt", "illimité", "local storage", "Slettes ikke",
    "Does not expire", "ingen utløpsdato", "until you delete it", "til du sletter den",
    "tills den raderas", "Lokal lagring",
]  # fmt: skip


@pytest.mark.parametrize("text", ENDLESS)
def test_no_end_is_neither_a_number_nor_a_session(text: str) -> None:
    said = read_lifetime(text)
    assert said is not None
    assert (said.seconds, said.session) == (None, False)


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_without_a_lifetime_yields_none(text: str) -> None:
    assert read_lifetime(text) is None


def test_a_heading_gives_bare_numbers_their_unit() -> None:
    assert unit_named("Levetid (dager)") == "day"
    assert unit_named("Expiration time") is None
    said = read_lifetime("180", unit="day")
    assert said is not None
    assert said.seconds == 180 * DAY
    assert read_lifetime("180") is None


@given(st.text())
def test_any_text_is_read_or_passed_over(text: str) -> None:
    said = read_lifetime(text)
    assert said is None or said.seconds is None or said.seconds >= 0


@given(st.integers(1, 5000), st.sampled_from(sorted(UNITS)))
def test_what_is_written_in_english_is_read_back(count: int, unit: str) -> None:
    said = read_lifetime(f"expires after {count} {unit}s")
    assert said is not None
    assert said.seconds


AGREE = [
    (15_768_000, 180 * DAY),
    (15_768_000, months(6)),
    (730 * DAY, 2 * YEAR),
    (731 * DAY, 2 * YEAR),
    (33_955_200, months(13)),
    (62 * DAY, months(2)),
    (28 * DAY, months(1)),
    (31 * DAY, months(1)),
    (1800, None),
    (None, None),
    (60, 600),
]
DIFFER = [
    (YEAR, 1800, "longer"),
    (2 * YEAR, YEAR, "longer"),
    (90 * DAY, 120 * DAY, "shorter"),
    (None, YEAR, "shorter"),
    (YEAR, None, "longer"),
    (390 * DAY, 16 * DAY, "longer"),
]


@pytest.mark.parametrize(("asked", "declared"), AGREE)
def test_what_a_person_would_call_the_same_is_no_difference(asked: int | None, declared: int | None) -> None:
    assert difference(asked, declared) is None


@pytest.mark.parametrize(("asked", "declared", "kind"), DIFFER)
def test_a_broken_promise_is_named(asked: int | None, declared: int | None, kind: str) -> None:
    found = difference(asked, declared)
    assert found is not None
    assert found.kind == kind


def test_a_difference_says_by_how_much() -> None:
    assert str(difference(2 * YEAR, YEAR)) == "1 year longer"


def test_the_browser_caps_and_safari_forgets() -> None:
    assert effective(2 * YEAR) == BROWSER_CAP
    assert effective(DAY) == DAY
    assert effective(None) is None
    assert safari_note(2 * YEAR, script_written=True)
    assert safari_note(DAY, script_written=True) is None
    assert safari_note(2 * YEAR, script_written=False) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "session"),
        (2 * YEAR, "2 years"),
        (13 * MONTH, "13 months"),
        (15_768_000, "182.5 days"),
        (1800, "30 minutes"),
        (60, "1 minute"),
        (0, "0 seconds"),
    ],
)
def test_seconds_are_put_into_words(seconds: int | None, words: str) -> None:
    assert in_words(seconds) == words

"""Which switches to turn, and what a label says a switch is for. No browser."""

import pytest

from scanner.browser.consent import purpose_of
from scanner.browser.consent.switches import Switch, to_turn, without_switch

ROWS = [
    Switch("Necessary", "necessary", on=True, fixed=True),
    Switch("Statistics", "statistics", on=False),
    Switch("Marketing", "marketing", on=True),
    Switch("All", "all", on=False),
    Switch("Something", None, on=True),
]


def test_what_is_not_wanted_goes_off_before_what_is_wanted_goes_on():
    wanted = frozenset({"statistics"})
    assert to_turn(ROWS, wanted) == [2, 4]
    assert to_turn([ROWS[0], ROWS[1], ROWS[3]], wanted) == [1]
    assert to_turn([Switch("Statistics", "statistics", on=True), ROWS[0]], wanted) == []


def test_a_purpose_without_a_switch_is_named():
    assert without_switch(ROWS, frozenset({"preferences", "statistics"})) == ["preferences"]
    assert without_switch([Switch("Statistics", "statistics", on=False, fixed=True)], frozenset({"statistics"})) == [
        "statistics"
    ]


@pytest.mark.parametrize(
    ("label", "purpose"),
    [
        ("Performance and analytics", "statistics"),
        ("Advertisement & targeting", "marketing"),
        ("Strictly necessary cookies", "necessary"),
        ("Functional", "preferences"),
        ("Statistikk", "statistics"),
        ("Marknadsföring", "marketing"),
        ("Markedsføring", "marketing"),
        ("Nødvendige", "necessary"),
        ("Präferenzen", "preferences"),
        ("Notwendig", "necessary"),
        ("Voorkeuren", "preferences"),
        ("Mesure d'audience", "statistics"),
        ("Publicité", "marketing"),
        ("Estadísticas", "statistics"),
        ("Tilastot", "statistics"),
        ("Mainonta", "marketing"),
        ("Välttämättömät", "necessary"),
        ("Enable all", "all"),
        ("Something else", None),
    ],
)
def test_a_label_tells_what_its_switch_is_for(label, purpose):
    assert purpose_of(label) == purpose

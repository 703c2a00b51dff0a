"""Opt-in rates as numbers and as a picture."""

from xml.etree import ElementTree

from proxy.consent.log.statistics import DayCount, as_json, chart_svg

DAYS = [
    DayCount("2026-11-20", "shop", "nb", "a", shown=10, accept=4, reject=2, save=1),
    DayCount("2026-11-20", "shop", "en", "a", shown=3, accept=1),
    DayCount("2026-11-21", "shop", "nb", "a", reject=8),
]


def test_the_json_has_the_contracts_keys_first():
    (day, *_) = as_json(DAYS)["days"]
    assert list(day)[:9] == ["day", "site", "language", "notice", "shown", "accept", "reject", "save", "withdraw"]


def test_decided_counts_visitors_own_choices():
    assert DAYS[0].decided == 7


def test_the_chart_adds_up_a_day_and_says_so_in_text():
    chart = ElementTree.fromstring(chart_svg(DAYS))
    titles = [each.text for each in chart.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["2026-11-20: 5 accept, 1 save, 2 reject", "2026-11-21: 0 accept, 0 save, 8 reject"]


def test_the_highest_bar_fills_the_chart():
    chart = ElementTree.fromstring(chart_svg(DAYS))
    heights = [
        float(each.get("height")) for each in chart.iter("{http://www.w3.org/2000/svg}rect") if each.get("y") != "8"
    ]
    assert sum(heights[3:]) == 200
    assert abs(sum(heights[:3]) - 200) < 0.2


def test_a_chart_of_nothing_is_still_a_picture():
    assert ElementTree.fromstring(chart_svg([])).get("role") == "img"

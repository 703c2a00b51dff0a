"""The indexes find what reading every pattern would find, the surest first, whatever the names hold."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue.names import HostIndex, NameIndex, compile_glob, is_glob


def index(*patterns: str) -> NameIndex[str]:
    found: NameIndex[str] = NameIndex()
    for pattern in patterns:
        found.add(pattern, pattern)
    return found


@pytest.mark.parametrize(
    ("pattern", "name", "hit"),
    [
        ("_ga", "_ga", True),
        ("_ga", "_ga_", False),
        ("_ga_*", "_ga_ABC", True),
        ("_ga_*", "_ga_", True),
        ("__utm?", "__utmz", True),
        ("__utm?", "__utm", False),
        ("ph_*_posthog", "ph_key_posthog", True),
        ("ph_*_posthog", "ph_posthog", False),
        ("*_session", "x_session", True),
        ("*_id_*", "a_id_b", True),
        ("a.b", "axb", False),
        ("a*", "a\nb", True),
        ("[x]*", "[x]1", True),
    ],
)
def test_a_glob_is_literal_but_for_its_wildcards(pattern: str, name: str, *, hit: bool) -> None:
    assert bool(compile_glob(pattern).fullmatch(name)) is hit
    assert (pattern in list(index(pattern).find(name))) is hit


def test_exact_names_come_first_then_the_more_literal_globs() -> None:
    found = list(index("_ga*", "*", "_ga_*", "_ga_X", "*_X").find("_ga_X"))
    assert found[:3] == ["_ga_X", "_ga_*", "_ga*"]
    assert found[-1] == "*"
    assert "*_X" in found


TEXT = st.text("ab_*?.", min_size=1, max_size=6)


@given(st.lists(TEXT, max_size=8, unique=True), st.text("ab_.", max_size=8))
def test_the_index_finds_what_reading_every_pattern_finds(patterns: list[str], name: str) -> None:
    one_by_one = {
        pattern
        for pattern in patterns
        if (compile_glob(pattern).fullmatch(name) if is_glob(pattern) else pattern == name)
    }
    assert set(index(*patterns).find(name)) == one_by_one


@given(st.lists(st.sampled_from(["a.no", "b.a.no", "no", "x.b.a.no", "ba.no"]), unique=True))
def test_the_longest_suffix_of_a_host_comes_first(suffixes: list[str]) -> None:
    found: HostIndex[str] = HostIndex()
    for suffix in suffixes:
        found.add(suffix, suffix)
    hits = [values[0] for values in found.find("X.b.a.NO")]
    expected = [suffix for suffix in ("x.b.a.no", "b.a.no", "a.no", "no") if suffix in suffixes]
    assert hits == expected
    assert ("x.b.a.no" in found) is bool(expected)


def test_a_name_is_found_as_fast_among_many_as_among_few() -> None:
    few, many = (index(*(f"name{n}_*" for n in range(size))) for size in (100, 20_000))

    def cost(names: NameIndex[str]) -> float:
        best = 1.0
        for _ in range(5):
            began = time.process_time()
            for n in range(200):
                next(names.find(f"name{n % 100}_{n}"))
            best = min(best, time.process_time() - began)
        return best

    assert cost(many) < 6 * cost(few) + 0.01

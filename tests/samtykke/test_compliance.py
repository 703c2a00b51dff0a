"""What docs/compliance.md claims: every test it names is there, and every point of the checklists has its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


def test_there_is_a_table_to_check() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    file = ROOT / path if path.startswith("tests/") else ROOT / "tests" / "proxy" / "consent" / path
    assert re.search(rf"^(?:async )?def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "point", [*(f"L{number}" for number in range(1, 12)), *(f"B{number}" for number in range(1, 15))]
)
def test_every_point_of_the_checklists_has_a_row(point: str) -> None:
    assert re.search(rf"^\| (?:\w+, )*{point}(?:, \w+)* \|", TEXT, re.MULTILINE)


def test_every_row_names_a_test() -> None:
    rows = [
        line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| requirement", "| |"))
    ]
    assert [row for row in rows if "::test_" not in row] == []

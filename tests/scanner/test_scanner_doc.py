"""docs/scanner.md is right about the store, the techniques and the number of tools."""

import re
from pathlib import Path

from scanner.browser.consent import tools, words
from scanner.inventory import MIGRATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "scanner.md").read_text()
NUMBERS = {26: "twenty-six", 27: "twenty-seven", 28: "twenty-eight", 29: "twenty-nine", 30: "thirty"}


def test_every_table_and_column_of_the_inventory_is_explained():
    for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\) STRICT", "".join(MIGRATIONS), re.DOTALL):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{table}` |"))
        for column in re.findall(r"^\s+(\w+)\s+(?:INTEGER|TEXT|BLOB)", body, re.MULTILINE):
            assert f"`{column}`" in row, (table, column)


def test_the_number_of_consent_tools_and_of_languages_is_told():
    assert f"{NUMBERS[len(tools())]} consent tools" in PAGE
    assert len(words()) - 1 == 10


def test_every_tool_can_be_accepted_and_refused_and_says_what_it_keeps():
    for tool in tools():
        known = {
            "name",
            "banner",
            "accept",
            "reject",
            "settings",
            "save",
            "switches",
            "pair",
            "keeps",
            "says",
            "granted",
        }
        assert set(tool) <= known, tool["name"]
        assert set(tool.get("switches", ())) <= {"preferences", "statistics", "marketing"}, tool["name"]
        for key in ("accept", "reject", "keeps"):
            assert tool[key], (tool["name"], key)


def test_no_phrase_of_one_language_means_two_things():
    for language, kinds in words().items():
        if language != "about":
            phrases = [phrase for found in kinds.values() for phrase in found]
            assert sorted(set(phrases)) == sorted(phrases), language
            assert all(phrase == phrase.lower().strip() for phrase in phrases), language

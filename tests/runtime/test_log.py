"""Logging: JSON lines for machines, words for people, nothing below the level asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from runtime.log import configure


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_machines_get_one_json_object_a_line():
    stream = io.StringIO()
    configure("auto", stream=stream)
    structlog.get_logger().info("request", path="/a", name="Ærlig")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["path"], line["name"], line["level"]) == ("request", "/a", "Ærlig", "info")
    assert line["timestamp"].endswith("Z")


def test_people_get_words():
    stream = io.StringIO()
    configure("console", stream=stream)
    structlog.get_logger().warning("bypass", on=True)
    assert "bypass" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_what_is_below_the_level_is_not_said():
    stream = io.StringIO()
    configure("json", "warning", stream)
    structlog.get_logger().info("request")
    assert stream.getvalue() == ""


def test_an_exception_is_one_field_of_its_line():
    stream = io.StringIO()
    configure("json", stream=stream)
    try:
        int("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exception"]

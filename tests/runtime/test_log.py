"""Logging: JSON lines for machines, words for people, nothing below the level asked for."""

from __future__ import annotations

import contextlib
import io
import json
import os
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


def test_a_log_that_cannot_be_written_stops_nothing():
    """Its disk is full, its reader gone, its file closed."""
    read, write = os.pipe()
    os.close(read)
    closed = io.StringIO()
    closed.close()
    with open("/dev/full", "w") as full, os.fdopen(write, "w") as unread:
        for stream in (full, unread, closed):
            configure("json", stream=stream)
            for _ in range(3):
                structlog.get_logger().info("request", path="/" + "a" * 10_000)
        for stream in (full, unread):
            with contextlib.suppress(OSError):
                stream.close()

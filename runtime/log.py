"""What every process says about itself: one structlog set-up, for people on a terminal or as JSON lines. To stderr.

No personal data is logged by default: events carry site, path and request id, not addresses, queries or cookies. A log
that cannot be written (its reader gone, its disk full) stops nobody's work.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import Processor

Style = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]


class _Lenient:
    """A stream whose failures concern nobody but whoever would have read it."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._target.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._target.flush()


def configure(style: Style = "auto", level: Level = "info", stream: TextIO | None = None) -> None:
    """Set logging up once per process. `auto`: colours for a terminal, JSON lines for anything else."""
    target = stream if stream is not None else sys.stderr
    person = style == "console" or (style == "auto" and target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=target.isatty())
        if person
        else structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
    )
    if person:
        shared.remove(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Lenient(target))),
        cache_logger_on_first_use=False,
    )

"""Write the reports that `scan` was asked for: a page for a board, the same as PDF, CSV, HAR."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from policies.findings import Finding
from samtykke import __version__
from samtykke.config import ConfigError
from samtykke.outcome import UnreachableError, check_target, write_json, write_text
from samtykke.scanning import Scanned
from samtykke.wiring import catalogue
from scanner.report import PrintError, cookies_csv, har_of, print_pdf, render_html


@dataclass(frozen=True, slots=True)
class Targets:
    """Where each report goes, None for those not asked for."""

    report: str | None = None
    har: str | None = None
    csv: str | None = None

    def check(self) -> None:
        """Raises ConfigError before anything is scanned for a report that could not be written."""
        if self.report and Path(self.report).suffix.lower() not in {".html", ".pdf"}:
            raise ConfigError(f"--report {self.report}: end the name in .html or .pdf")
        for option, name in (("report", self.report), ("har", self.har), ("csv", self.csv)):
            check_target(option, name)


def write_reports(
    scans: Sequence[Scanned], targets: Targets, findings_of: Callable[[Scanned], tuple[Finding, ...]]
) -> None:  # fmt: skip
    """Write what was asked for. The first scan is the report's subject, the others stand beside it."""
    first, *others = scans
    if targets.csv:
        write_text(cookies_csv(first.scan), targets.csv)
    if targets.har:
        write_json(har_of(first.scan, __version__), targets.har)
    if targets.report:
        html = render_html(
            first.scan,
            generated=datetime.now(UTC),
            catalogue=catalogue(),
            findings=findings_of(first),
            screenshots=first.screenshots,
            others=[other.scan for other in others],
            other_screenshots=[other.screenshots for other in others],
        )
        _write_report(html, Path(targets.report))


def _write_report(html: str, path: Path) -> None:
    if path.suffix.lower() == ".html":
        write_text(html, str(path))
        return
    try:
        path.write_bytes(asyncio.run(print_pdf(html)))
    except PrintError as error:
        raise UnreachableError(f"{path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error

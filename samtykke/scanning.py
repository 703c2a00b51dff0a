"""Run scans from the command line: progress for people, the inventory kept, reports written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console
from rich.status import Status

from policies.observation import Scan
from runtime.database import DatabaseUnusableError
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError
from samtykke.stores import open_inventory
from samtykke.wiring import catalogue
from scanner.choice import ChoiceError
from scanner.crawl import Progress, scan
from scanner.settings import ScanSettings


class ScanProgress:
    """A living line on a terminal, one plain line a page in a log. Use as a context manager."""

    def __init__(self, console: Console, site: str) -> None:
        self._console = console
        self._site = site
        self._status = Status(f"scanning {site}", console=console) if console.is_terminal else None

    def __enter__(self) -> ScanProgress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, progress: Progress) -> None:
        if progress.note:
            self._console.print(progress.note, highlight=False)
        if self._status:
            self._status.update(f"scanning {self._site}: {progress}")
        elif progress.url:
            self._console.print(f"{progress} {progress.url} {progress.outcome}", highlight=False, soft_wrap=True)


async def scan_site(config: Config, settings: ScanSettings) -> Scan:
    """One scan, kept in the inventory. Raises UnreachableError naming what could not be reached."""
    async with await open_inventory(config) as inventory:
        with ScanProgress(Console(stderr=True), settings.url) as progress:
            try:
                return await scan(
                    settings, catalogue(), progress=progress, inventory=inventory, now=lambda: datetime.now(UTC)
                )
            except (ChoiceError, DatabaseUnusableError, OSError) as error:
                raise UnreachableError(str(error)) from error


def run_scans(config: Config, wanted: Sequence[ScanSettings]) -> list[Scan]:
    """Each scan after the other. Raises UnreachableError where not a single page of a site could be read."""

    async def run() -> list[Scan]:
        return [await scan_site(config, settings) for settings in wanted]

    scans = asyncio.run(run())
    for found in scans:
        if found.pages and all(page.error for page in found.pages):
            raise UnreachableError(f"{found.site}: {found.pages[0].error}")
    return scans


def write_reports(scans: Sequence[Scan], targets: Mapping[str, str | None]) -> None:
    """Write the reports that were asked for."""
    wanted = {kind: target for kind, target in targets.items() if target}
    if wanted:
        raise ConfigError(f"--{next(iter(wanted))}: not there yet; --json writes everything a report would show")
    del scans

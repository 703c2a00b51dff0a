"""Run scans from the command line: progress for people, the inventory kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from pydantic import ValidationError
from rich.status import Status

from policies.observation import Scan
from runtime.database import DatabaseUnusableError
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError
from samtykke.stores import open_inventory
from samtykke.terminal import Terminal, coloured
from samtykke.wiring import catalogue
from scanner.changes import Changes, compare
from scanner.choice import ChoiceError
from scanner.crawl import Progress, failure, scan
from scanner.settings import ScanSettings


def scan_settings(**values: object) -> ScanSettings:
    """Settings from options. Raises ConfigError naming the option and the reason."""
    try:
        return ScanSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}") from error


class ScanProgress:
    """A living line on a terminal, one plain line a page in a log. Use as a context manager."""

    def __init__(self, console: Terminal, site: str) -> None:
        self._console = console
        self._site = site
        self._status = Status(coloured(f"scanning {site}"), console=console) if console.is_terminal else None

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
            self._console.print(progress.note)
        if self._status:
            self._status.update(coloured(f"scanning {self._site}: {progress}"))
        elif progress.url:
            self._console.print(f"{progress} {progress.url} {progress.outcome}", soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan with its pictures by page, and its number in the inventory: None where it shows nothing to keep."""

    scan: Scan
    number: int | None
    screenshots: Mapping[str, bytes]


async def scan_site(config: Config, settings: ScanSettings) -> Scanned:
    """One scan, kept in the inventory. Raises UnreachableError naming what could not be reached."""
    async with await open_inventory(config) as inventory:
        with ScanProgress(Terminal(stderr=True), settings.url) as progress:
            try:
                found = await scan(
                    settings, catalogue(), progress=progress, inventory=inventory, now=lambda: datetime.now(UTC)
                )
            except (ChoiceError, DatabaseUnusableError, OSError) as error:
                raise UnreachableError(str(error)) from error
        if (why := failure(found)) is not None:
            if all(page.error for page in found.pages):
                raise UnreachableError(f"{settings.url}: {why}")
            Terminal(stderr=True).print(f"{settings.url}: {why}: not kept in the inventory", soft_wrap=True)
            return Scanned(found, None, {})
        number = await inventory.newest_id(found.site)
        return Scanned(found, number, await inventory.screenshots(number) if number is not None else {})


def run_scans(config: Config, wanted: Sequence[ScanSettings]) -> list[Scanned]:
    """Each scan after the other. A consent state that cannot be reached is said and left out where another can.

    Raises UnreachableError where not a single page of a site could be read, or none of its states could be reached.
    """

    async def run() -> list[Scanned]:
        found: list[Scanned] = []
        failed: list[tuple[str, UnreachableError]] = []
        for settings in wanted:
            try:
                found.append(await scan_site(config, settings))
            except UnreachableError as error:
                others = [one for one in wanted if one.url == settings.url and one is not settings]
                if not others:
                    raise
                failed.append((settings.url, error))
                Terminal(stderr=True).print(f"--consent {settings.consent}: {error}", soft_wrap=True)
        reached = {settings.url for settings in wanted} - {url for url, _ in failed} | {one.scan.site for one in found}
        for url, why in failed:
            if url not in reached:
                raise why
        return found

    return asyncio.run(run())


async def changes_since_last(config: Config, scanned: Scanned) -> Changes | None:
    """What differs from the scan before of the same site, mode and consent state; None where there is none."""
    if scanned.number is None:
        return None
    found = scanned.scan
    async with await open_inventory(config) as inventory:
        before = await inventory.newest_id(found.site, mode=found.mode, consent=found.consent, before=scanned.number)
        if before is None:
            return None
        return compare(await inventory.essence(before), await inventory.essence(scanned.number))

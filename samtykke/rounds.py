"""One run of a schedule: each of its addresses scanned or proved, compared with last time, and told where it matters.

Told are a scan's material changes, and whatever a proof finds that the one before did not, or no longer. A message that
reached nobody is sent again with the next proof.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import ValidationError

from runtime.alerts import Alert, Channel, tell
from samtykke.alerting import alert_of, alert_of_proof
from samtykke.config import Config, ConfigError, ScheduleSettings
from samtykke.outcome import UnreachableError
from samtykke.plain import say
from samtykke.proving import direct_address, keep_digest, prove_site, site_of, write_reports
from samtykke.scanning import changes_since_last, scan_site
from scanner.crawl import failure
from scanner.faults import difference, faults_of
from scanner.prove import Proof
from scanner.schedule import Ledger, Schedule
from scanner.settings import ScanSettings


def settings_of(entry: ScheduleSettings, url: str) -> ScanSettings:
    """Raises ConfigError naming the schedule and the reason."""
    try:
        return ScanSettings(url=url, allow_private=entry.allow_private, chromium_arguments=entry.chromium_args)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"[[schedule]] {entry.name}: {url}: {first['loc'][0]}: {first['msg']}") from error


def checked(config: Config) -> list[Schedule]:
    """The schedules, each address of which can be visited. Raises ConfigError naming the one that cannot."""
    for entry in config.schedule:
        for url in entry.sites:
            settings_of(entry, url)
            if entry.kind == "prove":
                if site_of(config, url) is None:
                    raise ConfigError(f"[[schedule]] {entry.name}: no [[site]] has the host of {url}")
                direct_address(site_of(config, url), url)
    return [Schedule(entry.name, entry.cron, entry.sites, entry.kind) for entry in config.schedule]


class Rounds:
    """Goes through the sites of one schedule after the other. `worse` once anything is that should not stay so."""

    def __init__(self, config: Config, channels: Sequence[Channel], ledger: Ledger) -> None:
        self._config = config
        self._channels = channels
        self._ledger = ledger
        self._entries = {entry.name: entry for entry in config.schedule}
        self.worse = False

    async def work(self, plan: Schedule) -> str:
        """One run; gives what came of it in words."""
        entry = self._entries[plan.name]
        one = {"scan": self._scan, "prove": self._prove}[plan.kind]
        said = []
        for url in plan.sites:
            try:
                said.append(f"{url}: {await one(entry, url)}")
            except UnreachableError as error:
                said.append(str(error))
            say(said[-1])
        return "; ".join(said)

    async def _scan(self, entry: ScheduleSettings, url: str) -> str:
        scanned = await scan_site(self._config, settings_of(entry, url))
        if scanned.number is None:
            raise UnreachableError(f"{url}: {failure(scanned.scan)}")
        changes = await changes_since_last(self._config, scanned)
        if changes is None:
            return "first scan"
        words = changes.in_words()
        if not changes.material:
            return words
        self.worse = True
        failures = await self._tell(alert_of(entry.name, scanned.scan.site, scanned.number, changes))
        return "\n".join([words, *failures])

    async def _prove(self, entry: ScheduleSettings, url: str) -> str:
        proof = await prove_site(
            self._config, settings_of(entry, url), pages=entry.pages, states=entry.states, report=_silently
        )
        name = f"{entry.name}-{urlsplit(url).hostname}".replace("/", "-")
        page = write_reports(proof, self._config.path(entry.reports), name)
        found = faults_of(proof)
        changes = difference(await self._ledger.faults(entry.name, url), found)
        said = [changes.in_words(), f"The report is {page}.", await self._logged(proof, url)]
        if changes:
            self.worse = self.worse or bool(changes.new)
            failures = await self._tell(alert_of_proof(entry.name, proof, changes, str(page)))
            said += failures
            if self._channels and len(failures) == len(self._channels):
                return "\n".join(said)
        await self._ledger.keep_proof(entry.name, url, _now(), proof.digest, found)
        return "\n".join(said)

    async def _logged(self, proof: Proof, url: str) -> str:
        """A log that is down must not keep a leak from being told."""
        if (site := site_of(self._config, url)) is None:
            return f"The digest is not logged: no [[site]] has the host of {url}."
        try:
            return await keep_digest(self._config, site, proof)
        except (ConfigError, UnreachableError) as error:
            return f"The digest is not logged: {error}"

    async def _tell(self, alert: Alert) -> list[str]:
        failures = await tell(alert, self._channels, now=_now, sleep=asyncio.sleep)
        return [f"alert not delivered: {failure}" for failure in failures]


def _silently(line: str) -> None:
    """A scheduled proof says what it found, not what it does."""


def _now() -> datetime:
    return datetime.now(UTC)

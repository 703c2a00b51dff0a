"""Open the configured consent log for one command. What cannot be opened becomes one clear line and an exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from proxy.consent.log import ConsentLog, LogUnavailable
from runtime.keys import Keys, load_keys
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError

Answer = TypeVar("Answer")


def keys_of(settings: Config) -> Keys:
    path = settings.path(settings.consent.key_file)
    try:
        return load_keys(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def with_log(settings: Config, work: Callable[[ConsentLog], Awaitable[Answer]], *, site: str | None = None) -> Answer:
    """Open, work, close. Raises UnreachableError, and ConfigError for a `site` neither configured nor recorded."""
    keys = keys_of(settings)

    async def run() -> Answer:
        log = await ConsentLog.open(
            settings.store(settings.consent.store), keys, checkpoints=settings.path(settings.consent.checkpoints)
        )
        try:
            if site is not None and site not in await log.chains():
                settings.one_site(site)
            return await work(log)
        finally:
            await log.close()

    return guarded(run)


def guarded(run: Callable[[], Awaitable[Answer]]) -> Answer:
    async def once() -> Answer:
        return await run()

    try:
        return asyncio.run(once())
    except LogUnavailable as error:
        raise UnreachableError(f"the consent log is out of reach: {error}") from error
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"consent.store: {error}") from error

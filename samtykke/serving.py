"""Run the proxy in this process: open key file, log and desk, listen, stop cleanly on a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from proxy.app import Proxy
from proxy.consent.desk import ConsentDesk
from proxy.consent.log import ConsentLog
from proxy.parts import Parts
from runtime.database import DatabaseUnusableError
from runtime.keys import Keys, create_key_file, load_keys
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError
from samtykke.wiring import catalogue, policy_folder

STOP_WITHIN = 10.0
"""Seconds that running requests get to end."""


def run_until_stopped(work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine on uvloop; Ctrl-C and SIGTERM cancel it, and it ends cleanly."""

    async def main() -> None:
        task = asyncio.ensure_future(work())
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise

    uvloop.run(main())


async def serve_until(config: Config, ready: Callable[[tuple[str, int]], None]) -> None:
    """Serve until cancelled. `ready` is told the address really listened on."""
    async with running_proxy(config) as proxy:
        ready(proxy.address)
        await asyncio.Event().wait()


@asynccontextmanager
async def running_proxy(config: Config, *, without: frozenset[str] = frozenset()) -> AsyncIterator[Proxy]:
    """The proxy, listening. `without` switches gates off by name, for the proof that it can fail.

    Raises ConfigError naming the key at fault, UnreachableError for a store that cannot be opened.
    """
    keys = _keys(config)
    try:
        log = await ConsentLog.open(
            config.store(config.consent.store),
            keys,
            checkpoints=config.path(config.consent.checkpoints),
            must_answer=False,
        )
    except ValueError as error:
        raise ConfigError(f"consent.store: {error}") from error
    try:
        desk = _desk(config, keys, log)
        state = state_folder(config)
        state.mkdir(parents=True, exist_ok=True)
        proxy = Proxy(
            config.proxy,
            config.site,
            catalogue(),
            Parts(desk, lambda: log.trouble),
            policy_file=policy_folder(config).path,
            overrides=config.policy.override,
            state=state,
            without=without,
        )
        await _start(proxy, config)
        try:
            yield proxy
        finally:
            await proxy.stop(STOP_WITHIN)
            await desk.close()
    finally:
        await log.close()


def state_folder(config: Config) -> Path:
    """Where the proxy keeps its counters and the kill switch: beside the policies."""
    return config.path(config.policy.folder) / "state"


async def _start(proxy: Proxy, config: Config) -> None:
    try:
        await proxy.start()
    except OSError as error:
        raise ConfigError(f"proxy.listen {config.proxy.listen}: {error.strerror or error}") from error
    except DatabaseUnusableError as error:
        raise UnreachableError(str(error)) from error


def _keys(config: Config) -> Keys:
    path = config.path(config.consent.key_file)
    try:
        return load_keys(path) if path.exists() else create_key_file(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"consent.key_file {path}: {error}") from error


def _desk(config: Config, keys: Keys, log: ConsentLog) -> ConsentDesk:
    try:
        return ConsentDesk(config.consent, config.controller, keys, log, lambda: datetime.now(UTC), os.urandom)
    except (OSError, ValueError) as error:
        raise ConfigError(f"consent: {error}") from error

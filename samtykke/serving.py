"""Run the proxy: open key file, log and desk, listen, stop cleanly on a signal; in this process, or in workers."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from proxy.app import Proxy
from proxy.consent.desk import ConsentDesk
from proxy.consent.log import ConsentLog
from proxy.counts import Counts
from proxy.metrics import MetricsServer
from proxy.parts import Parts
from runtime.database import DatabaseUnusableError
from runtime.keys import Keys, create_key_file, load_keys
from samtykke.config import Config, ConfigError
from samtykke.imported import imports_of
from samtykke.outcome import CONFIG, UNREACHABLE, UnreachableError
from samtykke.wiring import catalogue, policy_folder
from samtykke.workers import Seat, Supervisor, Work, listeners

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


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker has of its parent: sockets, memory to count in, and a pipe that ends when the parent does."""

    sockets: tuple[socket.socket, ...]
    metrics: tuple[socket.socket, ...]
    counts: Counts
    seat: int
    lifeline: int


async def serve_until(
    config: Config, ready: Callable[[tuple[str, int]], None], *, inherits: Inherited | None = None
) -> None:
    """Serve until cancelled, or until the parent is gone. `ready` is told the address really listened on."""
    async with running_proxy(config, inherits=inherits) as proxy:
        ready(proxy.address)
        over = asyncio.Event()
        if inherits is not None:
            asyncio.get_running_loop().add_reader(inherits.lifeline, over.set)
        await over.wait()


def serve_with_workers(load: Callable[[], Config], workers: int, say: Callable[[tuple[str, int]], None]) -> int:
    """Serve in so many processes until stopped; the exit code. `load` reads the config, now and at each reload.

    Raises ConfigError.
    """
    config = load()
    _keys(config)
    catalogue()
    try:
        places = listeners(config.proxy.address, workers)
    except OSError as error:
        raise ConfigError(f"proxy.listen {config.proxy.listen}: {error.strerror or error}") from error
    metrics = _metrics_sockets(config)
    state = _Shared(config, metrics, Counts((site.name for site in config.site), seats=2 * workers + 1, shared=True))
    gc.collect()
    gc.freeze()  # what was loaded so far stays shared with the workers
    supervisor = Supervisor(
        places,
        state.work(),
        renew=lambda: state.renewed(load()).work(),
        serving=lambda: say(places[0][0].getsockname()[:2]),
        gone=lambda seat: state.counts.leave(seat),
        deadline=STOP_WITHIN,
    )
    return supervisor.run()


@dataclass(slots=True)
class _Shared:
    """What workers that start now are given."""

    config: Config
    metrics: tuple[socket.socket, ...]
    counts: Counts

    def work(self) -> Work:
        config, metrics, counts = self.config, self.metrics, self.counts

        def serve(seat: Seat, ready: Callable[[], None]) -> int:
            inherits = Inherited(seat.sockets, metrics, counts, seat.number, seat.lifeline)
            try:
                run_until_stopped(lambda: serve_until(config, lambda _: ready(), inherits=inherits))
            except (ConfigError, UnreachableError) as error:
                sys.stderr.write(f"{error}\n")
                return CONFIG if isinstance(error, ConfigError) else UNREACHABLE
            return 0

        return serve

    def renewed(self, config: Config) -> _Shared:
        """Raises ConfigError for what only a restart can change."""
        for key in ("listen", "metrics"):
            if getattr(config.proxy, key) != getattr(self.config.proxy, key):
                raise ConfigError(f"proxy.{key} has changed: that needs a restart")
        names = tuple(site.name for site in config.site)
        if names != tuple(site.name for site in self.config.site):
            self.counts = self.counts.moved(names)
        self.config = config
        return self


def _metrics_sockets(config: Config) -> tuple[socket.socket, ...]:
    address = config.proxy.metrics_address
    if address is None:
        return ()
    try:
        return listeners(address, 1)[0]
    except OSError as error:
        raise ConfigError(f"proxy.metrics {config.proxy.metrics}: {error.strerror or error}") from error


@asynccontextmanager
async def running_proxy(
    config: Config, *, without: frozenset[str] = frozenset(), inherits: Inherited | None = None
) -> AsyncIterator[Proxy]:
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
            retention=timedelta(days=config.consent.retention_days),
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
            imports=imports_of(config),
            state=state,
            without=without,
            sockets=inherits.sockets if inherits is not None else (),
            counted=inherits.counts.seat(inherits.seat) if inherits is not None else None,
        )
        await _start(proxy, config)
        metrics = MetricsServer(proxy.counted.counts)
        try:
            await _start_metrics(metrics, config, inherits)
            yield proxy
        finally:
            await proxy.stop(STOP_WITHIN)
            await metrics.stop()
            await desk.close()
    finally:
        await log.close()


def state_folder(config: Config) -> Path:
    """Where the proxy keeps its counters and the kill switch: beside the policies."""
    return config.path(config.policy.folder) / "state"


async def _start(proxy: Proxy, config: Config) -> None:
    try:
        await proxy.start()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"proxy.listen {config.proxy.listen}: {error.strerror or error}") from error
    except DatabaseUnusableError as error:
        raise UnreachableError(str(error)) from error


async def _start_metrics(metrics: MetricsServer, config: Config, inherits: Inherited | None) -> None:
    address = config.proxy.metrics_address
    if address is None:
        return
    try:
        await metrics.start(address, inherits.metrics if inherits is not None else ())
    except OSError as error:
        raise ConfigError(f"proxy.metrics {config.proxy.metrics}: {error.strerror or error}") from error


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

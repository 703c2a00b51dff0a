"""Serving processes under one parent that starts, watches, replaces and stops them, and never touches a request.

The parent holds the listening sockets: one per seat, all at the same port (SO_REUSEPORT spreads connections). A worker
inherits the sockets of its seat by fork, and so does whoever replaces it: what waits to be accepted waits for the next
worker instead of being lost. A worker ends by itself when the parent is gone.

Signals to the parent: TERM and INT stop (a second one at once), HUP starts a new worker in every seat and retires the
old one once the new one is ready; where it does not become ready, the old one stays.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

State = Literal["starting", "serving", "leaving"]
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_START_WITHIN = 60.0
_KILL_AFTER = 2.0
"""Seconds beyond the deadline of a graceful stop."""
_LONGEST_PAUSE = 10.0
_SOUND = 5.0
"""A worker that lived this long (seconds) is replaced at once; one that dies sooner waits longer each time."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What a worker gets. `number` counts all seats, two for each of `place`, used in turn, so that a worker and its
    replacement never count in the same cells. `lifeline` is readable once the parent is gone."""

    number: int
    place: int
    sockets: tuple[socket.socket, ...]
    lifeline: int


Work = Callable[[Seat, Callable[[], None]], int]
"""Serves in a worker until it is told to stop; calls back once it listens. Answers the exit code."""


@dataclass(slots=True)
class _Worker:
    pid: int
    seat: Seat
    state: State
    began: float
    told: int
    """The pipe on which it says that it listens."""
    kill_at: float | None = None


def listeners(address: tuple[str, int], places: int) -> list[tuple[socket.socket, ...]]:
    """Bound sockets for each place, at every address that the host name means. Raises OSError."""
    host, port = address
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    chosen = list(dict.fromkeys((family, where) for family, _, _, _, where in found))
    taken: list[tuple[socket.socket, ...]] = []
    try:
        for _ in range(places):
            bound = []
            for family, where in chosen:
                one = socket.socket(family, socket.SOCK_STREAM)
                bound.append(one)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if places > 1:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.bind((where[0], port, *where[2:]))
                port = one.getsockname()[1]
            taken.append(tuple(bound))
    except OSError:
        for one in (one for some in taken for one in some):
            one.close()
        raise
    return taken


class Supervisor:
    """`run` until stopped. `renew` makes the work anew from the files on disk; `deadline` in seconds is what running
    requests get to end; `gone` is told the number of a seat whose worker has ended."""

    def __init__(
        self,
        places: Sequence[tuple[socket.socket, ...]],
        work: Work,
        *,
        renew: Callable[[], Work],
        serving: Callable[[], None],
        gone: Callable[[int], None],
        deadline: float,
    ) -> None:
        self._places = tuple(places)
        self._work = work
        self._renew = renew
        self._serving = serving
        self._gone = gone
        self._deadline = deadline
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = {}
        self._failed = [0] * len(self._places)
        self._last = [1] * len(self._places)
        self._served = False
        self._stopping = False
        self._code = 0
        self._selector = selectors.DefaultSelector()
        self._lifeline = os.pipe()
        self._log = structlog.get_logger("samtykke.workers")

    def __repr__(self) -> str:
        return f"<Supervisor of {len(self._places)} places: {', '.join(w.state for w in self._workers.values())}>"

    def run(self) -> int:
        """The exit code: 0, or that of a worker that could not start at all."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = {name: signal.signal(name, lambda *_: None) for name in _SIGNALS}
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ)
        try:
            self._start(0)
            while self._workers or self._due:
                for key, _ in self._selector.select(self._patience()):
                    if key.fd == reading:
                        for number in set(os.read(reading, 4096)):
                            self._signalled(signal.Signals(number))
                    else:
                        self._told(key.data)
                self._reap()
                self._on_time(time.monotonic())
        finally:
            signal.set_wakeup_fd(-1)
            for name, handler in before.items():
                signal.signal(name, handler)
            for end in (reading, writing, *self._lifeline):
                os.close(end)
            self._selector.close()
        return self._code

    # What happens.

    def _signalled(self, name: signal.Signals) -> None:
        match name:
            case signal.SIGTERM | signal.SIGINT:
                if self._stopping:
                    for worker in self._workers.values():
                        worker.kill_at = 0.0
                self._stop()
            case signal.SIGHUP if not self._stopping:
                self._reload()

    def _told(self, worker: _Worker) -> None:
        """A worker listens, or its pipe has closed since it has ended."""
        self._selector.unregister(worker.told)
        ready = os.read(worker.told, 1)
        os.close(worker.told)
        worker.told = -1
        if not ready or worker.state != "starting":
            return
        worker.state = "serving"
        for other in list(self._workers.values()):
            if other.seat.place == worker.seat.place and other.began < worker.began:
                self._dismiss(other)
        if self._served or self._stopping:
            return
        # The first worker makes files and tables; the others find them made.
        present = {each.seat.place for each in self._workers.values()}
        for place in range(len(self._places)):
            if place not in present:
                self._start(place)
        if all(each.state == "serving" for each in self._workers.values()):
            self._served = True
            self._serving()

    def _ended(self, worker: _Worker, status: int) -> None:
        place, lived = worker.seat.place, time.monotonic() - worker.began
        if worker.told >= 0:
            self._selector.unregister(worker.told)
            os.close(worker.told)
        self._gone(worker.seat.number)
        if worker.state == "leaving":
            return
        code = os.waitstatus_to_exitcode(status)
        if worker.state == "starting" and not self._served:
            self._code = code if code > 0 else 1
            self._stop()
        elif any(each.seat.place == place and each.state != "leaving" for each in self._workers.values()):
            self._log.error("reload_failed", place=place, exit=code, kept="the worker that serves")
        elif not self._stopping:
            sound = worker.state == "serving" and lived > _SOUND
            self._failed[place] = 0 if sound else self._failed[place] + 1
            pause = 0.0 if self._failed[place] < 2 else min(0.25 * 2 ** self._failed[place], _LONGEST_PAUSE)
            self._due[place] = time.monotonic() + pause
            self._log.error("worker_died", place=place, pid=worker.pid, exit=code, again_in=pause)

    # What is done about it.

    def _reload(self) -> None:
        try:
            self._work = self._renew()
        except Exception as error:
            # Whatever is wrong with the files, what runs goes on.
            self._log.error("reload_refused", reason=str(error))
            return
        self._log.info("reloading")
        self._due.clear()
        for place in range(len(self._places)):
            self._start(place)

    def _stop(self) -> None:
        self._stopping = True
        self._due.clear()
        for worker in list(self._workers.values()):
            self._dismiss(worker)

    def _dismiss(self, worker: _Worker) -> None:
        if worker.state == "leaving":
            return
        worker.state = "leaving"
        worker.kill_at = time.monotonic() + self._deadline + _KILL_AFTER
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGTERM)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if (worker := self._workers.pop(pid, None)) is not None:
                self._ended(worker, status)

    def _on_time(self, now: float) -> None:
        for place, due in list(self._due.items()):
            if due <= now:
                del self._due[place]
                self._start(place)
        for worker in self._workers.values():
            if worker.state == "starting" and now - worker.began > _START_WITHIN:
                worker.kill_at = worker.kill_at or now
            if worker.kill_at is not None and worker.kill_at <= now:
                worker.kill_at = now + 1.0
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    def _patience(self) -> float | None:
        """Seconds until something is due."""
        times = [*self._due.values(), *(each.kill_at for each in self._workers.values() if each.kill_at is not None)]
        times += [each.began + _START_WITHIN for each in self._workers.values() if each.state == "starting"]
        return max(min(times) - time.monotonic(), 0.0) if times else None

    def _start(self, place: int) -> None:
        self._last[place] = 1 - self._last[place]
        seat = Seat(2 * place + self._last[place], place, self._places[place], self._lifeline[0])
        told, tells = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._become(seat, tells)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(tells)
        worker = _Worker(pid, seat, "starting", time.monotonic(), told)
        self._workers[pid] = worker
        self._selector.register(told, selectors.EVENT_READ, worker)

    def _become(self, seat: Seat, tells: int) -> None:
        """The forked process: nothing of the parent's but its seat. Never returns."""
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            for name in _SIGNALS:
                signal.signal(name, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(self._lifeline[1])
            for place, sockets in enumerate(self._places):
                for one in sockets if place != seat.place else ():
                    one.close()
            code = self._work(seat, lambda: _say_ready(tells))
        except Exception:
            self._log.exception("worker_failed", place=seat.place)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _say_ready(tells: int) -> None:
    os.write(tells, b"1")
    os.close(tells)

"""A real PostgreSQL server for tests: own data folder, free loopback port, started and ended by whoever asked for it.

PostgreSQL refuses to run as root, so when we are root the server runs as the user `postgres`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from free_ports import free_port

START_SECONDS = 120.0


class PostgresServer:
    """One cluster. `stop` and `start` may be called in turn: the data stay until `remove`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="samtykke-postgres-"))
        self._as_user = _as_user()
        if self._as_user:
            shutil.chown(self._folder, "postgres", "postgres")
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._run(
            "initdb", "-D", str(self._data), "-U", "samtykke", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://samtykke@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """A fresh database; its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "samtykke", name)
        return self.url(name)

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "shared_buffers": "32MB",
            "fsync": "off",  # tests kill processes, never the machine: what the kernel was given survives
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user, _program("postgres"), "-D", str(self._data), *options], stdout=log, stderr=log, cwd="/"
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'server.log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As a crash would: sessions are cut, nothing is tidied up. What was committed is kept."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(START_SECONDS)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        asked = subprocess.run(
            [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False, cwd="/"
        )
        return asked.returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as_user, _program(program), *arguments], capture_output=True, text=True, check=False, cwd="/"
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A started server, removed at the end."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [
        Path(which) for which in [shutil.which(name)] if which
    ]
    if not found:
        raise FileNotFoundError(f"{name} is not installed: apt-get install postgresql")
    return str(found[-1])

"""`samtykke up` as a stranger runs it: a process of its own, in an empty folder, stopped with Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Up:
    """A running `samtykke up`: its words so far, the addresses it printed, and the program for further commands."""

    process: subprocess.Popen[str]
    folder: Path
    program: Sequence[str]
    lines: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def found(self, pattern: str) -> str:
        match = re.search(pattern, self.said)
        assert match, f"{pattern} not in:\n{self.said}"
        return match[1]

    @property
    def proxy(self) -> str:
        """The address to open, with its slash."""
        return self.found(r"Open (http://\S+/)")

    @property
    def direct(self) -> str:
        """The demo shop without the proxy."""
        return self.found(r"run on (http://\S+/)")

    @property
    def config(self) -> Path:
        return self.folder / "samtykke-data" / "demo" / "samtykke.toml"

    def run(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Another command of the same program with the demo's config."""
        return subprocess.run(
            [*self.program, *arguments, "--config", str(self.config)],
            cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def stop(self) -> int:
        """Ctrl-C, then the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)


@contextmanager
def samtykke_up(folder: Path, *arguments: str, program: Sequence[str] = ()) -> Iterator[Up]:
    """Start it on free ports and wait until it says where to open it. Killed at the end, should it still run."""
    program = program or (sys.executable, "-m", "samtykke")
    process = subprocess.Popen(
        [*program, "up", "--listen", "127.0.0.1:0", "--demo-port", "0", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"COLUMNS": "200"}, start_new_session=True,
    )  # fmt: skip
    up = Up(process, folder, program)
    reader = threading.Thread(target=lambda: up.lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + 600
        while "Ctrl-C ends everything" not in up.said:
            assert process.poll() is None, f"ended with {process.returncode}:\n{up.said}"
            assert time.monotonic() < deadline, f"not up after 600 s:\n{up.said}"
            time.sleep(0.1)
        yield up
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)
        if process.stdout:
            process.stdout.close()

"""Ports for servers that must be told theirs: below those that a kernel gives out, another one for each call.

A port that the kernel named and that was closed again may be anybody's by the time a server binds it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from pathlib import Path

FIRST, EACH, BLOCKS = 20_000, 1_500, 8
_turns = itertools.count(os.getpid())


def free_port() -> int:
    """A port of loopback on which nothing listens. Test processes that run at the same time have each their own."""
    block = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % BLOCKS
    for turn in itertools.islice(_turns, EACH):
        port = FIRST + block * EACH + turn % EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("no port is free")


async def until_it_listens(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until the port takes connections. Raises AssertionError with the log where the process has ended."""
    async with asyncio.timeout(120):
        while True:
            assert process.returncode is None, log.read_text()  # noqa: ASYNC240  once, at the end
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

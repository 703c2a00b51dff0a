"""A process to be killed or starved: appends choices as fast as it can and prints each id once it was acknowledged.

    python consent_writer.py URL KEY_FILE CHECKPOINTS [LARGEST_FILE_BYTES]

With a limit on the size of files it stops at the first refusal, prints "refused REASON", lifts the limit, and goes on
to one more choice.
"""

import asyncio
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from proxy.consent.log import ConsentLog, Event, LogUnavailable
from runtime.keys import load_keys


async def main(url: str, key_file: str, checkpoints: str, limit: int | None = None) -> None:
    log = await ConsentLog.open(url, load_keys(Path(key_file)), checkpoints=Path(checkpoints))
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    refused: list[str] = []

    async def choose() -> None:
        row = await log.append(
            Event("accept", datetime.now(UTC), "shop", subject="visitor", purposes={"statistics": True})
        )
        sys.stdout.write(f"{row.id} {row.hash}\n")
        sys.stdout.flush()

    async def visitor() -> None:
        while not refused:
            try:
                await choose()
            except LogUnavailable as error:
                refused.append(error.reason)

    await asyncio.gather(*(visitor() for _ in range(20)))
    sys.stdout.write(f"refused {refused[0]}\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await choose()
    await log.close()


asyncio.run(main(*sys.argv[1:4], *map(int, sys.argv[4:])))

"""Wait for the end of something that may stop at any time, however fast the machine is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def stands_still(counted: Callable[[], int]) -> int:
    """The count, once it has been the same for half a second. Raises TimeoutError after a minute without that."""
    async with asyncio.timeout(60):
        before = -1
        while before != counted():
            before = counted()
            await asyncio.sleep(0.5)
    return before

"""Keep a polite distance between two pages of one host. The clock and the sleep are passed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Pace:
    """`clock` gives seconds that never run backwards; `sleep` waits for seconds."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._free: dict[str, float] = {}
        """Host to the time from which it may be asked again."""

    async def turn(self, host: str, delay: float) -> None:
        """Wait for this host's turn and take it; the next one comes `delay` seconds later."""
        while (wait := self._free.get(host, 0.0) - self._clock()) > 0:
            await self._sleep(wait)
        if delay:
            self._free[host] = self._clock() + delay

    def pause(self, host: str, seconds: float) -> None:
        """The host asked to be left alone for a while."""
        self._free[host] = max(self._free.get(host, 0.0), self._clock() + seconds)


def backoff(attempt: int) -> float:
    """Seconds to wait after the n-th failed attempt: 0.5, 1, 2, 4, then always 8."""
    return min(0.5 * 2.0 ** (attempt - 1), 8.0)

"""A polite distance between two pages of one host."""

import asyncio
from itertools import pairwise

from scanner.pace import Pace, backoff


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 100.0

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


async def test_two_pages_of_one_host_keep_their_distance_and_other_hosts_do_not_wait():
    time = Time()
    pace = Pace(time.clock, time.sleep)
    await pace.turn("a", 2.0)
    await pace.turn("b", 2.0)
    assert time.now == 100.0
    await pace.turn("a", 2.0)
    assert time.now == 102.0


async def test_a_host_that_asks_for_a_pause_gets_it():
    time = Time()
    pace = Pace(time.clock, time.sleep)
    pace.pause("a", 30.0)
    await pace.turn("a", 0.0)
    assert time.now == 130.0


async def test_pages_that_wait_together_go_one_by_one():
    loop = asyncio.get_running_loop()
    asked, went = [], []

    def clock():
        asked.append(loop.time())
        return asked[-1]

    pace = Pace(clock, asyncio.sleep)

    async def go():
        await pace.turn("a", 0.05)
        went.append(asked[-1])

    await asyncio.gather(*(go() for _ in range(4)))
    assert all(later - earlier >= 0.045 for earlier, later in pairwise(went))


def test_waiting_after_failures_doubles_up_to_a_limit():
    assert [backoff(attempt) for attempt in (1, 2, 3, 4, 5, 9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]

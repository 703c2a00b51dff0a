"""Scheduled scans run when due, once, and never over each other."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scanner.schedule import Ledger, Schedule, run_due, run_forever

NIGHTLY = Schedule("nightly", "0 3 * * *", ("http://shop.localhost/",))
DAY = timedelta(days=1)


def at(day, hour=4, minute=0):
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += timedelta(seconds=seconds)
        if self.now > at(4):
            raise asyncio.CancelledError


@pytest.fixture
async def ledger(tmp_path):
    opened = await Ledger.open(f"sqlite:///{tmp_path / 'schedule.db'}")
    yield opened
    await opened.close()


async def fine(schedule):
    return "no changes"


@pytest.mark.parametrize("cron", ["", "every night", "* * * *", "99 3 * * *", "0 3 * * * *"])
def test_a_cron_expression_that_is_none_is_an_error_that_names_the_schedule(cron):
    with pytest.raises(ValueError, match="schedule 'nightly'"):
        Schedule("nightly", cron, ())


def test_times_are_reckoned_in_the_zone_passed_in():
    oslo = ZoneInfo("Europe/Oslo")
    assert NIGHTLY.next_run(at(1, 4)) == at(2, 3)
    assert NIGHTLY.last_due(at(1, 4)) == at(1, 3)
    assert NIGHTLY.last_due(at(1, 3)) == at(1, 3)
    assert NIGHTLY.next_run(datetime(2026, 7, 1, 4, tzinfo=oslo)) == datetime(2026, 7, 2, 1, tzinfo=UTC)


async def test_a_schedule_seen_for_the_first_time_waits_for_its_next_run(ledger):
    assert await run_due([NIGHTLY], ledger, fine, Clock(at(1))) == 0
    assert await run_due([NIGHTLY], ledger, fine, Clock(at(1, 23))) == 0
    assert await run_due([NIGHTLY], ledger, fine, Clock(at(2, 3, 1))) == 1
    assert await run_due([NIGHTLY], ledger, fine, Clock(at(2, 5))) == 0


async def test_missed_runs_are_caught_up_once(ledger):
    await ledger.claim(NIGHTLY, at(1))
    assert await run_due([NIGHTLY], ledger, fine, Clock(at(9))) == 1
    assert await run_due([NIGHTLY], ledger, fine, Clock(at(9, 5))) == 0
    assert [run.due[:10] for run in await ledger.runs("nightly")] == ["2026-01-09", "2026-01-01"]


async def test_a_run_that_still_goes_on_is_not_overlapped_and_a_killed_one_is_given_up(ledger):
    hourly = Schedule("hourly", "0 * * * *", ())
    await ledger.claim(hourly, at(1, 1))
    assert await ledger.claim(hourly, at(1, 2)) is not None
    assert await ledger.claim(hourly, at(1, 3)) is None
    assert await ledger.claim(hourly, at(1, 9)) is not None


async def test_two_processes_do_not_take_the_same_run(ledger, tmp_path):
    other = await Ledger.open(f"sqlite:///{tmp_path / 'schedule.db'}")
    await ledger.claim(NIGHTLY, at(1))
    taken = await asyncio.gather(*(one.claim(NIGHTLY, at(2)) for one in (ledger, other, ledger, other)))
    await other.close()
    assert len([run for run in taken if run is not None]) == 1


async def test_a_run_that_fails_is_written_down_and_the_others_run(ledger):
    async def work(schedule):
        if schedule.name == "nightly":
            raise OSError("the browser is gone")
        return "fine"

    both = [NIGHTLY, Schedule("second", "0 3 * * *", ())]
    for schedule in both:
        await ledger.claim(schedule, at(1))
    assert await run_due(both, ledger, work, Clock(at(2))) == 2
    assert (await ledger.runs("nightly"))[0].outcome == "failed: the browser is gone"
    assert (await ledger.runs("second"))[0].outcome == "fine"


async def test_it_goes_on_for_days(ledger):
    ran = []

    async def work(schedule):
        ran.append(clock.now)
        return "fine"

    clock = Clock(at(1))
    with pytest.raises(asyncio.CancelledError):
        await run_forever([NIGHTLY], ledger, work, now=clock, sleep=clock.sleep)
    assert [(when.day, when.hour, when.minute) for when in ran] == [(2, 3, 0), (3, 3, 0), (4, 3, 0)]

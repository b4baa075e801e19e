"""Clocks set back or far ahead, and a machine that slept (R27): beats go on, and what was missed comes once."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clockwork import Clockwork, Every

TICK = timedelta(milliseconds=50)
JUMPS = {
    "an hour back": timedelta(hours=-1),
    "an hour ahead": timedelta(hours=1),
    "a day back": timedelta(days=-1),
    "asleep for three hours": timedelta(hours=3),
    "ten years ahead": timedelta(days=3650),
}


class Wall(tzinfo):
    """UTC by a clock that can be set."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def utcoffset(self, _: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, _: datetime | None) -> str:
        return "UTC"

    def fromutc(self, at: datetime) -> datetime:
        return at + self.off


def test_a_trigger_counts_from_now_however_far_the_clock_was_set_ahead() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    job = Job(
        AsyncIOScheduler(timezone=UTC), id="tick", func=print, args=(), kwargs={}, trigger=Every(timedelta(hours=1))
    )
    job._modify(next_run_time=now)
    assert len(job._get_run_times(now + timedelta(days=3650))) == 1  # the library's own: 87,601


async def test_a_beat_that_is_hours_late_is_given_and_not_skipped() -> None:
    """As R28 wants of every job; APScheduler itself skips what is more than a second late."""
    clockwork = Clockwork({"slow": timedelta(hours=1), "daily": timedelta(days=1)})
    task = asyncio.create_task(clockwork.run())
    async with asyncio.timeout(5):
        await clockwork.beat("slow")
    scheduler = clockwork._scheduler
    assert scheduler is not None
    jobs = scheduler.get_jobs()
    assert {(job.misfire_grace_time, job.coalesce, job.max_instances) for job in jobs} == {(None, True, 1)}
    assert len(jobs) == 2
    for job in jobs:
        job.modify(next_run_time=datetime.now(UTC) - timedelta(hours=5))
    async with asyncio.timeout(5):
        await clockwork.beat("slow")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
async def test_beats_go_on_and_none_is_made_up_for(jump: timedelta) -> None:
    wall = Wall()
    clockwork = Clockwork({"tick": TICK, "slow": timedelta(hours=1)}, wall)
    task = asyncio.create_task(clockwork.run())
    async with asyncio.timeout(5):
        for _ in range(3):
            await clockwork.beat("tick")
    wall.off += jump
    began = time.monotonic()
    async with asyncio.timeout(5):
        for _ in range(6):
            await clockwork.beat("tick")
    # The scheduler started anew gives a beat at once, and one may have stood ready.
    assert time.monotonic() - began > 3 * TICK.total_seconds()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

"""Beats: the first at once, one for several missed ones, and again where APScheduler has stopped giving them."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.clockwork import Clockwork

TICK = timedelta(milliseconds=30)


async def running(clockwork: Clockwork) -> asyncio.Task[None]:
    task = asyncio.create_task(clockwork.run())
    await asyncio.sleep(0)
    return task


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_first_beat_comes_at_once_and_others_follow() -> None:
    clockwork = Clockwork({"tick": TICK, "slow": timedelta(hours=1)})
    task = await running(clockwork)
    async with asyncio.timeout(5):
        await clockwork.beat("slow")
        for _ in range(4):
            await clockwork.beat("tick")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await clockwork.beat("slow")
    await stopped(task)


async def test_beats_that_were_missed_are_one() -> None:
    clockwork = Clockwork({"tick": timedelta(hours=1)})
    for _ in range(3):
        clockwork.give("tick")
    await clockwork.beat("tick")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await clockwork.beat("tick")


async def test_a_loop_that_was_blocked_gets_one_beat_and_not_all_that_it_missed() -> None:
    clockwork = Clockwork({"tick": timedelta(milliseconds=200)})
    task = await running(clockwork)
    await clockwork.beat("tick")
    time.sleep(0.9)  # noqa: ASYNC251 - a loop that is blocked is what this is about
    began = asyncio.get_running_loop().time()
    await clockwork.beat("tick")
    await clockwork.beat("tick")
    assert asyncio.get_running_loop().time() - began > 0.02
    await stopped(task)


async def test_a_scheduler_that_gives_no_beats_is_replaced_and_the_late_beat_given_anew() -> None:
    clockwork = Clockwork({"tick": TICK, "slow": timedelta(hours=1)})
    task = await running(clockwork)
    await clockwork.beat("tick")
    await stopped(task)  # as when the machine's clock is set back: APScheduler waits until it has caught up
    await asyncio.sleep(3 * TICK.total_seconds())
    clockwork.rearm()
    async with asyncio.timeout(5):
        for _ in range(3):
            await clockwork.beat("tick")
    again = await running(clockwork)
    await stopped(again)


async def test_beats_that_are_in_time_are_left_alone() -> None:
    clockwork = Clockwork({"tick": timedelta(hours=1)})
    task = await running(clockwork)
    await clockwork.beat("tick")
    with capture_logs() as logs:
        clockwork.rearm()
    assert logs == []
    await stopped(task)


async def test_stopping_leaves_no_beat_behind() -> None:
    clockwork = Clockwork({"tick": TICK})
    await stopped(await running(clockwork))
    await clockwork.beat("tick")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await clockwork.beat("tick")


async def test_a_stop_in_the_midst_of_a_beat_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    clockwork = Clockwork({"tick": timedelta(milliseconds=1)})
    task = await running(clockwork)
    time.sleep(0.01)  # noqa: ASYNC251 - so that a beat is due the moment the scheduler looks
    assert clockwork._scheduler is not None
    clockwork._scheduler.wakeup()
    clockwork._stop()  # both in one turn of the loop: whatever the look started has not run when the stop comes
    await asyncio.sleep(0.01)
    await stopped(task)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []

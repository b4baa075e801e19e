"""APScheduler, nothing else: it only ticks. What is due stands in rows, and our own workers own the work.

A clock set back stops APScheduler (0 runs in an hour, measured), so each beat is also watched on the loop's
monotonic time and given anew when it is two intervals late. At a clock set ahead its own trigger lists every run that
it has passed over: ten years of seconds are three hundred million. Ours counts from now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo

import structlog
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

log = structlog.get_logger()


class Every(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """A run each `interval`, counted from now, however many the clock has passed over."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._interval


class Clockwork:
    """Beats by name. `await beat(name)` waits for the next one; several missed beats are one.

    `zone` is by what APScheduler reads the time: the one way to hand it a clock of one's own.
    """

    def __init__(self, intervals: Mapping[str, timedelta], zone: tzinfo = UTC) -> None:
        self._intervals = dict(intervals)
        self._zone = zone
        self._beats = {name: asyncio.Event() for name in intervals}
        self._last: dict[str, float] = {}
        self._scheduler: AsyncIOScheduler | None = None

    def every(self, name: str) -> timedelta:
        """How long it is from one beat to the next."""
        return self._intervals[name]

    async def beat(self, name: str) -> None:
        """Wait for the beat and take it."""
        await self._beats[name].wait()
        self._beats[name].clear()

    def give(self, name: str) -> None:
        """Give a beat now."""
        self._last[name] = asyncio.get_running_loop().time()
        self._beats[name].set()

    async def run(self) -> None:
        """Tick until cancelled."""
        self._start()
        try:
            while True:
                await asyncio.sleep(min(self._intervals.values()).total_seconds())
                self.rearm()
        finally:
            self._stop()

    def rearm(self) -> None:
        """Give the beats that are two intervals late, and start the scheduler anew if any was."""
        now = asyncio.get_running_loop().time()
        late = [name for name, every in self._intervals.items() if now - self._last[name] > 2 * every.total_seconds()]
        if not late:
            return
        log.warning("clockwork.rearmed", late=late)
        self._start()

    def _start(self) -> None:
        self._stop()
        self._scheduler = AsyncIOScheduler(
            timezone=self._zone,
            # on the loop and at once: events are not for threads, and a stop would cut a task off with a complaint
            executors={"default": DebugExecutor()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for name, every in self._intervals.items():
            self._scheduler.add_job(self.give, Every(every), args=(name,))
            self.give(name)
        self._scheduler.start()

    def _stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

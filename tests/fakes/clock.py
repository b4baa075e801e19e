"""A clock that moves only when told to, or when somebody sleeps on it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class FakeClock:
    """Sleeping takes no real time: time jumps to the earliest sleeper once all else is quiet."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start
        self._passed = timedelta(0)
        self._sleepers: list[tuple[timedelta, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Be set, as by a hand or a time server: no time passes."""
        self._now += by

    def set(self, to: datetime) -> None:
        self.advance(to - self._now)

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._passed += by
        for at, future in list(self._sleepers):
            if at <= self._passed and not future.done():
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        at = self._passed + timedelta(seconds=max(seconds, 0))
        future = asyncio.get_running_loop().create_future()
        entry = (at, future)
        self._sleepers.append(entry)
        try:
            for _ in range(200):  # let everything that can still run do so first
                await asyncio.sleep(0)
                if future.done():
                    return
            while not future.done():
                earliest = min(at for at, _ in self._sleepers)
                if earliest == at:
                    self.advance(max(at - self._passed, timedelta(0)))
                await asyncio.sleep(0.001)
        finally:
            self._sleepers.remove(entry)

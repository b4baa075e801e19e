"""The time of the sample: it starts on the morning of its day and runs on as real time does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2023, 10, 5, 12, 0, tzinfo=UTC)


class SampleClock:
    """A clock that shows `START` when it is made. `monotonic` counts real seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._monotonic() - self._began)

    def monotonic(self) -> float:
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

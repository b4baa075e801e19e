"""The real clock: the one place where real time enters."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """Time as this machine has it."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - everybody else is handed a clock

    def monotonic(self) -> float:
        # unlike `time.monotonic`, this clock goes on through a suspend; macOS has no such thing to offer
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

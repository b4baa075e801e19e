"""The real clock: the one place where real time enters."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Time as this machine has it."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - everybody else is handed a clock

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

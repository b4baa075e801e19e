"""Ending what runs beside one another."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import structlog

log = structlog.get_logger()


async def end(tasks: Collection[asyncio.Task[Any]], seconds: float | None = None) -> None:
    """Cancel tasks and wait until they have ended, for at most so long. What they raise while ending is dropped."""
    for task in tasks:
        task.cancel()
    ended, late = await asyncio.wait(tasks, timeout=seconds)
    await asyncio.gather(*ended, return_exceptions=True)
    if late:
        log.warning("daemon.left_behind", tasks=len(late))

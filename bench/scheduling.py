"""What the daemon holds to know of 100,000 sources which is due: rows of the database, and nothing of its own.

The sources themselves are settings, and are shown apart: they are there whether anything is scheduled or not.
Memory of Python is traced, not resident: what SQLite keeps of its pages is bounded by its cache, whatever there is.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from statistics import median

from bench.figure import Figure
from bot.clock import SystemClock
from bot.core.intake import SourceSpec
from bot.core.model import Changes
from bot.store import open_store

SOURCES = 100_000
TICKS = 7
_AT_A_TIME = 5_000
_HOUR = timedelta(hours=1)


async def figures() -> AsyncIterator[Figure]:
    now = SystemClock().now()
    tracemalloc.start()
    sources = tuple(_source(number) for number in range(SOURCES))
    settings, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/policybell.db")
        await store.register(sources)
        cursors = await store.cursors()
        for start in range(0, SOURCES, _AT_A_TIME):
            some = cursors[start : start + _AT_A_TIME]
            await store.commit([Changes(replace(cursor, next_poll_at=now + _HOUR)) for cursor in some])
        del cursors
        times = []
        tracemalloc.start()
        for _ in range(TICKS):
            began = time.process_time()
            assert not await store.due(now)
            times.append((time.process_time() - began) * 1000)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await store.close()
    what = f"{SOURCES:,} sources scheduled"
    yield Figure(f"{what}, none due", most / 1e6, "MB of Python", reach="<= 10")
    yield Figure(f"{what}, a tick", median(times), "ms CPU")
    yield Figure(f"{what}, their settings", settings / 1e6, "MB of Python")


def _source(number: int) -> SourceSpec:
    return SourceSpec(f"s{number}", "feed", f"Feed {number}", f"https://h{number}.example/feed", _HOUR)

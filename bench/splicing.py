"""Reading one feed in this process: whole as feedparser does it, and by its new entries alone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from statistics import median

import feedparser

from bench.figure import Figure, beside
from bench.stand_in import BODY, ENTRIES
from bot.core.intake import NO_HINTS, FeedResponse, Hints
from bot.sources.feed import SOURCE

ROUNDS = 25
_URL = "https://uscis.example/feed"
_TIMES = 5  # what is quick is done so often in one round


async def figures() -> AsyncIterator[Figure]:
    body = BODY.encode()
    response = FeedResponse("s", _URL, 200, {}, body, datetime(2023, 10, 6, tzinfo=UTC))
    spans = SOURCE.parse(response, NO_HINTS).spans
    assert len(spans) == ENTRIES
    all_known, one_new = Hints(known=frozenset(spans)), Hints(known=frozenset(spans[1:]))
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "feedparser": (1, lambda: feedparser.parse(body)),
        "whole": (1, lambda: SOURCE.parse(response, NO_HINTS)),
        "none": (_TIMES, lambda: SOURCE.parse(response, all_known)),
        "one": (_TIMES, lambda: SOURCE.parse(response, one_new)),
    }
    costs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, (times, work) in works.items():
            began = time.process_time()
            for _again in range(times):
                work()
            costs[name].append((time.process_time() - began) * 1000 / times)
    theirs, what = costs["feedparser"], f"{len(body) // 1024} kB, {ENTRIES} entries"
    against = "full feedparser"
    yield beside(f"read whole ({what})", costs["whole"], theirs, unit="ms CPU", against=against, reach="")
    yield beside("splice and parse, nothing new", costs["none"], theirs, unit="ms CPU", against=against, reach="")
    yield beside(
        "splice and parse, one new", costs["one"], theirs, unit="ms CPU", against=against, reach="<= 0.067 (15x)"
    )
    yield Figure("splice and parse, one new, times cheaper", median(theirs) / median(costs["one"]), "x", reach=">= 15")

"""From a feed's body in memory to committed rows: parse in the child, clean, judge, match, plan, commit with FULL."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench.figure import Figure, percentile
from bot.clock import SystemClock
from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec
from bot.core.model import Chat, Voice
from bot.core.query import read_topics
from bot.errors import FetchError
from bot.poll import LiveIndex, PollDesk, poll_due
from bot.reading import ReadingRoom
from bot.store import open_store
from config import load
from tests.fakes.news import Item, rss, tps_item

READERS = 200
QUERIES = 2_000
ROUNDS = 150
DEPTH = 20


class GrowingFeed:
    """`bot.ports.Fetch` out of memory: one new item a poll, without a date, as what is dated years ago is not sent."""

    def __init__(self, clock: SystemClock) -> None:
        self.clock = clock
        self.items: list[Item] = []

    async def __call__(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        self.items.insert(0, replace(tps_item(len(self.items)), published=None))
        body = rss("Growing", self.items[:DEPTH]).encode()
        return FeedResponse(source.id, url, 200, {"content-type": "application/rss+xml"}, body, self.clock.now())


async def figures() -> AsyncIterator[Figure]:
    clock = SystemClock()
    reading = ReadingRoom()
    reading.start()
    topics = read_topics(load(None, {}).topics)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder)}/policybell.db")
        source = SourceSpec("growing", "feed", "Growing", "https://growing.example/feed", timedelta(0))
        await store.register((source,))
        for number in range(READERS):
            await store.follow(Chat("telegram", "", str(number)), Voice(), "topic:tps", "TPS", clock.now())
        for number in range(QUERIES):
            query = f"topic:tps AND rareword{number}"
            await store.follow(Chat("telegram", "", str(number % READERS)), Voice(), query, query, clock.now())
        desk = PollDesk(
            store=store,
            fetch=GrowingFeed(clock),
            read=reading,
            queries=LiveIndex(store, Index(topics)),
            sources={source.id: source},
            clock=clock,
            jitter=lambda: 0.5,
            limits=AgendaLimits(0.0, timedelta(hours=1), timedelta(0)),
        )
        await poll_due(replace(desk))
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            (polled,) = await poll_due(desk)
            times.append((time.perf_counter() - started) * 1000)
            assert (polled.new, polled.alerts) == (1, READERS), polled
        what = f"{DEPTH} entries, {QUERIES} queries, {READERS} rows"
        yield Figure(f"feed body to committed outbox, p50 ({what})", percentile(times, 0.5), "ms")
        yield Figure("feed body to committed outbox, p99", percentile(times, 0.99), "ms")
        await store.close()
    await reading.close()

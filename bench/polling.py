"""What polling costs: an all-304 round beside plain conditional aiohttp, an unchanged 200 beside a full parse."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import feedparser

from bench.figure import Figure, beside
from bench.stand_in import BODY, ENTRIES, stand_in
from bot.clock import SystemClock
from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, SourceSpec
from bot.core.model import Changes
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from bot.logs import set_up
from bot.poll import LiveIndex, PollDesk, poll_due
from bot.reading import ReadingRoom
from bot.store import open_store

FEEDS = 200
ROUNDS = 7
AT_ONCE = 50


async def figures() -> AsyncIterator[Figure]:
    set_up(format="json", level="warning", secrets=(), chat_salt=b"bench")
    reading = ReadingRoom()
    reading.start()
    with tempfile.TemporaryDirectory() as folder, stand_in() as root:
        for figure in await _beside_plain_aiohttp(Path(folder), root, reading):
            yield figure
    await reading.close()


async def _beside_plain_aiohttp(folder: Path, root: str, reading: ReadingRoom) -> list[Figure]:
    same, full = Poller(folder / "same", f"{root}/same", reading), Poller(folder / "full", f"{root}/full", reading)
    await same.first_round()
    await full.first_round()
    ours_304, plain_304, ours_200, parsed_200 = [], [], [], []
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        await _plain(session, f"{root}/same")
        for _ in range(ROUNDS):
            ours_304.append(await cpu(same.round))
            plain_304.append(await cpu(lambda: _plain(session, f"{root}/same")))
            ours_200.append(await cpu(full.round))
            parsed_200.append(await cpu(lambda: _parsed(session, f"{root}/full")))
    await same.close()
    await full.close()
    unit = "ms CPU/feed"
    size = f"{len(BODY) // 1024} kB, {ENTRIES} entries"
    return [
        beside("poll, all 304", ours_304, plain_304, unit=unit, against="plain conditional aiohttp", reach="<= 1.1"),
        beside(
            f"poll, 200 unchanged ({size})",
            ours_200,
            [value * FEEDS / _PARSED for value in parsed_200],
            unit=unit,
            against="aiohttp + full feedparser",
            reach="<= 0.025 (40x)",
        ),
    ]


_PARSED = 20  # a full parse is slow: fewer feeds a round


async def cpu(work: Callable[[], Awaitable[None]]) -> float:
    """CPU milliseconds of this process, all threads, a feed."""
    before = time.process_time()
    await work()
    return (time.process_time() - before) * 1000 / FEEDS


async def _plain(session: aiohttp.ClientSession, root: str) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def get(number: int) -> None:
        async with places, session.get(f"{root}/{number}", headers={"If-None-Match": '"v1"'}) as answer:
            await answer.read()

    await asyncio.gather(*(get(number) for number in range(FEEDS)))


async def _parsed(session: aiohttp.ClientSession, root: str) -> None:
    for number in range(_PARSED):
        async with session.get(f"{root}/{number}") as answer:
            feedparser.parse(await answer.read())


class Poller:
    """The real polling loop with its store, over so many sources on one host."""

    def __init__(self, folder: Path, root: str, reading: ReadingRoom) -> None:
        folder.mkdir()
        clock = SystemClock()
        self.sources = {
            f"s{number}": SourceSpec(f"s{number}", "feed", f"Feed {number}", f"{root}/{number}", timedelta(0))
            for number in range(FEEDS)
        }
        self.store = open_store(f"sqlite:///{folder}/policybell.db")
        limits = FetchLimits(per_host_delay=timedelta(0))
        self.fetcher = Fetcher(contact="", limits=limits, clock=clock, gate=Gate(allow_private=True))
        self.desk = PollDesk(
            store=self.store,
            fetch=self.fetcher,
            read=reading,
            queries=LiveIndex(self.store, Index({})),
            sources=self.sources,
            clock=clock,
            jitter=lambda: 0.5,
            limits=AgendaLimits(0.0, timedelta(hours=1), timedelta(0)),
            places=asyncio.Semaphore(AT_ONCE),
        )

    async def first_round(self) -> None:
        """Poll one feed for real; the others are given its cursor, as if they had been polled."""
        await self.store.register(tuple(self.sources.values()))
        first = self.sources["s0"]
        await poll_due(replace(self.desk, sources={"s0": first}))
        (known,) = [cursor for cursor in await self.store.cursors() if cursor.source_id == "s0"]
        await self.store.commit([changes_for(known, source) for source in self.sources.values()])

    async def round(self) -> None:
        results = await poll_due(self.desk)
        assert len(results) == FEEDS
        assert not any(result.error or result.new for result in results)

    async def close(self) -> None:
        await self.fetcher.close()
        await self.store.close()


def changes_for(known: Cursor, source: SourceSpec) -> Changes:
    return Changes(replace(known, source_id=source.id, validator_url=source.url))

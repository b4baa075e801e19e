"""What polling costs: all 304, unchanged 200, one new entry, beside plain aiohttp, a full parse and `reader`."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import aiohttp
import feedparser

from bench.figure import Figure, beside
from bench.stand_in import BODY, ENTRIES, stand_in
from bot.clock import SystemClock
from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, NotModified, SourceSpec
from bot.core.model import Changes
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from bot.logs import set_up
from bot.poll import LiveIndex, PollDesk, poll_due
from bot.reading import ReadingRoom
from bot.store import open_store

FEEDS = 1_000
ROUNDS = 5
AT_ONCE = 50
UNIT = "ms CPU/feed"


async def figures() -> AsyncIterator[Figure]:
    set_up(format="json", level="warning", secrets=(), chat_key=bytes)
    reading = ReadingRoom()
    reading.start()
    with tempfile.TemporaryDirectory() as folder, stand_in() as root:
        for figure in await _beside_plain_aiohttp(Path(folder), root, reading):
            yield figure
    await reading.close()


async def _beside_plain_aiohttp(folder: Path, root: str, reading: ReadingRoom) -> list[Figure]:
    before = await asyncio.to_thread(by_reader, root, _FEEDS_OF_READER, _ROUNDS_OF_READER)
    same, full = Poller(folder / "same", f"{root}/same", reading), Poller(folder / "full", f"{root}/full", reading)
    await same.first_round()
    await full.first_round()
    costs: dict[str, list[float]] = defaultdict(list)
    with _kept(folder / "plain.db") as rows:
        async with _plain_session() as session:
            rounds: dict[str, Callable[[], Awaitable[None]]] = {
                "fetch": same.fetch,
                "plain": lambda: _plain(session, f"{root}/same"),
                "poll": same.round,
                "kept": lambda: _plain_and_kept(session, f"{root}/same", rows),
                "unchanged": full.round,
                "parsed": lambda: _parsed(session, f"{root}/full"),
            }
            await _plain(session, f"{root}/same")
            for _ in range(ROUNDS):
                for name, work in rounds.items():
                    costs[name].append(await cpu(work))
    await same.close()
    await full.close()
    costs["parsed"] = [value * FEEDS / _PARSED for value in costs["parsed"]]
    growing = Poller(folder / "grow", f"{root}/grow", reading, feeds=_GROWING)
    news = [await growing.round_with_news(first=number == 0) for number in range(ROUNDS + 1)][1:]
    costs["growing"] = [sum(parts) for parts in news]
    await growing.close()
    after = await asyncio.to_thread(by_reader, root, _FEEDS_OF_READER, _ROUNDS_OF_READER)
    # It is a process of its own, so its rounds cannot alternate with ours: they stand on both sides of them.
    peer = {name: (before[name] + after[name]) / 2 for name in before.keys() & after.keys()}
    return [*_compare(costs), *_split(news), *_beside_reader(costs, peer)]


def by_reader(root: str, feeds: int, rounds: int) -> dict[str, float]:
    """Let `reader` do the same in its own environment; nothing where there is none."""
    if not _READER.exists():
        return {}
    command = [str(_READER), str(Path(__file__).with_name("reader_peer.py")), root, str(feeds), str(rounds)]
    measured: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return measured


def _beside_reader(costs: Mapping[str, list[float]], peer: Mapping[str, float]) -> Iterator[Figure]:
    """Put what `reader` takes for each beside what we take."""
    if not peer:
        print("reader: skipped, since it has no environment here (.bench-venv; `make bench` sets it up)")
    for name, ours, theirs, reach in (
        ("all 304", "poll", "same", ">= 7"),
        ("200 unchanged", "unchanged", "full", ">= 40"),
        ("one new entry, with fork and commit", "growing", "grow", ""),
    ):
        if theirs in peer:
            cheaper = peer[theirs] / median(costs[ours])
            against = f"reader {peer[theirs]:.3f} {UNIT}, us {median(costs[ours]):.3f}"
            yield Figure(f"times cheaper than reader, {name}", cheaper, "x", against, 1 / cheaper, reach)


def _compare(costs: Mapping[str, list[float]]) -> list[Figure]:
    plain, kept = "plain conditional aiohttp", "plain conditional aiohttp, a row kept a feed"
    unchanged = f"poll, 200 unchanged ({len(BODY) // 1024} kB, {ENTRIES} entries)"
    parsed = "aiohttp + full feedparser"
    return [
        beside("fetch, all 304", costs["fetch"], costs["plain"], unit=UNIT, against=plain, reach="<= 1.1"),
        beside("poll with commit, all 304", costs["poll"], costs["kept"], unit=UNIT, against=kept, reach="<= 1.1"),
        beside("poll with commit, all 304", costs["poll"], costs["plain"], unit=UNIT, against=plain, reach=""),
        beside(unchanged, costs["unchanged"], costs["parsed"], unit=UNIT, against=parsed, reach="<= 0.025 (40x)"),
        beside(
            "poll, one new entry, fork and commit too",
            costs["growing"],
            costs["parsed"],
            unit=UNIT,
            against=parsed,
            reach="",
        ),
    ]


def _split(news: list[tuple[float, ...]]) -> Iterator[Figure]:
    for name, values in zip(_PLACES, zip(*news, strict=True), strict=True):
        yield Figure(f"  of one new entry: {name}", median(values), UNIT)


_PLACES = ("loop", "threads of the store", "zygote, forking", "job, reading")
_PARSED = 20  # a full parse is slow: fewer feeds a round
_GROWING = 50
_FEEDS_OF_READER, _ROUNDS_OF_READER = 200, 3  # its cost a feed does not depend on how many there are
_READER = Path(__file__).resolve().parents[1] / ".bench-venv/bin/python"


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


def _plain_session() -> aiohttp.ClientSession:
    """What anybody would set up who polls politely with aiohttp: one pool, time-outs, a name."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=20, sock_connect=5, sock_read=10),
        headers={"User-Agent": "plain/1", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
    )


@contextmanager
def _kept(path: Path) -> Iterator[sqlite3.Connection]:
    """A database as ours is set up, with one row a feed."""
    rows = sqlite3.connect(path, isolation_level=None)
    rows.execute("PRAGMA journal_mode = wal")
    rows.execute("PRAGMA synchronous = FULL")
    rows.execute("CREATE TABLE feeds (id INTEGER PRIMARY KEY, etag TEXT, polled_at TEXT, next_at TEXT, error TEXT)")
    rows.executemany("INSERT INTO feeds VALUES (?, ?, '', '', '')", [(number, '"v1"') for number in range(FEEDS)])
    try:
        yield rows
    finally:
        rows.close()


async def _plain_and_kept(session: aiohttp.ClientSession, root: str, rows: sqlite3.Connection) -> None:
    """The shortest poller there is: look up a feed's validator, ask, write down how it went."""
    places = asyncio.Semaphore(AT_ONCE)

    async def poll(number: int) -> None:
        async with places:
            (etag,) = rows.execute("SELECT etag FROM feeds WHERE id = ?", (number,)).fetchone()
            async with session.get(f"{root}/{number}", headers={"If-None-Match": etag}) as answer:
                await answer.read()
            now = datetime.now(UTC).isoformat()
            rows.execute("UPDATE feeds SET polled_at = ?, next_at = ?, error = '' WHERE id = ?", (now, now, number))

    await asyncio.gather(*(poll(number) for number in range(FEEDS)))


async def _parsed(session: aiohttp.ClientSession, root: str) -> None:
    for number in range(_PARSED):
        async with session.get(f"{root}/{number}") as answer:
            feedparser.parse(await answer.read())


class Poller:
    """The real polling loop with its store, over so many sources on one host."""

    def __init__(self, folder: Path, root: str, reading: ReadingRoom, *, feeds: int = FEEDS) -> None:
        folder.mkdir()
        clock = SystemClock()
        self.sources = {
            f"s{number}": SourceSpec(f"s{number}", "feed", f"Feed {number}", f"{root}/{number}", timedelta(0))
            for number in range(feeds)
        }
        self.reading = reading
        self.cursors: tuple[Cursor, ...] = ()
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
        self.cursors = await self.store.cursors()

    async def round(self) -> None:
        results = await poll_due(self.desk)
        assert len(results) == FEEDS
        assert not any(result.error or result.new for result in results)

    async def round_with_news(self, *, first: bool) -> tuple[float, ...]:
        """CPU milliseconds a feed of a round in which each has a new entry, apart by `_PLACES`."""
        if first:
            await self.store.register(tuple(self.sources.values()))
        before = self._spent()
        results = await poll_due(self.desk)
        assert first or all(result.new == 1 for result in results)
        return tuple((now - then) * 1000 / len(results) for now, then in zip(self._spent(), before, strict=True))

    def _spent(self) -> tuple[float, float, float, float]:
        loop = time.thread_time()
        return (loop, time.process_time() - loop, *spent(self.reading.pid or 0))

    async def fetch(self) -> None:
        """Only the network part of a round."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(cursor: Cursor) -> None:
            source = self.sources[cursor.source_id]
            async with places:
                assert isinstance(await self.fetcher(source, source.url, cursor), NotModified)

        await asyncio.gather(*(one(cursor) for cursor in self.cursors))

    async def close(self) -> None:
        await self.fetcher.close()
        await self.store.close()


def spent(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of the children that it waited for."""
    user, system, childrens_user, childrens_system = map(
        int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    )
    return (user + system) / os.sysconf("SC_CLK_TCK"), (childrens_user + childrens_system) / os.sysconf("SC_CLK_TCK")


def changes_for(known: Cursor, source: SourceSpec) -> Changes:
    return Changes(replace(known, source_id=source.id, validator_url=source.url))

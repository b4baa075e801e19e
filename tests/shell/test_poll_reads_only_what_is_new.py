"""Reading only the new entries of a list comes to the same as reading all of it, whatever the lists hold."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, FeedResponse, Hints, Parsed, SourceSpec
from bot.core.listed import Listed
from bot.core.model import Changes, Chat, DeliveryState, Voice
from bot.core.query import parse
from bot.errors import ParseError, StoreError
from bot.poll import LiveIndex, PollDesk, Polled, poll_one
from bot.poll.lists import LastLists
from bot.ports import Store
from bot.sources import load
from bot.store.memory import MemoryStore
from tests.builders import NOW, a_source
from tests.fakes.clock import FakeClock

LONG = "The Secretary has determined that conditions in the country permit the safe return of its nationals. "
TITLES = ("Measure on removals is announced", "Measure on parole is announced today", "Opinion", "")
DATES = (
    "",
    "<pubDate>Thu, 05 Oct 2000 10:30:00 GMT</pubDate>",
    f"<pubDate>{(NOW + timedelta(hours=30)).strftime('%Y-%m-%dT%H:%M:%SZ')}</pubDate>",
)
ITEMS = st.builds(
    lambda title, link, guid, text, date: (
        f"<item><title>{title}</title>{link}{guid}<description>{text}</description>{date}</item>"
    ),
    st.sampled_from(TITLES),
    st.sampled_from(("", *(f"<link>https://news.example/{number}</link>" for number in (1, 2, 3)))),
    st.sampled_from(("", *(f"<guid isPermaLink='false'>{number}</guid>" for number in (1, 2)))),
    st.sampled_from(("", "Short.", LONG * 2, LONG * 20)),
    st.sampled_from(DATES),
)


@dataclass
class Bot:
    """A poller on a memory store that fetches what it is told to, and reads in this process. `read` counts entries."""

    parts: bool
    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    body: bytes = b""
    read: list[int] = field(default_factory=list)
    broken: bool = False
    breaks_at: int = -1

    def __post_init__(self) -> None:
        self.sources = {source.id: source for source in (a_source(1), a_source(2))}
        store: Store = self.store
        self.desk = PollDesk(
            store=store,
            fetch=self._fetch,
            read=self._read,
            queries=LiveIndex(store, Index({"all": parse("measure")})),
            sources=self.sources,
            clock=self.clock,
            jitter=lambda: 0.0,
            limits=AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1)),
        )

    async def _fetch(self, source: SourceSpec, url: str, _cursor: Cursor) -> FeedResponse:
        return FeedResponse(source.id, url, 200, {}, self.body, self.clock.now())

    async def _read(
        self, _source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset()
    ) -> Parsed | ParseError:
        if self.broken or len(self.read) == self.breaks_at:
            return ParseError("it was cut off", kind="broken")
        parsed = load("feed").parse(response, Hints(known=known if self.parts else frozenset()))
        self.read.append(len(parsed.entries))
        return parsed if self.parts else dataclasses.replace(parsed, spans=())

    async def begin(self) -> None:
        await self.store.register(tuple(self.sources.values()))
        await self.store.follow(Chat("fake", "", "1"), Voice(), "topic:all", "All", self.clock.now())

    async def poll(self, items: Sequence[str], *, number: int = 1, hours: float = 1) -> Polled:
        self.clock.advance(timedelta(hours=hours))
        self.body = f"<rss version='2.0'><channel>{''.join(items)}</channel></rss>".encode()
        source = self.sources[f"source-{number}"]
        (cursor,) = [one for one in await self.store.cursors() if one.source_id == source.id]
        polled = await poll_one(self.desk, source, cursor)
        if polled.changes:
            await self.store.commit((polled.changes,))
        return dataclasses.replace(polled, seconds=0.0, judging_seconds=0.0)

    async def written(self) -> object:
        """Everything that polls have written."""
        rows = await self.store.outbox(tuple(DeliveryState), 1000)
        return rows, await self.store.cursors(), self.store._archive.documents, self.store._archive.leads


POLLS = st.lists(
    st.tuples(st.lists(ITEMS, max_size=5), st.sampled_from((1, 1, 2)), st.sampled_from((1, 13, 40))),
    min_size=2,
    max_size=6,
)


@given(POLLS, st.booleans())
@settings(deadline=None, max_examples=25)
def test_lists_read_in_parts_and_whole_end_alike(polls: list[tuple[list[str], int, int]], growing: bool) -> None:
    asyncio.run(_end_alike(polls, growing=growing))


async def _end_alike(polls: list[tuple[list[str], int, int]], *, growing: bool) -> None:
    parts, whole = Bot(parts=True), Bot(parts=False)
    await parts.begin()
    await whole.begin()
    last: list[str] = []
    for items, number, hours in polls:
        listed = [*items, *last] if growing else items
        last = listed[:8]
        ours = await parts.poll(listed, number=number, hours=hours)
        assert ours == await whole.poll(listed, number=number, hours=hours)
        assert await parts.written() == await whole.written()


def items(*numbers: int) -> list[str]:
    return [f"<item><title>Measure {n}</title><guid>{n}</guid>{DATES[1]}</item>" for n in numbers]


async def a_bot() -> Bot:
    bot = Bot(parts=True)
    await bot.begin()
    return bot


async def test_only_what_is_new_is_read_and_all_of_it_once_a_day() -> None:
    bot = await a_bot()
    for newest in range(3, 30):
        polled = await bot.poll(items(*range(newest, 0, -1)))
        assert (polled.error, polled.new) == ("", 3 if newest == 3 else 1)
    assert bot.read == [3, *([1] * 23), 27, 1, 1]


async def test_after_a_failure_the_list_is_read_whole() -> None:
    bot = await a_bot()
    await bot.poll(items(1))
    bot.broken = True
    assert (await bot.poll(items(2, 1))).error == "it was cut off"
    bot.broken = False
    await bot.poll(items(2, 1))
    await bot.poll(items(3, 2, 1))
    assert bot.read == [1, 2, 1]


class Unwilling(MemoryStore):
    """A memory store that can be told to fail at its next commit."""

    fails = False

    async def commit(self, changes: Sequence[Changes]) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        await super().commit(changes)


async def test_nothing_is_remembered_of_a_poll_that_was_not_saved() -> None:
    store = Unwilling()
    bot = Bot(parts=True, store=store)
    await bot.begin()
    await bot.poll(items(1))
    store.fails = True
    with pytest.raises(StoreError):
        await bot.poll(items(2, 1))
    store.fails = False
    assert (await bot.poll(items(2, 1))).new == 1
    assert bot.read == [1, 1, 2]


async def test_what_is_no_longer_known_is_read_after_all() -> None:
    bot = await a_bot()
    await bot.poll(items(2, 1))
    bot.store._archive.documents.clear()
    assert (await bot.poll(items(3, 2, 1))).new == 3
    assert bot.read == [2, 1, 3]
    assert {one.document.text for one in bot.store._archive.documents.values()} == {""}


async def test_an_answer_that_went_bad_between_two_readings_is_a_failure() -> None:
    bot = await a_bot()
    await bot.poll(items(2, 1))
    bot.store._archive.documents.clear()
    bot.breaks_at = 2
    polled = await bot.poll(items(3, 2, 1))
    assert polled.error == "it was cut off"
    assert bot.read == [2, 1]


def listed(number: int, entries: int) -> Listed:
    return Listed(a_source(number), NOW, {f"{number}-{entry}": None for entry in range(entries)})


def test_no_more_is_remembered_than_fits_and_the_oldest_goes_first() -> None:
    lists = LastLists(at_most=10)
    for number, entries in ((1, 4), (2, 4), (1, 5), (3, 2)):
        lists.keep(listed(number, entries))
    assert [bool(lists.take(a_source(number), NOW)) for number in (1, 2, 3)] == [True, False, True]
    lists.keep(listed(4, 10))
    assert lists.take(a_source(4), NOW) == listed(4, 10)
    assert lists.take(a_source(4), NOW) is None
    lists.keep(listed(5, 11))
    assert lists.take(a_source(5), NOW) is None

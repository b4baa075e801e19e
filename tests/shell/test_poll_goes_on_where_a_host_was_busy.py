"""A list of several pages, the host of which is to be left alone for minutes before all of them were read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import cast

from bot.core.agenda import AgendaLimits
from bot.core.delays import Delay
from bot.core.index import Index
from bot.core.intake import Cursor, Entry, FeedResponse, NotModified, Parsed, SourceSpec
from bot.core.model import DeliveryState, Voice
from bot.core.query import parse
from bot.errors import FetchError, Postponed
from bot.poll import LiveIndex, PollDesk, Polled, poll_due
from bot.ports import Fetch
from bot.store.memory import MemoryStore
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.newsroom import ANA, item

CRAWL_DELAY = timedelta(minutes=7)
SOURCE = a_source(url="https://slow.example/1", every=timedelta(hours=1))


class Slow:
    """A host that shows a list page by page; `delay` is what it wants between two requests."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.store = clock, MemoryStore()
        self.pages: list[list[Entry]] = [[]]
        self.delay = timedelta(0)
        self.failing = ""
        self.asked: list[str] = []
        self.free_at = clock.now()
        self.desk = self.restarted()

    def restarted(self) -> PollDesk:
        return PollDesk(
            store=self.store,
            fetch=cast("Fetch", self.fetch),
            read=self.read,
            queries=LiveIndex(self.store, Index({"policy": parse("policy")})),
            sources={SOURCE.id: SOURCE},
            clock=self.clock,
            jitter=lambda: 0.0,
            limits=AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1)),
        )

    async def fetch(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        now = self.clock.now()
        if now < self.free_at:
            return Postponed("it is not to be asked yet", self.free_at - now)
        self.asked.append(url[-1])
        self.free_at = now + self.delay
        if url[-1] == self.failing:
            return FetchError("the server answered 500", status=500)
        body = json.dumps([asdict(one) for one in self.pages[int(url[-1]) - 1]]).encode()
        etag = f'"{hash(body)}"'
        if cursor.etag == etag:
            return NotModified(source.id, url, {}, now)
        return FeedResponse(source.id, url, 200, {"etag": etag}, body, now)

    async def read(self, _source: SourceSpec, response: FeedResponse, _known: frozenset[str] = frozenset()) -> Parsed:
        page = int(response.url[-1])
        more = (f"https://slow.example/{page + 1}",) if page < len(self.pages) else ()
        return Parsed(tuple(Entry(**one) for one in json.loads(response.body)), more)

    async def poll(self) -> Polled:
        """Poll when it is due, and not before."""
        (cursor,) = await self.store.cursors()
        assert cursor.next_poll_at is not None
        self.clock.advance(cursor.next_poll_at - self.clock.now() - timedelta(seconds=1))
        assert await poll_due(self.desk) == ()
        self.clock.advance(timedelta(seconds=1))
        (polled,) = await poll_due(self.desk)
        return polled

    async def alerted(self) -> int:
        return len(await self.store.outbox(tuple(DeliveryState), 1_000))


def dated_now(clock: FakeClock, numbers: Sequence[int]) -> list[Entry]:
    return [item(number, clock.now().isoformat()) for number in numbers]


async def slow_host() -> Slow:
    """Its first poll is over; then it has 60 new items on three pages, and wants seven minutes between two of them."""
    slow = Slow(FakeClock())
    await slow.store.register([SOURCE])
    await slow.store.follow(ANA, Voice(), "topic:policy", "Policy", slow.clock.now())
    old = dated_now(slow.clock, range(20))
    slow.pages = [old]
    await poll_due(slow.desk)
    slow.clock.advance(timedelta(minutes=30))
    slow.pages = [dated_now(slow.clock, range(first, first + 20)) for first in (100, 120, 140)] + [old]
    slow.delay = CRAWL_DELAY
    slow.asked.clear()
    return slow


async def test_the_next_polls_read_the_rest_page_by_page_and_then_the_list_is_known() -> None:
    slow = await slow_host()
    before = slow.clock.now()
    assert [(await slow.poll()).alerts for _ in range(4)] == [20, 20, 20, 0]
    assert (slow.asked, await slow.alerted()) == (["1", "2", "3", "4"], 60)
    assert slow.clock.now() - before <= timedelta(minutes=30) + 3 * CRAWL_DELAY, "each as soon as the host allows"
    (cursor,) = await slow.store.cursors()
    assert (cursor.next_poll_at, cursor.last_success_at) == (slow.clock.now() + SOURCE.every, slow.clock.now())
    slow.asked.clear()
    assert (await slow.poll()).items == {}, "nothing has changed, and the host says so"
    assert slow.asked == ["1"]


async def test_what_comes_with_the_rest_is_measured_by_the_last_poll_that_read_all() -> None:
    slow = await slow_host()
    slow.clock.advance(timedelta(hours=26))
    await poll_due(slow.desk)
    for _ in range(3):
        await slow.poll()
    rows = await slow.store.outbox(tuple(DeliveryState), 1_000)
    assert [row.alert.delay for row in rows] == [Delay.MISSED] * 60


async def test_a_host_that_is_busy_still_keeps_the_rest_for_later() -> None:
    slow = await slow_host()
    await slow.poll()
    slow.free_at = slow.clock.now() + 2 * CRAWL_DELAY
    assert (await slow.poll()).postponed
    assert [(await slow.poll()).alerts for _ in range(2)] == [20, 20]


async def test_after_a_restart_all_pages_are_read_known_or_not() -> None:
    slow = await slow_host()
    await slow.poll()
    slow.desk, slow.delay = slow.restarted(), timedelta(0)
    assert ((await slow.poll()).alerts, slow.asked) == (40, ["1", "1", "2", "3", "4"])


async def test_a_page_of_the_rest_that_fails_is_read_again_with_all_others() -> None:
    slow = await slow_host()
    await slow.poll()
    slow.failing = "2"
    assert (await slow.poll()).error
    slow.failing, slow.delay = "", timedelta(0)
    assert ((await slow.poll()).alerts, await slow.alerted()) == (40, 60)


async def test_a_source_that_is_set_up_anew_begins_anew() -> None:
    slow = await slow_host()
    await slow.poll()
    anew = replace(SOURCE, name="Anew")
    slow.desk = replace(slow.desk, sources={anew.id: anew})
    slow.delay = timedelta(0)
    assert ((await slow.poll()).alerts, slow.asked[1]) == (40, "1")

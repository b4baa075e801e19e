"""Ninety days of the Federal Register are recorded after the first poll: nothing sent, resumed after a cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, FeedResponse, NotModified, Parsed, SourceSpec
from bot.core.model import Chat, DeliveryState, Voice
from bot.core.query import parse
from bot.errors import FetchError, ParseError, Postponed
from bot.poll import Backfill, LiveIndex, PollDesk, poll_due
from bot.poll.backfill import window
from bot.ports import Store
from bot.sources import load
from bot.store import open_store
from bot.store.memory import MemoryStore
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher

PATH = "/documents.json?conditions%5Bagencies%5D%5B%5D=x&order=newest&per_page=2"


async def read(source: SourceSpec, response: FeedResponse, _known: frozenset[str] = frozenset()) -> Parsed | ParseError:
    try:
        return load(source.kind).parse(response)
    except ParseError as error:
        return error


class Register:
    """Serves what was published on `days` (counted back from today, newest first), `size` documents a page."""

    size = 2

    def __init__(self, server: FeedServer, today: datetime, days: list[int]) -> None:
        self.server, self.today, self.days = server, today, days

    def publish(self, path: str, since: int | None = None, until: int = 0) -> list[str]:
        """Serve one search with all its pages, and return their paths."""
        found = [day for day in self.days if until <= day and (since is None or day <= since)]
        pages = [found[start : start + self.size] for start in range(0, len(found), self.size)] or [[]]
        paths = [path, *(f"{path}&page={number}" for number in range(2, len(pages) + 1))]
        for number, (one, days) in enumerate(zip(paths, pages, strict=True), 1):
            answer: dict[str, Any] = {"count": len(found), "total_pages": len(pages)}
            if number < len(pages):
                answer["next_page_url"] = self.server.url(f"{path}&page={number + 1}")
            self.server.publish(one, json.dumps(answer | {"results": [self.document(day) for day in days]}))
        return paths

    def document(self, day: int) -> dict[str, str]:
        return {
            "document_number": f"2026-{10_000 + day}",
            "title": f"Notice of a measure, {day} days ago",
            "publication_date": f"{self.today - timedelta(days=day):%Y-%m-%d}",
        }

    def search(self, until: int, since: int = 90) -> list[str]:
        """Serve the documents between two days as the back-fill asks for them."""
        between = window(PATH, self.today - timedelta(days=since), self.today - timedelta(days=until))
        return self.publish(between, since, until)


class House:
    def __init__(self, server: FeedServer, desk: PollDesk, clock: FakeClock) -> None:
        self.server, self.desk, self.clock = server, desk, clock
        self.register = Register(server, clock.now(), [1, 2, 3, 20, 40, 60, 80, 89])
        self.backfill = Backfill(lambda: self.desk)

    async def take_stock(self, newest: int = 2) -> None:
        """Poll for the first time; the list shows its newest documents only."""
        Register(self.server, self.register.today, self.register.days[:newest]).publish(PATH)
        await poll_due(self.desk)

    async def known(self) -> set[str]:
        numbers = [f"2026-{10_000 + day}" for day in range(130)]
        past = await self.desk.store.past([f"number:{number}" for number in numbers])
        return {one.number for one in past.fingerprints}

    def expected(self) -> set[str]:
        return {f"2026-{10_000 + day}" for day in self.register.days}


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    clock = FakeClock()
    store: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'a.db'}")
    async with FeedServer() as server, a_fetcher(clock=clock) as fetch:
        source = a_source(url=server.url(PATH), kind="federal_register")
        limits = AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1))
        queries = LiveIndex(store, Index({"all": parse("measure")}))
        desk = PollDesk(store, fetch, read, queries, {source.id: source}, clock, lambda: 0.0, limits)
        await store.register((source,))
        await store.follow(Chat("fake", "", "1"), Voice(), "topic:all", "All", clock.now())
        yield House(server, desk, clock)
        assert server.violations == []
        assert await store.outbox(tuple(DeliveryState), 10) == ()
    await store.close()


async def test_what_was_published_before_is_recorded_and_the_next_poll_is_as_it_would_have_been(house: House) -> None:
    await house.take_stock()
    before = await house.desk.store.cursors()
    pages = house.register.search(until=2)
    await house.backfill.look()
    assert await house.known() == house.expected()
    assert [house.server.count(page) for page in pages] == [1] * len(pages)
    assert await house.desk.store.cursors() == before
    assert len(await house.desk.store.stories(50)) == len(house.register.days)


async def test_it_is_done_once_also_by_a_bot_that_was_started_anew(house: House) -> None:
    await house.take_stock()
    house.register.search(until=2)
    await house.backfill.look()
    asked = len(house.server.requests)
    await house.backfill.look()
    await Backfill(lambda: house.desk).look()
    assert len(house.server.requests) == asked


async def test_nothing_is_asked_before_the_first_poll_went_well(house: House) -> None:
    house.server.fail(PATH, 503)
    await poll_due(house.desk)
    await house.backfill.look()
    assert len(house.server.requests) == 1


async def test_after_a_cut_it_goes_on_from_where_it_was_and_not_at_once(house: House) -> None:
    await house.take_stock()
    pages = house.register.search(until=2)
    house.server.fail(pages[2], 503)
    await house.backfill.look()
    assert house.expected() - await house.known() == {"2026-10060", "2026-10080", "2026-10089"}
    asked = len(house.server.requests)
    await house.backfill.look()
    assert len(house.server.requests) == asked, "it waits a while"
    house.clock.advance(timedelta(minutes=16))
    house.register.search(until=40)
    await house.backfill.look()
    assert await house.known() == house.expected()


async def test_a_search_that_holds_more_than_it_may_give_is_followed_by_another(house: House) -> None:
    house.register.days, house.register.size = list(range(1, 71)), 1
    await house.take_stock()
    first = house.register.search(until=2)
    second = house.register.search(until=51)
    await house.backfill.look()
    assert await house.known() == house.expected()
    assert [house.server.count(page) for page in first] == [1] * 50 + [0] * 19
    assert [house.server.count(page) for page in second] == [1] * 20


@pytest.mark.parametrize("bad", ["<html>Request Access</html>", '{"count": 9}'])
async def test_a_page_that_is_none_cuts_it_short_and_harms_nothing(house: House, bad: str) -> None:
    await house.take_stock()
    [first, *_] = house.register.search(until=2)
    house.server.publish(first, bad)
    await house.backfill.look()
    assert await house.known() == {"2026-10001", "2026-10002"}


async def test_sources_of_other_kinds_are_left_alone(house: House) -> None:
    [source] = house.desk.sources.values()
    house.desk = replace(house.desk, sources={source.id: replace(source, kind="feed")})
    await house.take_stock()
    asked = len(house.server.requests)
    await house.backfill.look()
    assert len(house.server.requests) == asked


async def test_polls_get_their_turn_between_two_pages(house: House) -> None:
    await house.take_stock()
    house.register.search(until=2)
    fetch, places, asked = house.desk.fetch, asyncio.Semaphore(1), list[str]()

    async def watched(source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        assert places.locked()
        asked.append(url)
        return await fetch(source, url, cursor)

    class Rests(FakeClock):
        async def sleep(self, seconds: float) -> None:
            assert not places.locked()
            await super().sleep(seconds)

    house.desk = replace(house.desk, fetch=watched, places=places, clock=Rests(house.clock.now()))
    await house.backfill.look()
    assert len(asked) == 4


async def test_a_host_that_is_busy_is_waited_for_and_not_for_ever(house: House) -> None:
    await house.take_stock()
    house.register.search(until=2)
    fetch, busy = house.desk.fetch, [timedelta(seconds=30), timedelta(seconds=40), timedelta(minutes=10)]

    async def often_busy(source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        if busy and (wait := busy.pop(0)):
            return Postponed("it is busy", wait)
        return await fetch(source, url, cursor)

    house.desk = replace(house.desk, fetch=often_busy)
    began = house.clock.now()
    await house.backfill.look()
    assert house.clock.now() - began == timedelta(seconds=70)
    assert await house.known() == {"2026-10001", "2026-10002"}
    house.clock.advance(timedelta(minutes=16))
    await house.backfill.look()
    assert await house.known() == house.expected()


def test_a_window_keeps_the_search_and_replaces_its_days_and_order() -> None:
    day = datetime(2026, 11, 24, tzinfo=UTC)
    asked = window("https://x.example/d.json?a%5B%5D=1&a%5B%5D=2&order=oldest&page=3&per_page=100", day, day)
    assert parse_qs(urlsplit(asked).query) == {
        "a[]": ["1", "2"],
        "per_page": ["100"],
        "conditions[publication_date][gte]": ["2026-11-24"],
        "conditions[publication_date][lte]": ["2026-11-24"],
        "order": ["newest"],
    }

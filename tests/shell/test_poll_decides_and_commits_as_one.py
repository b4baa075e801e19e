"""The polling loop before a real server: pages, misses, baselines, bugs, and a stop before the commit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, FeedResponse, Parsed, SourceSpec, Standing
from bot.core.model import Changes, Chat, DeliveryState, Past, State, Voice
from bot.core.query import parse
from bot.errors import ParseError, StoreError
from bot.fetch import Fetcher
from bot.poll import PAGES_AT_MOST, LiveIndex, PollDesk, Polled, poll_due
from bot.ports import Fetch, Store
from bot.store.memory import MemoryStore
from tests.builders import a_source, an_entry
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher

READER = Chat("fake", "", "1")


def a_list(*numbers: int, more: str = "") -> str:
    """A body of a made-up kind: the numbers of its items, and where it goes on."""
    return json.dumps({"items": numbers, "more": more})


class Reader:
    """Reads what `a_list` writes; `parsed` are the addresses of the bodies it was given."""

    def __init__(self) -> None:
        self.parsed: list[str] = []

    async def __call__(
        self, source: SourceSpec, response: FeedResponse, _known: frozenset[str] = frozenset()
    ) -> Parsed | ParseError:
        self.parsed.append(response.url)
        try:
            body = json.loads(response.body)
            entries = tuple(an_entry(number, guid=f"{source.id}-{number}") for number in body["items"])
        except ValueError:
            return ParseError("it is no list", kind="broken")
        return Parsed(entries, more_urls=(body["more"],) if body["more"] else ())


class WatchedStore:
    """A memory store that notes its commits. `fails` and `poison` make it break."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.commits: list[list[str]] = []
        self.fails = False
        self.poison = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def past(self, keys: Collection[str]) -> Past:
        if self.poison and any(self.poison in key for key in keys):
            raise ZeroDivisionError
        past = await self.inner.past(keys)
        await asyncio.sleep(0.005)  # a database answers from its thread: others run meanwhile
        return past

    async def commit(self, changes: Sequence[Changes]) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        self.commits.append([one.cursor.source_id for one in changes])
        await self.inner.commit(changes)


class House:
    """Sources on one server, a reader of our own, a store that is watched, and somebody who follows everything."""

    def __init__(self, server: FeedServer, fetch: Fetcher, clock: FakeClock) -> None:
        self.server, self.clock = server, clock
        self.reader, self.store = Reader(), WatchedStore()
        self.woken = 0
        self.desk = PollDesk(
            store=cast("Store", self.store),
            fetch=fetch,
            read=self.reader,
            queries=LiveIndex(cast("Store", self.store), Index({"all": parse("measure")})),
            sources={},
            clock=clock,
            jitter=lambda: 0.0,
            limits=AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1)),
            wake_outbox=self.wake,
        )

    def wake(self) -> None:
        self.woken += 1

    async def reads(self, *sources: SourceSpec) -> None:
        await self.store.register(sources)
        self.desk = replace(self.desk, sources={source.id: source for source in sources})
        await self.store.follow(READER, Voice(), "topic:all", "All", self.clock.now())

    def source(self, number: int = 1, **changes: Any) -> SourceSpec:
        return a_source(number, url=self.server.url(f"/{number}"), **changes)

    async def poll(self) -> dict[str, Polled]:
        """Poll what is due an hour later."""
        self.clock.advance(timedelta(hours=1))
        return {polled.source_id: polled for polled in await poll_due(self.desk)}

    async def cursor(self, number: int = 1) -> Cursor:
        cursors: Sequence[Cursor] = await self.store.cursors()
        return next(one for one in cursors if one.source_id == f"source-{number}")

    async def alerted(self) -> list[str]:
        rows = await self.store.outbox(tuple(DeliveryState), 1000)
        return [row.alert.story.lead.title.rpartition(" ")[2] for row in rows]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = FakeClock()
    async with FeedServer() as server, a_fetcher(clock=clock) as fetch:
        yield House(server, fetch, clock)
        assert server.violations == []


async def test_a_first_poll_is_a_baseline_and_later_news_alerts_once(house: House) -> None:
    await house.reads(house.source())
    house.server.publish("/1", a_list(1, 2))
    assert (await house.poll())["source-1"] == Polled("source-1", new=2, baseline=True, items={State.NEW: 2})
    assert (await house.alerted(), house.woken) == ([], 0)
    house.server.publish("/1", a_list(3, 1, 2))
    assert (await house.poll())["source-1"] == Polled("source-1", new=1, alerts=1, items={State.NEW: 1, State.SEEN: 2})
    await house.poll()
    assert (await house.alerted(), house.woken) == (["3"], 1)


async def test_a_baseline_that_failed_at_first_is_still_a_baseline(house: House) -> None:
    await house.reads(house.source())
    house.server.fail("/1", 503, times=1)
    assert (await house.poll())["source-1"].error
    house.server.publish("/1", a_list(1, 2))
    house.clock.advance(timedelta(hours=6))
    await house.poll()
    assert await house.alerted() == []


async def test_further_pages_are_read_while_they_hold_news_and_no_longer(house: House) -> None:
    await house.reads(house.source())
    house.server.publish("/1", a_list(1, 2))
    await house.poll()
    house.server.publish("/1", a_list(6, 5, more=house.server.url("/1b")))
    house.server.publish("/1b", a_list(4, 3, more=house.server.url("/1c")))
    house.server.publish("/1c", a_list(2, 1, more=house.server.url("/1d")))
    assert (await house.poll())["source-1"] == Polled("source-1", new=4, alerts=4, items={State.NEW: 4, State.SEEN: 2})
    assert [house.server.count(path) for path in ("/1b", "/1c", "/1d")] == [1, 1, 0]
    house.server.publish("/1", a_list(7, 6, more=house.server.url("/1b")))
    await house.poll()
    assert house.server.count("/1c") == 1, "the second page held nothing new"


async def test_a_list_without_end_is_left_after_a_few_pages(house: House) -> None:
    await house.reads(house.source())
    for page in range(12):
        house.server.publish(f"/{page or 1}", a_list(page + 1, more=house.server.url(f"/{page + 2 if page else 2}")))
    house.server.publish("/1", a_list(1, more=house.server.url("/2")))
    await house.poll()
    assert len(house.server.requests) == PAGES_AT_MOST


@pytest.mark.parametrize("bad", ["fails", "is no list"])
async def test_one_bad_page_fails_the_poll_and_the_next_one_sees_everything_again(house: House, bad: str) -> None:
    await house.reads(house.source())
    house.server.publish("/1", a_list(1), etag='"1"')
    await house.poll()
    before = await house.cursor()
    house.server.publish("/1", a_list(3, more=house.server.url("/1b")), etag='"2"')
    if bad == "fails":
        house.server.fail("/1b", 500, times=1)
    else:
        house.server.publish("/1b", "<html>")
    assert (await house.poll())["source-1"].error
    after = await house.cursor()
    assert (after.etag, after.body_hash, after.failures) == (before.etag, before.body_hash, 1)
    assert await house.alerted() == []
    house.server.publish("/1b", a_list(2, 1))
    await house.poll()
    assert sorted(await house.alerted()) == ["2", "3"]


async def test_a_body_that_is_the_last_one_byte_for_byte_is_not_parsed(house: House) -> None:
    await house.reads(house.source())
    house.server.publish("/1", a_list(1))
    for _ in range(3):
        await house.poll()
    assert house.server.count("/1") == 3
    assert len(house.reader.parsed) == 1


async def test_misses_share_one_commit_and_are_not_due_again_at_once(house: House) -> None:
    await house.reads(*(house.source(number) for number in range(1, 5)))
    for number in range(1, 5):
        house.server.publish(f"/{number}", a_list(number), etag=f'"{number}"')
    await house.poll()
    house.store.commits.clear()
    house.server.fail("/1", 503)
    house.server.publish("/2", a_list(2, 22), etag='"2b"')
    await house.poll()
    assert [sorted(commit) for commit in house.store.commits] == [["source-2"], ["source-1", "source-3", "source-4"]]
    assert await poll_due(house.desk) == ()


async def test_official_sources_are_asked_first(house: House) -> None:
    standings = [Standing.NEWS, Standing.NEWS, Standing.OFFICIAL, Standing.NEWS, Standing.OFFICIAL]
    await house.reads(*(house.source(number, standing=standing) for number, standing in enumerate(standings, 1)))
    house.desk = replace(house.desk, places=asyncio.Semaphore(1))
    for number in range(1, 6):
        house.server.publish(f"/{number}", a_list(number))
    await house.poll()
    assert {asked.path for asked in house.server.requests[:2]} == {"/3", "/5"}


async def test_two_sources_with_one_story_in_the_same_minute_alert_once(house: House) -> None:
    await house.reads(house.source(1), house.source(2))
    house.server.publish("/1", a_list(1))
    house.server.publish("/2", a_list(2))
    await house.poll()
    house.server.publish("/1", a_list(1, 9))
    house.server.publish("/2", a_list(2, 9))
    await house.poll()
    assert await house.alerted() == ["9"]


async def test_a_stop_between_fetching_and_committing_skips_nothing_and_repeats_nothing(house: House) -> None:
    await house.reads(house.source())
    house.server.publish("/1", a_list(1), etag='"1"')
    await house.poll()
    house.server.publish("/1", a_list(2, 1), etag='"2"')
    house.store.fails = True
    with pytest.raises(StoreError, match="disk is full"):
        await house.poll()
    house.store.fails = False
    assert (await house.cursor()).etag == '"1"'
    await house.poll()
    await house.poll()
    assert await house.alerted() == ["2"]


async def test_a_bug_that_one_source_brings_out_harms_no_other(house: House) -> None:
    await house.reads(house.source(1), house.source(2))
    house.server.publish("/1", a_list(1))
    house.server.publish("/2", a_list(2))
    await house.poll()
    house.store.poison = "/news/13"
    house.server.publish("/1", a_list(13, 1))
    house.server.publish("/2", a_list(3, 2))
    polled = await house.poll()
    assert "ZeroDivisionError" in polled["source-1"].error
    assert polled["source-2"].alerts == 1
    house.store.poison = ""
    house.clock.advance(timedelta(hours=6))
    await house.poll()
    assert sorted(await house.alerted()) == ["13", "3"], "the poll that broke kept nothing"


async def test_a_poll_that_does_not_end_is_ended_and_holds_up_no_other(house: House) -> None:
    fetch = house.desk.fetch

    async def stuck(source: SourceSpec, url: str, cursor: Cursor) -> Any:
        if source.id == "source-1":
            await asyncio.Event().wait()
        return await fetch(source, url, cursor)

    await house.reads(house.source(1), house.source(2))
    house.desk = replace(house.desk, fetch=cast("Fetch", stuck), poll_seconds=0.05)
    house.server.publish("/2", a_list(2))
    polled = await house.poll()
    assert "no end" in polled["source-1"].error
    assert polled["source-2"].new == 1
    assert (await house.cursor()).failures == 1


async def test_a_later_page_that_answers_304_unasked_fails_the_poll(house: House) -> None:
    await house.reads(house.source())
    house.server.publish("/1", a_list(1, more=house.server.url("/1b")))
    house.server.fail("/1b", 304)
    assert (await house.poll())["source-1"].error


async def test_a_filter_that_can_no_longer_be_read_harms_only_itself(house: House) -> None:
    await house.reads(house.source())
    await house.store.follow(READER, Voice(), "topic:gone", "Gone", house.clock.now())
    house.server.publish("/1", a_list(1))
    await house.poll()
    house.server.publish("/1", a_list(2, 1))
    await house.poll()
    assert await house.alerted() == ["2"]


async def test_a_source_that_was_taken_out_of_the_settings_is_left_alone(house: House) -> None:
    await house.reads(house.source(1), house.source(2))
    house.desk = replace(house.desk, sources={"source-2": house.source(2)})
    house.server.publish("/2", a_list(2))
    assert list(await house.poll()) == ["source-2"]

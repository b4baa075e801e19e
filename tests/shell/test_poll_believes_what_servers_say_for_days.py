"""Polls over days: servers that lie about "unchanged", move, or are gone, and hosts that want to be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, FeedResponse, Parsed, SourceSpec, Trouble
from bot.errors import ParseError
from bot.poll import LiveIndex, PollDesk, Polled, poll_due
from bot.store.memory import MemoryStore
from tests.builders import a_source, an_entry
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import Asked, FeedServer, head
from tests.fakes.fetching import a_fetcher

HOUR = timedelta(hours=1)


async def read(source: SourceSpec, response: FeedResponse, _known: frozenset[str] = frozenset()) -> Parsed | ParseError:
    """Read a body of item numbers, with an address where it goes on."""
    numbers, _, more = response.body.decode().partition(" more ")
    if not numbers.replace(" ", "").isdigit():
        return ParseError("it is no list", kind="broken")
    entries = tuple(an_entry(int(number), guid=f"{source.id}-{number}") for number in numbers.split())
    return Parsed(entries, (more,) if more else ())


@dataclass(slots=True)
class Watch:
    """One poller and its clock."""

    desk: PollDesk
    store: MemoryStore
    clock: FakeClock

    async def hour(self, hours: float = 1) -> tuple[Polled, ...]:
        self.clock.advance(HOUR * hours)
        return await poll_due(self.desk)

    async def cursor(self) -> Cursor:
        return (await self.store.cursors())[0]


@asynccontextmanager
async def watching(*sources: SourceSpec, respect_robots: bool = False, **limits: object) -> AsyncIterator[Watch]:
    clock, store = FakeClock(), MemoryStore()
    async with a_fetcher(clock=clock, respect_robots=respect_robots, **limits) as fetch:
        desk = PollDesk(
            store=store,
            fetch=fetch,
            read=read,
            queries=LiveIndex(store, Index({})),
            sources={source.id: source for source in sources},
            clock=clock,
            jitter=lambda: 0.0,
            limits=AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1)),
        )
        await store.register(sources)
        await poll_due(desk)
        yield Watch(desk, store, clock)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server
    assert server.violations == []


def a_feed(server: FeedServer, path: str = "/feed", number: int = 1) -> SourceSpec:
    return a_source(number, url=server.url(path), every=HOUR)


async def test_a_server_that_says_unchanged_for_ever_is_found_out_within_a_day(server: FeedServer) -> None:
    body = b"1 2"

    async def lie(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if "if-none-match" in asked.headers:
            writer.write(head(304, {"ETag": '"always"'}))
        else:
            writer.write(head(200, {"ETag": '"always"', "Content-Length": str(len(body))}) + body)

    server.publish("/feed", body, etag='"always"')
    async with watching(a_feed(server)) as watch:
        server.play("/feed", lie)
        await watch.hour()
        body = b"1 2 3"
        new = [sum(polled.new for polled in await watch.hour()) for _ in range(24)]
        assert sum(new) == 1
        unasked = [asked for asked in server.requests if "if-none-match" not in asked.headers]
        assert len(unasked) == 2


@pytest.mark.parametrize("etag", ['"always"', 'W/"x"', "bare"])
async def test_a_stale_mark_on_a_new_body_hides_nothing(server: FeedServer, etag: str) -> None:
    server.publish("/feed", "1", etag=etag)
    async with watching(a_feed(server)) as watch:
        body = b"1 2"
        server.reply("/feed", head(200, {"ETag": etag, "Content-Length": "3", "Expires": "0"}) + body)
        assert [polled.new for polled in await watch.hour()] == [1]


async def test_a_new_mark_on_an_old_body_is_nothing_new(server: FeedServer) -> None:
    server.publish("/feed", "1 2", etag='"a"')
    async with watching(a_feed(server)) as watch:
        server.publish("/feed", "1 2", etag='"b"')
        assert [(polled.new, polled.error) for polled in await watch.hour()] == [(0, "")]
        assert (await watch.cursor()).etag == '"b"'


@pytest.mark.parametrize("damage", ["cut", "unreadable"])
async def test_a_damaged_answer_leaves_no_mark_and_loses_nothing(server: FeedServer, damage: str) -> None:
    server.publish("/feed", "1", etag='"a"')
    async with watching(a_feed(server)) as watch:
        server.publish("/feed", "1 2", etag='"b"')
        if damage == "cut":
            server.cut("/feed", "1 2 3 4", after=3, times=1)
        else:
            server.reply("/feed", head(200, {"ETag": '"b"', "Content-Length": "4"}) + b"rot!", times=1)
        assert [bool(polled.error) for polled in await watch.hour()] == [True]
        assert (await watch.cursor()).etag == '"a"'
        assert [polled.new for polled in await watch.hour(2)] == [1]


@pytest.mark.parametrize("status", [301, 308])
async def test_a_permanent_move_within_a_site_is_made_after_a_day_and_once(server: FeedServer, status: int) -> None:
    server.redirect("/feed", "/new", status=status)
    server.publish("/new", "1", etag='"n"')
    async with watching(a_feed(server)) as watch:
        for _ in range(30):
            await watch.hour()
        assert server.count("/feed") == 25  # from the first poll to the one a day later
        assert (await watch.cursor()).address == server.url("/new")
        server.publish("/new", "1 2", etag='"o"')
        assert [polled.new for polled in await watch.hour()] == [1]
        asked_old = server.count("/feed")
        changed = replace(a_feed(server), url=server.url("/third"))
        server.publish("/third", "1 2")
        watch.desk = replace(watch.desk, sources={changed.id: changed})
        await watch.hour()
        assert (server.count("/third"), server.count("/feed")) == (1, asked_old)


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_a_temporary_move_is_never_made(server: FeedServer, status: int) -> None:
    server.redirect("/feed", "/hop", status=status)
    server.redirect("/hop", "/new", status=301)
    server.publish("/new", "1")
    async with watching(a_feed(server)) as watch:
        for _ in range(40):
            await watch.hour()
        cursor = await watch.cursor()
    assert (cursor.address, cursor.moved_to) == ("", "")
    assert server.count("/feed") == 41


async def test_a_move_to_what_cannot_be_read_is_never_made(server: FeedServer) -> None:
    server.redirect("/feed", "/")
    server.publish("/", "<html>Welcome to our new site</html>")
    async with watching(a_feed(server)) as watch:
        for _ in range(60):
            await watch.hour()
        cursor = await watch.cursor()
    assert (cursor.address, cursor.trouble) == ("", Trouble.BROKEN)


async def test_a_move_to_another_site_waits_for_an_operator(server: FeedServer) -> None:
    server.publish("/new", "1")
    server.redirect("/feed", server.url("/new", host="localhost"))
    source = a_feed(server)
    async with watching(source) as watch:
        for _ in range(40):
            await watch.hour()
        assert server.count("/feed") == 41
        await watch.store.move_source(source, watch.clock.now())
        await watch.hour()
        await watch.hour()
        assert server.count("/feed") == 41
        assert server.last("/new").headers["host"].startswith("localhost")


async def test_a_source_that_is_gone_is_asked_no_more_until_it_is_revived(server: FeedServer) -> None:
    server.publish("/feed", "1")
    async with watching(a_feed(server)) as watch:
        server.fail("/feed", 410)
        for _ in range(36):
            await watch.hour()
        asked = server.count("/feed")
        assert (await watch.cursor()).retired_at is not None
        for _ in range(100):
            await watch.hour()
        assert server.count("/feed") == asked
        server.publish("/feed", "1 2")
        assert await watch.store.resume_source("source-1")
        assert [polled.new for polled in await watch.hour()] == [1]


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_one_that_refuses_is_asked_ever_less_and_never_given_up(server: FeedServer, status: int) -> None:
    server.publish("/feed", "1")
    async with watching(a_feed(server)) as watch:
        server.fail("/feed", status)
        for _ in range(200):
            await watch.hour()
        asked = server.count("/feed")
        assert 30 <= asked <= 45
        server.publish("/feed", "1 2")
        for _ in range(7):
            await watch.hour()
        assert (await watch.cursor()).failures == 0


async def test_a_busy_host_costs_its_other_sources_nothing_but_time(server: FeedServer) -> None:
    server.publish("/one", "1")
    server.publish("/two", "1")
    both = a_feed(server, "/one", 1), a_feed(server, "/two", 2)
    async with watching(*both, per_host_delay=timedelta(seconds=2)) as watch:
        server.fail("/one", 429, headers={"Retry-After": str(3 * 3600)})
        server.fail("/two", 429, headers={"Retry-After": str(3 * 3600)})
        polled = await watch.hour()
        assert sorted((one.postponed, bool(one.error)) for one in polled) == [(False, True), (True, False)]
        for _ in range(2):
            assert await watch.hour() == ()
        assert server.count("/one") + server.count("/two") == 3
        cursors = await watch.store.cursors()
        assert sorted(cursor.failures for cursor in cursors) == [0, 1]


async def test_a_further_page_waits_its_turn_and_is_not_lost(server: FeedServer) -> None:
    server.publish("/page", "3 4")
    server.publish("/other", "1")
    server.publish("/feed", f"1 2 more {server.url('/page')}")
    async with watching(a_feed(server), per_host_delay=timedelta(seconds=15)) as watch:
        assert server.count("/page") == 1
        assert (await watch.cursor()).failures == 0


async def test_a_site_that_wants_minutes_between_pages_gives_us_the_first(server: FeedServer) -> None:
    server.publish("/robots.txt", "User-agent: *\nCrawl-delay: 420\n")
    server.publish("/page", "3 4")
    server.publish("/feed", f"1 2 more {server.url('/page')}")
    async with watching(a_feed(server), respect_robots=True) as watch:
        assert server.count("/page") == 0
        assert (await watch.cursor()).failures == 0
        assert (await watch.store.census()).documents == 2

"""Retry-After holds for a whole host and for no other; no source is asked twice within its minute, whoever wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

import pytest

from bot.core.intake import Cursor, FeedResponse
from bot.errors import FetchError, Postponed
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher, error_of

SOURCE, OTHER = a_source(1), a_source(2)
NOTHING = Cursor(SOURCE.id)
MINUTE = timedelta(seconds=60)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/feed", "<rss/>")
        server.publish("/other", "<rss/>")
        yield server
    assert server.violations == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("wish", "pause"),
    [
        ("120", 120),
        ("date", 180),
        ("1000000000", 24 * 3600),
        ("-5", 0),
        ("past", 0),
        ("0", 0),
        ("soon", None),
        ("", None),
    ],
)
async def test_a_busy_host_is_left_alone_for_all_its_sources(
    server: FeedServer, status: int, wish: str, pause: int | None
) -> None:
    clock = FakeClock()
    dates = {"date": clock.now() + timedelta(minutes=3), "past": clock.now() - timedelta(days=1)}
    said = format_datetime(dates[wish], usegmt=True) if wish in dates else wish
    server.fail("/feed", status, headers={"Retry-After": said}, times=1)
    seconds = (60 if status == 429 else 0) if pause is None else pause
    async with a_fetcher(clock=clock, patience=timedelta(0)) as fetch:
        error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
        if seconds:
            put_off = await fetch(OTHER, server.url("/other"), NOTHING)
            assert isinstance(put_off, Postponed)
            assert put_off.after == timedelta(seconds=seconds)
            assert isinstance(await fetch(OTHER, server.url("/other", host="localhost"), NOTHING), FeedResponse)
            clock.advance(timedelta(seconds=seconds - 1))
            assert isinstance(await fetch(OTHER, server.url("/other"), NOTHING), Postponed)
            clock.advance(timedelta(seconds=1))
        assert isinstance(await fetch(OTHER, server.url("/other"), NOTHING), FeedResponse)


async def test_a_longer_wish_is_not_shortened_by_a_later_one(server: FeedServer) -> None:
    clock = FakeClock()
    server.fail("/feed", 503, headers={"Retry-After": "600"})
    server.redirect("/there", server.url("/feed"))
    async with a_fetcher(clock=clock) as fetch:
        error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
        clock.advance(timedelta(seconds=300))
        put_off = await fetch(OTHER, server.url("/other"), NOTHING)
    assert isinstance(put_off, Postponed)
    assert put_off.after == timedelta(seconds=300)
    assert str(put_off) == "127.0.0.1 is not to be asked yet, it comes to its turn in 5 min"


async def test_a_few_seconds_are_waited_for(server: FeedServer) -> None:
    clock = FakeClock()
    server.fail("/feed", 503, headers={"Retry-After": "4"}, times=1)
    async with a_fetcher(clock=clock) as fetch:
        error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
        began = clock.monotonic()
        assert isinstance(await fetch(OTHER, server.url("/other"), NOTHING), FeedResponse)
    assert clock.monotonic() - began == pytest.approx(4)


async def test_who_waits_behind_one_that_is_sent_away_is_sent_away_too(server: FeedServer) -> None:
    clock = FakeClock()
    server.fail("/feed", 429, headers={"Retry-After": "300"})
    async with a_fetcher(clock=clock, per_host_delay=timedelta(seconds=2)) as fetch:
        first, second = await asyncio.gather(
            fetch(SOURCE, server.url("/feed"), NOTHING), fetch(OTHER, server.url("/other"), NOTHING)
        )
    assert isinstance(first, FetchError)
    assert isinstance(second, Postponed)
    assert server.count("/other") == 0


async def test_a_crowd_is_put_off_in_order_instead_of_kept_waiting(server: FeedServer) -> None:
    clock = FakeClock()
    async with a_fetcher(clock=clock, per_host_delay=timedelta(seconds=4)) as fetch:
        answers = await asyncio.gather(*(fetch(SOURCE, server.url("/other"), NOTHING) for _ in range(6)))
    served = [isinstance(answer, FeedResponse) for answer in answers]
    assert served == [True, True, True, False, False, False]
    assert all(isinstance(answer, Postponed) and answer.after > timedelta(seconds=10) for answer in answers[3:])


async def test_no_source_is_asked_twice_within_its_minute(server: FeedServer) -> None:
    clock = FakeClock()
    source = a_source(1, url=server.url("/feed"))
    other = a_source(2, url=server.url("/feed"))
    async with a_fetcher(clock=clock, per_source_delay=MINUTE) as fetch:
        assert isinstance(await fetch(source, source.url, NOTHING), FeedResponse)
        for _ in range(59):
            clock.advance(timedelta(seconds=1))
            assert isinstance(await fetch(source, source.url, NOTHING), Postponed)
        assert server.count("/feed") == 1
        assert isinstance(await fetch(source, server.url("/other"), NOTHING), FeedResponse)  # another page of it
        assert isinstance(await fetch(other, other.url, NOTHING), FeedResponse)
        clock.advance(timedelta(seconds=1))
        assert isinstance(await fetch(source, source.url, NOTHING), FeedResponse)


async def test_a_source_that_failed_keeps_its_minute_too(server: FeedServer) -> None:
    clock = FakeClock()
    source = a_source(url=server.url("/feed"))
    server.fail("/feed", 500)
    async with a_fetcher(clock=clock, per_source_delay=MINUTE) as fetch:
        assert not isinstance(await fetch(source, source.url, NOTHING), Postponed)
        assert isinstance(await fetch(source, source.url, NOTHING), Postponed)

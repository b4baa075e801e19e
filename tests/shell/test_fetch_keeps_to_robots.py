"""robots.txt over real sockets: asked once a day for each origin, believed, and said where it forbids or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.intake import Cursor, FeedResponse, Trouble
from bot.core.robots import SIZE_AT_MOST
from bot.errors import Postponed
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import Asked, FeedServer, head
from tests.fakes.fetching import a_fetcher, error_of

SOURCE = a_source()
NOTHING = Cursor(SOURCE.id)
FORBIDS = "User-agent: *\nDisallow: /rss/\nCrawl-delay: 1\n"


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/feed", "<rss/>")
        server.publish("/rss/cases.xml", "<rss/>")
        yield server
    assert server.violations == []


async def test_what_is_forbidden_is_not_asked_for_and_the_reason_said(server: FeedServer) -> None:
    server.publish("/robots.txt", FORBIDS)
    async with a_fetcher(respect_robots=True) as fetch:
        error = error_of(await fetch(SOURCE, server.url("/rss/cases.xml"), NOTHING))
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
    assert str(error) == "robots.txt of 127.0.0.1 asks us not to read this address"
    assert error.trouble is Trouble.REFUSED
    assert server.count("/rss/cases.xml") == 0


async def test_we_are_named_policybell(server: FeedServer) -> None:
    server.publish("/robots.txt", "User-agent: *\nDisallow: /\n\nUser-agent: Policybell\nAllow: /\n")
    async with a_fetcher(respect_robots=True) as fetch:
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
    assert server.last("/robots.txt").headers["user-agent"].startswith("Policybell/")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_file_that_is_not_there_allows_everything(server: FeedServer, status: int) -> None:
    server.fail("/robots.txt", status)
    async with a_fetcher(respect_robots=True) as fetch:
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_file_that_cannot_be_read_allows_nothing_and_is_tried_again(server: FeedServer, status: int) -> None:
    clock = FakeClock()
    server.publish("/robots.txt", FORBIDS)
    server.fail("/robots.txt", status, times=1)
    async with a_fetcher(clock=clock, respect_robots=True) as fetch:
        for _ in range(3):
            error = error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
            assert str(error) == f"robots.txt of 127.0.0.1 cannot be read: the server answered {status}"
            assert error.trouble is Trouble.UNREACHABLE
        assert [asked.path for asked in server.requests] == ["/robots.txt"]
        clock.advance(timedelta(seconds=61))
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)


async def test_a_host_that_does_not_answer_is_said_not_to() -> None:
    async with FeedServer() as gone:
        url = gone.url("/feed")
    async with a_fetcher(respect_robots=True) as fetch:
        error = error_of(await fetch(SOURCE, url, NOTHING))
    assert str(error) == "robots.txt of 127.0.0.1 cannot be read: 127.0.0.1 cannot be reached"


async def test_it_is_asked_once_a_day_however_often_we_poll(server: FeedServer) -> None:
    clock = FakeClock()
    server.publish("/robots.txt", "User-agent: *\nDisallow: /rss/\n")
    async with a_fetcher(clock=clock, respect_robots=True) as fetch:
        await asyncio.gather(*(fetch(SOURCE, server.url("/feed"), NOTHING) for _ in range(20)))
        clock.advance(timedelta(hours=23, minutes=59))
        await fetch(SOURCE, server.url("/feed"), NOTHING)
        assert server.count("/robots.txt") == 1
        server.publish("/robots.txt", "User-agent: *\nDisallow: /feed\n")
        clock.advance(timedelta(minutes=2))
        error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
    assert server.count("/robots.txt") == 2


async def test_the_last_copy_holds_while_a_new_one_cannot_be_had(server: FeedServer) -> None:
    clock = FakeClock()
    server.publish("/robots.txt", "User-agent: *\nDisallow: /rss/\n")
    async with a_fetcher(clock=clock, respect_robots=True) as fetch:
        await fetch(SOURCE, server.url("/feed"), NOTHING)
        server.fail("/robots.txt", 500)
        clock.advance(timedelta(hours=25))
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
        error_of(await fetch(SOURCE, server.url("/rss/cases.xml"), NOTHING))
    assert server.count("/robots.txt") == 2


async def test_each_origin_speaks_for_itself_and_a_redirect_is_judged_where_it_leads(server: FeedServer) -> None:
    async with FeedServer() as other:
        other.publish("/robots.txt", "User-agent: *\nDisallow: /secret\n")
        other.publish("/secret", "<rss/>")
        other.publish("/open", "<rss/>")
        server.redirect("/a", other.url("/secret"))
        server.redirect("/b", other.url("/open"))
        async with a_fetcher(respect_robots=True) as fetch:
            assert error_of(await fetch(SOURCE, server.url("/a"), NOTHING)).trouble is Trouble.REFUSED
            assert isinstance(await fetch(SOURCE, server.url("/b"), NOTHING), FeedResponse)
        assert other.count("/secret") == 0


async def test_a_redirect_within_the_host_is_judged_too(server: FeedServer) -> None:
    server.publish("/robots.txt", FORBIDS)
    server.redirect("/old", "/rss/cases.xml")
    async with a_fetcher(respect_robots=True) as fetch:
        assert error_of(await fetch(SOURCE, server.url("/old"), NOTHING)).trouble is Trouble.REFUSED
    assert server.count("/rss/cases.xml") == 0


@pytest.mark.parametrize(("hops", "allowed"), [(1, False), (5, False), (6, True), (20, True)])
async def test_the_file_itself_may_be_elsewhere_and_without_an_end_it_is_not_there(
    server: FeedServer, hops: int, allowed: bool
) -> None:
    server.redirect("/robots.txt", "/1")
    for hop in range(1, hops):
        server.redirect(f"/{hop}", f"/{hop + 1}")
    server.publish(f"/{hops}", "User-agent: *\nDisallow: /\n")
    async with a_fetcher(respect_robots=True) as fetch:
        answer = await fetch(SOURCE, server.url("/feed"), NOTHING)
    assert isinstance(answer, FeedResponse) is allowed


async def test_a_file_without_an_end_is_read_as_far_as_anybody_must(server: FeedServer) -> None:
    sent = 0

    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(200, {"Transfer-Encoding": "chunked"}))
        chunk = b"User-agent: *\nDisallow: /rss/\n" + b"# so it goes on\n" * 4_000
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            sent += len(chunk)
            await writer.drain()

    server.play("/robots.txt", script)
    async with a_fetcher(respect_robots=True) as fetch:
        error_of(await fetch(SOURCE, server.url("/rss/cases.xml"), NOTHING))
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
    assert sent < SIZE_AT_MOST + 8 * 1024**2  # what lies in the buffers of two sockets


async def test_interfaces_made_for_programs_need_no_leave(server: FeedServer) -> None:
    server.publish("/robots.txt", "User-agent: *\nDisallow: /\n")
    interface = a_source(kind="federal_register")
    async with a_fetcher(respect_robots=True) as fetch:
        assert isinstance(await fetch(interface, server.url("/feed"), NOTHING), FeedResponse)


async def test_a_site_that_wants_minutes_between_pages_gets_them(server: FeedServer) -> None:
    clock = FakeClock()
    server.publish("/robots.txt", "User-agent: *\nCrawl-delay: 420\n")
    server.publish("/other", "<rss/>")
    async with a_fetcher(clock=clock, respect_robots=True) as fetch:
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
        began = clock.monotonic()
        for _ in range(3):
            put_off = await fetch(SOURCE, server.url("/other"), NOTHING)
            assert isinstance(put_off, Postponed)
            assert put_off.after == timedelta(seconds=420)
        assert clock.monotonic() == began  # nobody was kept waiting for it
        clock.advance(timedelta(seconds=420))
        assert isinstance(await fetch(SOURCE, server.url("/other"), NOTHING), FeedResponse)
    assert server.count("/other") == 1


async def test_a_site_that_wants_seconds_is_waited_for(server: FeedServer) -> None:
    clock = FakeClock()
    server.publish("/robots.txt", "User-agent: *\nCrawl-delay: 5\n")
    async with a_fetcher(clock=clock, respect_robots=True) as fetch:
        await fetch(SOURCE, server.url("/feed"), NOTHING)
        began = clock.monotonic()
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
    assert clock.monotonic() - began == pytest.approx(5)

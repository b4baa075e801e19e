"""Who asks, how often, and how long a busy server is left alone."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import __version__
from bot.core.intake import Cursor, FeedResponse
from bot.fetch import retry_after
from tests.builders import NOW, a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import Asked, FeedServer, head
from tests.fakes.fetching import CONTACT, a_fetcher, error_of

SOURCE = a_source()
NOTHING = Cursor(SOURCE.id)
DAY = timedelta(hours=24)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server
    assert server.violations == []


async def test_it_says_who_asks_and_how_to_reach_them(server: FeedServer) -> None:
    server.publish("/feed", "<rss/>")
    async with a_fetcher() as fetch:
        await fetch(SOURCE, server.url("/feed"), NOTHING)
    headers = server.last("/feed").headers
    assert headers["user-agent"] == f"Policybell/{__version__} (+{CONTACT})"
    assert "application/rss+xml" in headers["accept"]
    assert headers["accept-encoding"] == "gzip, deflate"


async def test_cookies_are_not_kept(server: FeedServer) -> None:
    server.publish("/feed", "<rss/>", headers={"Set-Cookie": "who=you; Path=/"})
    async with a_fetcher() as fetch:
        answer = await fetch(SOURCE, server.url("/feed", host="localhost"), NOTHING)
        await fetch(SOURCE, server.url("/feed", host="localhost"), NOTHING)
    assert isinstance(answer, FeedResponse)
    assert "cookie" not in server.last("/feed").headers


SCRIPT = """
import asyncio, sys
from bot.core.intake import Cursor
from tests.builders import a_source
from tests.fakes.fetching import a_fetcher

async def main():
    async with a_fetcher() as fetch:
        print((await fetch(a_source(), sys.argv[1], Cursor("s"))).status)

asyncio.run(main())
"""


async def test_a_proxy_in_the_environment_is_not_used(server: FeedServer) -> None:
    server.publish("/feed", "<rss/>")
    async with FeedServer() as proxy:
        environment = {**os.environ, "PYTHONPATH": ".", "NO_PROXY": "", "no_proxy": ""}
        environment |= dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), proxy.url(""))
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT, server.url("/feed")), env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert (await child.communicate())[0].strip() == b"200"
        assert proxy.requests == []


class Starts:
    """When each path was asked for, by the clock of the test."""

    def __init__(self, server: FeedServer, clock: FakeClock) -> None:
        self.server, self.clock = server, clock
        self.at: dict[str, datetime] = {}

    def serve(self, path: str) -> None:
        async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
            self.at[asked.path] = self.clock.now()
            writer.write(head(200, {"Content-Length": "0"}))

        self.server.play(path, script)


async def test_requests_to_one_host_keep_their_distance(server: FeedServer) -> None:
    clock = FakeClock()
    starts = Starts(server, clock)
    async with a_fetcher(clock=clock, per_host_delay=timedelta(seconds=2)) as fetch:
        for path in ("/0", "/1", "/2", "/3"):
            starts.serve(path)
        await asyncio.gather(*(fetch(SOURCE, server.url(f"/{number}"), NOTHING) for number in range(4)))
    times = sorted(starts.at.values())
    assert all(later - earlier >= timedelta(seconds=2) for earlier, later in pairwise(times))
    assert times[-1] - times[0] < timedelta(seconds=7)


async def test_another_host_does_not_wait(server: FeedServer) -> None:
    clock = FakeClock()
    starts = Starts(server, clock)
    starts.serve("/here")
    starts.serve("/there")
    async with a_fetcher(clock=clock, per_host_delay=timedelta(hours=1)) as fetch:
        await fetch(SOURCE, server.url("/here"), NOTHING)
        await fetch(SOURCE, server.url("/there", host="localhost"), NOTHING)
    assert starts.at["/there"] - starts.at["/here"] < timedelta(seconds=1)


async def test_a_redirect_waits_its_turn_like_any_request(server: FeedServer) -> None:
    clock = FakeClock()
    starts = Starts(server, clock)
    server.redirect("/start", "/end")
    starts.serve("/end")
    began = clock.now()
    async with a_fetcher(clock=clock, per_host_delay=timedelta(seconds=2)) as fetch:
        assert isinstance(await fetch(SOURCE, server.url("/start"), NOTHING), FeedResponse)
    assert starts.at["/end"] - began >= timedelta(seconds=2)


async def test_a_clock_set_back_makes_nobody_wait_longer(server: FeedServer) -> None:
    clock = FakeClock()
    starts = Starts(server, clock)
    starts.serve("/one")
    starts.serve("/two")
    async with a_fetcher(clock=clock, per_host_delay=timedelta(seconds=2)) as fetch:
        await fetch(SOURCE, server.url("/one"), NOTHING)
        clock.set(set_back := clock.now() - timedelta(days=1))
        await fetch(SOURCE, server.url("/two"), NOTHING)
    assert starts.at["/two"] - set_back <= timedelta(seconds=2)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("wish", "after"),
    [
        ("120", timedelta(seconds=120)),
        (" 7 ", timedelta(seconds=7)),
        ("0", timedelta(0)),
        ("-5", timedelta(0)),
        ("1000000000", DAY),
        ("9" * 12, DAY),
        ("soon", None),
        ("1.5e3", None),
        ("", None),
    ],
)
async def test_a_busy_server_says_how_long_to_stay_away(
    server: FeedServer, status: int, wish: str, after: timedelta | None
) -> None:
    server.fail("/feed", status, headers={"Retry-After": wish})
    async with a_fetcher() as fetch:
        error = error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
    assert (str(error), error.status, error.retry_after) == (f"the server answered {status}", status, after)


@pytest.mark.parametrize(
    ("date", "after"),
    [
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3), usegmt=True), timedelta(0)),
        (format_datetime(NOW + timedelta(days=30), usegmt=True), DAY),
        ("Thu, 05 Oct 2023 08:10:00 -0400", timedelta(minutes=10)),
        ("Thu, 05 Oct 2023 12:10:00 -0000", timedelta(minutes=10)),
        ("Thu, 45 Oct 2023 12:10:00 GMT", None),
    ],
)
def test_a_date_to_come_back_at_is_understood(date: str, after: timedelta | None) -> None:
    assert retry_after(date, NOW) == after


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, ?\d{1,9} [A-Z][a-z]{2} \d{1,9} \d{1,3}:\d\d:\d\d ?[+-]?\w*"))
@example("9" * 5000)
def test_any_other_wish_is_a_time_within_a_day_or_none(value: str) -> None:
    wish = retry_after(value, NOW)
    assert wish is None or timedelta(0) <= wish <= DAY


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 500, 502])
async def test_any_other_answer_is_an_error_with_its_number(server: FeedServer, status: int) -> None:
    server.fail("/feed", status, headers={"Retry-After": "60"})
    async with a_fetcher() as fetch:
        error = error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
    assert (str(error), error.status, error.retry_after) == (f"the server answered {status}", status, None)


@pytest.mark.parametrize("status", [201, 202, 204, 206, 300, 305])
async def test_half_an_answer_is_none(server: FeedServer, status: int) -> None:
    server.fail("/feed", status, body=b"" if status == 204 else b"<rss/>")
    async with a_fetcher() as fetch:
        assert error_of(await fetch(SOURCE, server.url("/feed"), NOTHING)).status == status

"""A real fetcher on a clock of one's own, for tests against `tests.fakes.feeds`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp.abc import AbstractResolver

from bot.core.intake import Cursor, FeedResponse
from bot.errors import FetchError
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from tests.fakes.clock import FakeClock

CONTACT = "https://policybell.example/contact"


@asynccontextmanager
async def a_fetcher(
    *,
    clock: FakeClock | None = None,
    gate: Gate | None = None,
    resolver: AbstractResolver | None = None,
    respect_robots: bool = False,
    **limits: Any,
) -> AsyncIterator[Fetcher]:
    """Open a fetcher that may dial loopback, waits for nobody and reads no robots.txt, unless told otherwise."""
    fetcher = Fetcher(
        contact=CONTACT,
        limits=FetchLimits(**{"per_host_delay": timedelta(0), **limits}),
        clock=clock or FakeClock(),
        gate=gate or Gate(allow_private=True),
        resolver=resolver,
        respect_robots=respect_robots,
    )
    try:
        yield fetcher
    finally:
        await fetcher.close()


def after(response: object) -> Cursor:
    """The cursor that a good answer leaves behind."""
    assert isinstance(response, FeedResponse), response
    headers = response.headers
    return Cursor(response.source_id, response.url, headers.get("etag", ""), headers.get("last-modified", ""))


def error_of(answer: object) -> FetchError:
    """The answer, which must be an error."""
    assert isinstance(answer, FetchError), answer
    return answer

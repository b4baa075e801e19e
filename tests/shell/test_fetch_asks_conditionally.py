"""Validators: byte for byte, only to the address that gave them, never after a temporary redirect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.intake import Cursor, FeedResponse, NotModified
from tests.builders import a_source
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher, after, error_of

RSS = "<rss version='2.0'><channel><title>News</title></channel></rss>"
SOURCE = a_source()
NOTHING = Cursor(SOURCE.id)
DATE = "Thu, 05 Oct 2023 12:00:00 GMT"


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server
    assert server.violations == []


async def test_a_first_answer_comes_with_body_headers_and_address(server: FeedServer) -> None:
    server.publish("/feed", RSS, etag='"v1"', headers={"X-Served-By": "cache-7"})
    async with a_fetcher() as fetch:
        answer = await fetch(SOURCE, server.url("/feed#top"), NOTHING)
    assert isinstance(answer, FeedResponse)
    assert (answer.source_id, answer.url, answer.status) == (SOURCE.id, server.url("/feed"), 200)
    assert answer.body == RSS.encode()
    assert answer.headers["etag"] == '"v1"'
    assert answer.headers["x-served-by"] == "cache-7"


ETAGS = ['"v1"', 'W/"v1"', "unquoted", '"with, comma"', '""', '"caf\xc3\xa9"', '"a\tb"', '"%22"']


@pytest.mark.parametrize("etag", ETAGS)
async def test_a_validator_goes_back_byte_for_byte(server: FeedServer, etag: str) -> None:
    server.publish("/feed", RSS, etag=etag, last_modified=DATE)
    async with a_fetcher() as fetch:
        first = await fetch(SOURCE, server.url("/feed"), NOTHING)
        second = await fetch(SOURCE, server.url("/feed"), after(first))
    assert isinstance(second, NotModified)
    assert server.last("/feed").headers["if-none-match"] == etag
    assert server.last("/feed").headers["if-modified-since"] == DATE


async def test_a_validator_that_cannot_go_back_byte_for_byte_does_not_go_back(server: FeedServer) -> None:
    server.publish("/feed", RSS, etag='"caf\xe9"')
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/feed"), NOTHING))
        assert cursor.etag == ""
        for odd in (cursor, replace(cursor, etag='"caf\udce9"'), replace(cursor, etag='"a\r\nX: y"')):
            assert isinstance(await fetch(SOURCE, server.url("/feed"), odd), FeedResponse)
    assert "if-none-match" not in server.last("/feed").headers


async def test_a_date_alone_is_enough(server: FeedServer) -> None:
    server.publish("/feed", RSS, last_modified=DATE)
    async with a_fetcher() as fetch:
        first = await fetch(SOURCE, server.url("/feed"), NOTHING)
        assert isinstance(await fetch(SOURCE, server.url("/feed"), after(first)), NotModified)


async def test_a_changed_page_is_answered_in_full(server: FeedServer) -> None:
    server.publish("/feed", RSS, etag='"v1"')
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/feed"), NOTHING))
        server.publish("/feed", RSS + "<!-- 2 -->", etag='"v2"')
        answer = await fetch(SOURCE, server.url("/feed"), cursor)
    assert after(answer).etag == '"v2"'


async def test_validators_of_another_address_stay_at_home(server: FeedServer) -> None:
    server.publish("/old", RSS, etag='"same"')
    server.publish("/new", RSS, etag='"same"')
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/old"), NOTHING))
        assert isinstance(await fetch(SOURCE, server.url("/new"), cursor), FeedResponse)
    assert "if-none-match" not in server.last("/new").headers


@pytest.mark.parametrize("status", [301, 308])
async def test_after_a_permanent_redirect_the_final_address_gets_its_own_validators(
    server: FeedServer, status: int
) -> None:
    server.redirect("/old", "/new", status=status)
    server.publish("/new", RSS, etag='"v1"')
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/old"), NOTHING))
        answer = await fetch(SOURCE, server.url("/old"), cursor)
    assert isinstance(answer, NotModified)
    assert answer.url == server.url("/new")
    assert "if-none-match" not in server.last("/old").headers


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_no_validator_is_sent_after_a_temporary_redirect(server: FeedServer, status: int) -> None:
    server.redirect("/feed", "/hop", status=status)
    server.redirect("/hop", "/stand-in", status=301)
    server.publish("/stand-in", RSS, etag='"v1"')
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/feed"), NOTHING))
        assert isinstance(await fetch(SOURCE, server.url("/feed"), cursor), FeedResponse)
    assert "if-none-match" not in server.last("/stand-in").headers


async def test_the_own_validators_reach_the_source_even_if_it_then_redirects_for_a_while(server: FeedServer) -> None:
    server.publish("/feed", RSS, etag='"v1"')
    server.publish("/stand-in", "<rss/>")
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/feed"), NOTHING))
        server.redirect("/feed", "/stand-in", status=302, times=1)
        assert isinstance(await fetch(SOURCE, server.url("/feed"), cursor), FeedResponse)
        assert isinstance(await fetch(SOURCE, server.url("/feed"), cursor), NotModified)
    assert "if-none-match" not in server.last("/stand-in").headers


async def test_unchanged_said_to_somebody_who_did_not_ask_is_an_error(server: FeedServer) -> None:
    server.fail("/feed", 304, body=b"")
    async with a_fetcher() as fetch:
        error = error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
    assert (str(error), error.status) == ("the server answered 304", 304)


async def test_connections_are_kept_between_polls(server: FeedServer) -> None:
    server.publish("/feed", RSS, etag='"v1"', last_modified=DATE)
    async with a_fetcher() as fetch:
        cursor = after(await fetch(SOURCE, server.url("/feed"), NOTHING))
        for _ in range(5):
            assert isinstance(await fetch(SOURCE, server.url("/feed"), cursor), NotModified)
    assert server.connections == 1

"""Full text within reason: fetched once for what is new and near, and never a reason to tell of an item again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.index import Index
from bot.core.intake import ARTICLE, Entry, FeedResponse, Parsed, Relevance, SourceSpec
from bot.core.model import State
from bot.core.query import parse
from bot.errors import ParseError
from bot.poll import LiveIndex
from bot.poll.articles import ARTICLES_AT_MOST
from bot.poll.lists import LastLists
from bot.reading.article import SOURCE
from tests.fakes.clock import NOON
from tests.fakes.newsroom import NewsRoom, a_newsroom, item, read

NEWS = "<!DOCTYPE html><html><head><title>x</title></head><body><nav>Menu</nav><main><p>{}</p></main></body></html>"
LONG = "The office explains what the new policy on parole means for those who applied before the first of May. " * 15


async def read_both(
    source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset(), /
) -> Parsed | ParseError:
    if source.kind != ARTICLE:
        return await read(source, response, known)
    try:
        return SOURCE.parse(response, source.hints)
    except ParseError as error:
        return error


@pytest.fixture
async def room() -> AsyncIterator[NewsRoom]:
    async with a_newsroom(select={"article": "main"}) as room:
        room.desk = replace(room.desk, read=read_both)
        room.server.publish("/a/1", NEWS.format(LONG))
        await room.shows([item(9, NOON, url=room.server.url("/a/9"))])
        assert room.server.count("/a/9") == 0  # nothing is asked for on the first poll
        yield room


def at(room: NewsRoom, number: int, **changes: str) -> Entry:
    return item(number, NOON, url=room.server.url(f"/a/{number}"), **changes)


def restart(room: NewsRoom) -> None:
    """Forget all that is not in the database."""
    queries = LiveIndex(room.store, Index({"policy": parse("policy")}))
    room.desk = replace(room.desk, queries=queries, lists=LastLists())


async def test_a_new_item_gets_its_text_once_and_stays_what_it_is(room: NewsRoom) -> None:
    polled = await room.shows([at(room, 1), at(room, 9)])
    assert (polled.items[State.NEW], polled.alerts) == (1, 1)
    restart(room)
    again = await room.shows([at(room, 1), at(room, 9), at(room, 8)])
    assert (again.items[State.REVISION], again.items[State.SEEN], again.items[State.NEW]) == (0, 2, 1)
    assert room.server.count("/a/1") == 1


async def test_what_is_far_from_all_that_is_followed_is_not_asked_for(room: NewsRoom) -> None:
    far = at(room, 1, title="A bridge opens", summary="It crosses a river.")
    await room.shows([far, at(room, 9)])
    assert room.server.count("/a/1") == 0


async def test_of_a_source_that_is_all_about_the_subject_everything_is_read(room: NewsRoom) -> None:
    source = replace(room.source, relevance=Relevance.ALL)
    room.desk = replace(room.desk, sources={source.id: source})
    polled = await room.shows([at(room, 1, title="A bridge opens", summary="It crosses a river."), at(room, 9)])
    assert room.server.count("/a/1") == 1
    assert polled.alerts == 1  # its text has the word, its summary had not


@pytest.mark.parametrize("refused", [False, True])
async def test_an_article_that_fails_leaves_the_item_with_its_summary(room: NewsRoom, *, refused: bool) -> None:
    for number in (1, 2):
        room.server.fail(f"/a/{number}", 403 if refused else 500)
    polled = await room.shows([at(room, 1), at(room, 2), at(room, 9)])
    assert (polled.items[State.NEW], polled.alerts, polled.error) == (2, 2, "")
    assert room.server.count("/a/1") + room.server.count("/a/2") == (1 if refused else 2)


async def test_no_more_are_asked_for_than_a_poll_may(room: NewsRoom) -> None:
    for number in range(100, 130):
        room.server.publish(f"/a/{number}", NEWS.format(LONG))
    await room.shows([at(room, number) for number in range(100, 130)] + [at(room, 9)])
    assert sum(room.server.count(f"/a/{number}") for number in range(100, 130)) == ARTICLES_AT_MOST


@pytest.mark.parametrize("ending", [".pdf", "?x=1#part"])
async def test_what_cannot_be_read_is_not_asked_for(room: NewsRoom, ending: str) -> None:
    await room.shows([replace(at(room, 1), url=room.server.url(f"/a/1{ending}")), at(room, 9)])
    assert [asked.path for asked in room.server.requests if asked.path.startswith("/a/")] == []


async def test_a_text_of_its_own_is_always_read() -> None:
    async with a_newsroom() as room:
        room.desk = replace(room.desk, read=read_both)
        room.server.publish("/raw", f"<html><body><pre>{LONG}</pre></body></html>")
        await room.shows([item(9, NOON)])
        order = item(1, NOON, title="Order", summary="", facts={"full_text": room.server.url("/raw")})
        polled = await room.shows([order, item(9, NOON)])
        assert (room.server.count("/raw"), polled.alerts) == (1, 1)

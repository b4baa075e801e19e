"""Full text within reason: fetched once for what is new and near, and never a reason to tell of an item again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.index import Index
from bot.core.intake import ARTICLE, Entry, FeedResponse, Parsed, Relevance, SourceSpec
from bot.core.model import State, Voice
from bot.core.query import parse
from bot.errors import ParseError
from bot.poll import LiveIndex, poll_due
from bot.poll.articles import ARTICLES_AT_MOST
from bot.poll.lists import LastLists
from bot.reading.article import SOURCE
from bot.sources.federal_register import SOURCE as REGISTER
from bot.store.memory import MemoryStore
from tests.fakes.clock import NOON
from tests.fakes.newsroom import ANA, FEW_MINUTES, NewsRoom, a_newsroom, item, listing, read

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


async def read_the_rest(
    source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset(), /
) -> Parsed | ParseError:
    """As a feed is read: what is known is left out."""
    parsed = await read_both(source, response)
    if isinstance(parsed, ParseError) or source.kind == ARTICLE:
        return parsed
    left = tuple(entry for entry in parsed.entries if entry.guid not in known)
    return replace(parsed, entries=left, spans=tuple(entry.guid for entry in parsed.entries))


async def test_a_list_that_is_read_whole_after_all_keeps_the_texts_that_it_got(room: NewsRoom) -> None:
    room.store = store = MemoryStore()
    await store.register([room.source])
    await store.follow(ANA, Voice(), "topic:policy", "Policy", NOON)
    queries = LiveIndex(store, Index({"policy": parse("policy")}))
    room.desk = replace(room.desk, store=store, queries=queries, read=read_the_rest)
    await room.shows([at(room, 8), at(room, 9)])
    store._archive.documents.clear()  # as if they had been forgotten
    polled = await room.shows([at(room, 1), at(room, 8), at(room, 9)])
    assert polled.items[State.NEW] == 3
    assert room.server.count("/a/1") == 1
    assert any(LONG.strip() in one.document.text for one in store._archive.documents.values())


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


async def test_two_sources_that_answer_with_one_consent_page_tell_two_stories(room: NewsRoom) -> None:
    other = replace(room.source, id="source-2", url=room.server.url("/other"))
    room.desk = replace(room.desk, sources={room.source.id: room.source, other.id: other})
    await room.store.register([room.source, other])
    room.server.publish("/other", listing([at(room, 8)]))
    await poll_due(room.desk)
    room.server.publish("/a/2", NEWS.format(LONG))
    room.server.publish("/list", listing([at(room, 1, title="Policy on parole ends on Friday"), at(room, 9)]))
    room.server.publish("/other", listing([at(room, 2, title="Policy on status is extended"), at(room, 8)]))
    room.clock.advance(FEW_MINUTES)
    first, second = await poll_due(room.desk)
    assert (room.server.count("/a/1"), room.server.count("/a/2")) == (1, 1)
    assert (first.items[State.NEW], first.alerts) == (second.items[State.NEW], second.alerts) == (1, 1)


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


async def test_an_article_that_never_comes_is_waited_for_no_longer_than_the_list_may(room: NewsRoom) -> None:
    """What came in time is kept; what did not, and what comes after it, goes by its summary."""
    assert room.desk.articles_seconds == 60.0
    room.desk = replace(room.desk, articles_seconds=0.3)
    for number in (1, 3):
        room.server.publish(f"/a/{number}", NEWS.format(LONG))
    room.server.hang("/a/2")
    polled = await room.shows([at(room, 1), at(room, 2), at(room, 3), at(room, 9)])
    assert (polled.items[State.NEW], polled.alerts, polled.error) == (3, 3, "")
    assert [room.server.count(f"/a/{number}") for number in (1, 2, 3)] == [1, 1, 0]
    texts = {story.lead.url: story.lead.text for story in await room.store.stories(10)}
    assert LONG.strip() in texts[room.server.url("/a/1")]
    assert LONG.strip() not in texts[room.server.url("/a/2")]


RAW = """<html>
<head>
<title>Federal Register, Volume 90 Issue 18 (Wednesday, January 29, 2025)</title>
</head>
<body><pre>
[Federal Register Volume 90, Number 18 (Wednesday, January 29, 2025)]
[Presidential Documents]
[Pages 8443-8449]

                         Executive Order 14999

    By the authority vested in me as President, it is
hereby ordered:

    Section 1. The parole of those who wait is policy no more.

[FR Doc. 2025-02010 Filed 1-28-25; 8:45 am]
</pre></body>
</html>
"""


async def test_an_order_of_the_register_is_judged_by_its_whole_text() -> None:
    async with a_newsroom() as room:

        async def read_register(
            source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset()
        ) -> Parsed | ParseError:
            return await read_both(source, response, known) if source.kind == ARTICLE else REGISTER.parse(response)

        room.desk = replace(room.desk, read=read_register)
        room.server.publish("/documents/full_text/text/2025/01/29/2025-02010.txt", RAW, content_type="text/plain")
        await room.shows(register(room, "2025-02009"))
        polled = await room.shows(register(room, "2025-02010", "2025-02009"))
        assert polled.alerts == 1  # neither its title nor anything else in the list has the word
        [story] = [one for one in await room.store.stories(10) if one.lead.url.endswith("2025-02010")]
        assert "it is hereby ordered:\n\nSection 1. The parole of those who wait is policy no more." in story.lead.text


def register(room: NewsRoom, *numbers: str) -> str:
    """Answer as the Register's interface does, of presidential documents without an abstract."""
    documents = [
        {
            "document_number": number,
            "type": "Presidential Document",
            "title": f"Order {number} on the Work of the Offices",
            "abstract": None,
            "html_url": f"https://www.federalregister.gov/d/{number}",
            "raw_text_url": room.server.url(f"/documents/full_text/text/2025/01/29/{number}.txt"),
            "publication_date": "2026-11-24",
            "agencies": [{"name": "Executive Office of the President"}],
        }
        for number in numbers
    ]
    return json.dumps({"count": len(documents), "total_pages": 1, "results": documents})

"""When each source had news: the days, the newest item, and whether anything has come since it was first read."""

from __future__ import annotations

from datetime import timedelta

from bot.core.habit import Rhythm
from bot.ports import Store
from tests.builders import NOW, a_document, a_source, a_story, at
from tests.storing import publish

LONG_AGO = at(days=-400)


async def test_days_with_news_are_named_once_and_in_order(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    made = [(1, at(days=-3)), (2, at(days=-3, hours=-2)), (3, at(days=-9)), (4, None), (5, at(days=-500))]
    for number, claimed_at in made:
        await publish(store, a_story(number, a_document(number, claimed_at=claimed_at)))
    days = tuple(at(days=-ahead).date() for ahead in (9, 3, 0))
    assert await store.rhythms(LONG_AGO) == {"source-1": Rhythm(days, NOW, None, dated_at=at(days=-3))}


async def test_what_was_seen_later_shows_that_a_source_lives(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    constant = at(days=-100)
    later = NOW + timedelta(hours=5)
    for number, seen_at in ((1, NOW), (2, later)):
        await publish(store, a_story(number, a_document(number, claimed_at=constant, seen_at=seen_at)))
    await publish(store, a_story(3, a_document(3, source=2, claimed_at=later, seen_at=NOW)))
    known = await store.rhythms(LONG_AGO)
    assert known["source-1"] == Rhythm((constant.date(),), constant, later, constant)
    assert known["source-2"] == Rhythm((NOW.date(),), NOW, None, NOW)  # nothing was made after we saw it


async def test_of_a_list_that_is_older_than_memory_the_newest_item_is_known(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    for number in (2, 3):
        await publish(store, a_story(number, a_document(number, claimed_at=at(days=-500 * number))))
    await publish(store, a_story(4, a_document(4, source=2, claimed_at=None)))
    assert await store.rhythms(LONG_AGO) == {
        "source-1": Rhythm((), at(days=-1000), None, at(days=-1000)),
        "source-2": Rhythm((NOW.date(),), NOW, None, None),
    }


async def test_nothing_is_known_of_a_source_without_documents(store: Store) -> None:
    assert await store.rhythms(LONG_AGO) == {}

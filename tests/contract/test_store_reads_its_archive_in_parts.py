"""The archive is read from its newest story backward, in parts, so that a long look holds nobody up."""

from __future__ import annotations

from bot.ports import Store
from tests.builders import a_source, a_story
from tests.storing import publish


async def test_parts_read_one_after_the_other_are_the_whole_archive(store: Store) -> None:
    await store.register((a_source(1),))
    for number in range(1, 8):
        await publish(store, a_story(number))
    whole = [story.number for story in await store.stories(99)]
    assert whole == [7, 6, 5, 4, 3, 2, 1]
    read: list[int] = []
    while part := await store.stories(3, read[-1] if read else None):
        read += [story.number for story in part]
    assert read == whole


async def test_below_the_first_story_there_is_none(store: Store) -> None:
    await store.register((a_source(1),))
    await publish(store, a_story(5))
    assert await store.stories(9, 5) == ()
    assert [story.number for story in await store.stories(9, 6)] == [5]

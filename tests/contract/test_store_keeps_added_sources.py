"""Sources that people add: for everybody or for one chat alone, which they follow wherever it goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.added import A_CHAT_AT_MOST, Added, Refusal, Wanted
from bot.core.intake import Cursor
from bot.core.model import Changes, Chat, Voice
from bot.ports import Store
from tests.builders import NOW, a_chat, a_story, at, some_changes
from tests.storing import follow

ANA, BEN = a_chat(1), a_chat(2)
EVERY = timedelta(minutes=10)


async def add(store: Store, chat: Chat | None, url: str = "https://example.org/feed") -> Added:
    added = await store.add_source(Wanted("feed", url, "example.org", chat), Voice(), NOW)
    assert isinstance(added, Added)
    await store.register([one.spec(EVERY) for one in await store.added_sources()])
    return added


async def query_ids(store: Store) -> list[int]:
    return [query.id for query in (await store.queries_since(0)).added]


async def told(store: Store, source_id: str) -> set[Chat]:
    return {reader.chat for reader in await store.subscribers(await query_ids(store), source_id)}


async def test_what_was_added_is_there_in_order(store: Store) -> None:
    first, second = await add(store, None), await add(store, ANA)
    assert (first.id, second.id) == ("added-1", "own-2")
    assert await store.added_sources() == (first, second)
    assert [cursor.source_id for cursor in await store.due(NOW)] == ["added-1", "own-2"]


async def test_an_address_is_added_once_by_each(store: Store) -> None:
    for chat in (None, ANA, BEN):
        await add(store, chat)
        again = await store.add_source(Wanted("feed", "https://example.org/feed", "x", chat), Voice(), NOW)
        assert again is Refusal.KNOWN


async def test_a_chat_that_was_refused_stays_unknown(store: Store) -> None:
    for number in range(A_CHAT_AT_MOST):
        await add(store, ANA, f"https://{number}.example.org/feed")
    refused = await store.add_source(Wanted("feed", "https://more.example.org/", "x", ANA), Voice(), NOW)
    assert refused is Refusal.FULL
    assert await store.preferences(BEN) is None


async def test_a_chats_own_source_is_told_to_that_chat_alone(store: Store) -> None:
    for chat in (ANA, BEN):
        await follow(store, chat)
    own, shared = await add(store, ANA), await add(store, None)
    assert await told(store, own.id) == {ANA}
    assert await told(store, shared.id) == {ANA, BEN}
    assert await told(store, "uscis-all-news") == {ANA, BEN}


async def test_a_number_is_never_given_twice_and_nobody_is_told_of_what_was_dropped(store: Store) -> None:
    await follow(store, ANA)
    dropped = await add(store, ANA)
    assert await store.drop_source(dropped.id)
    assert not await store.drop_source(dropped.id)
    assert await store.added_sources() == ()
    assert await told(store, dropped.id) == set()
    assert await store.due(NOW) == ()
    assert await store.cursors() == ()
    assert (await add(store, BEN)).number > dropped.number


async def test_only_the_very_id_drops_a_source(store: Store) -> None:
    own = await add(store, ANA)
    assert not await store.drop_source(f"added-{own.number}")
    assert not await store.drop_source("own-99")
    assert await store.added_sources() == (own,)


async def test_a_chat_that_moves_keeps_its_sources(store: Store) -> None:
    await follow(store, ANA)
    own = await add(store, ANA)
    new = replace(ANA, id="-100999")
    await store.move(ANA, new, NOW)
    assert await store.added_sources() == (replace(own, chat=new),)
    assert await told(store, own.id) == {new}
    again = await store.add_source(Wanted("feed", own.url, "x", ANA), Voice(), NOW)
    assert again is Refusal.KNOWN


async def test_chats_that_become_one_have_the_sources_of_both(store: Store) -> None:
    for chat in (ANA, BEN):
        await follow(store, chat)
        await add(store, chat)
    await store.move(ANA, BEN, NOW)
    assert [one.chat for one in await store.added_sources()] == [BEN, BEN]


async def test_forgetting_a_chat_forgets_what_it_added_and_nothing_else(store: Store) -> None:
    own, theirs, shared = await add(store, ANA), await add(store, BEN), await add(store, None)
    await store.commit((Changes(Cursor(own.id, validator_url=own.url, next_poll_at=at(9))),))
    await store.forget(ANA)
    assert await store.added_sources() == (theirs, shared)
    assert await told(store, own.id) == set()
    assert {cursor.source_id for cursor in await store.cursors()} == {theirs.id, shared.id}


@pytest.mark.parametrize("goes", ["the source", "the chat"])
async def test_a_poll_that_was_under_way_brings_back_nothing_of_a_source_that_is_gone(store: Store, goes: str) -> None:
    own, shared = await add(store, ANA), await add(store, None)
    cursors = [Cursor(one.id, validator_url=one.url, next_poll_at=at(9)) for one in (own, shared)]
    document = replace(a_story(1).lead, source_id=own.id)
    await (store.drop_source(own.id) if goes == "the source" else store.forget(ANA))
    await store.commit([replace(some_changes(), cursor=cursors[1])])
    await store.commit([replace(some_changes(replace(a_story(1), lead=document)), cursor=cursors[0])])
    assert await store.story(1) is None
    assert await store.cursors() == (cursors[1],)
    await store.register([one.spec(EVERY) for one in (own, shared)])
    assert own.url not in [one.validator_url for one in await store.cursors() if one.source_id == own.id]


async def test_what_a_chat_added_is_kept_about_it_and_given_to_it(store: Store) -> None:
    await add(store, ANA, "https://example.org/hers")
    await add(store, None, "https://example.org/everybodys")
    (row,) = (await store.kept(ANA))["added_sources"]
    assert (row["url"], row["kind"], row["added_at"]) == (
        "https://example.org/hers",
        "feed",
        "2023-10-05T12:00:00.000000Z",
    )


@pytest.mark.parametrize("source_id", ["own-1", "added-1"])
async def test_stories_of_one_chats_sources_are_in_no_list(store: Store, source_id: str) -> None:
    await add(store, ANA if source_id == "own-1" else None)
    await follow(store, ANA)
    for story in (a_story(1), a_story(2)):
        other = replace(story, lead=replace(story.lead, source_id=source_id))
        changes = some_changes(other if story.number == 1 else story)
        await store.register([*(one.spec(EVERY) for one in await store.added_sources())])
        await store.commit((replace(changes, cursor=Cursor(source_id)),))
    assert [story.number for story in await store.stories(9)] == ([2] if source_id == "own-1" else [2, 1])
    assert len(await store.stories(1)) == 1
    found = await store.story(1)
    assert found
    assert found.lead.source_id == source_id

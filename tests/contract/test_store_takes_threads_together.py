"""Threads of a chat are chats of their own to people, and one chat to its platform: for limits, and when it is gone."""

from __future__ import annotations

from dataclasses import replace

from bot.core.model import DeliveryState
from bot.core.outcome import Gone, Later, Sent
from bot.ports import Store
from tests.builders import NOW, a_chat, a_story, at
from tests.storing import claim, follow, publish, query_ids

GROUP, OTHER = a_chat(1), a_chat(2)
FIRST, SECOND = replace(GROUP, thread="5"), replace(GROUP, thread="6")
ALL = (GROUP, FIRST, SECOND, OTHER)


async def settled_in(store: Store) -> None:
    for chat in ALL:
        await follow(store, chat)


async def active(store: Store) -> set[object]:
    return {reader.chat for reader in await store.subscribers((await query_ids(store)).values())}


async def test_each_thread_has_alerts_of_its_own_and_they_go_one_after_the_other(store: Store) -> None:
    await settled_in(store)
    await publish(store, a_story(1))
    await publish(store, a_story(2))
    told = []
    while rows := await claim(store):
        assert len({row.chat.id for row in rows}) == len(rows)
        assert await claim(store) == () or OTHER in {row.chat for row in rows}
        for row in rows:
            told.append((row.chat, row.alert.story.number))
            await store.settle(row, Sent("r", NOW), NOW)
    assert len(told) == len(set(told)) == 2 * len(ALL)
    assert [story for chat, story in told if chat.id == GROUP.id] == [1, 1, 1, 2, 2, 2]


async def test_many_threads_of_one_chat_leave_places_for_other_chats(store: Store) -> None:
    for thread in range(20):
        await follow(store, replace(GROUP, thread=str(thread + 1)))
    await publish(store, a_story(1))
    await follow(store, OTHER)
    await publish(store, a_story(2))
    assert {row.chat.id for row in await claim(store, limit=16)} == {GROUP.id, OTHER.id}


async def test_a_thread_that_wants_silence_does_not_hold_up_the_others(store: Store) -> None:
    await settled_in(store)
    (row, *_) = await publish(store, a_story(1))
    await store.mute(row.chat, None, None, NOW)
    assert await store.retry(row.id, NOW)
    assert {claimed.chat.id for claimed in await claim(store)} == {GROUP.id, OTHER.id}


async def test_what_a_platform_bids_one_thread_to_wait_holds_for_its_chat(store: Store) -> None:
    await settled_in(store)
    await publish(store, a_story(1))
    for row in await claim(store):
        await store.settle(row, Later(at(hours=1), "429") if row.chat != OTHER else Sent("r", NOW), NOW)
    await publish(store, a_story(2))
    assert {row.chat for row in await claim(store, at(minutes=59))} == {OTHER}
    assert {row.chat.id for row in await claim(store, at(hours=1))} == {GROUP.id}


async def test_a_chat_that_is_gone_is_gone_with_its_threads(store: Store) -> None:
    await settled_in(store)
    await publish(store, a_story(1))
    (row,) = [row for row in await claim(store) if row.chat != OTHER]
    await store.settle(row, Gone("kicked"), NOW)
    assert await active(store) == {OTHER}
    cancelled = await store.outbox([DeliveryState.CANCELLED], 9)
    assert {row.chat for row in cancelled} == {GROUP, FIRST, SECOND}
    assert {row.last_error for row in cancelled} == {"kicked"}


async def test_a_chat_that_its_platform_says_is_gone_is_so_before_a_message_fails(store: Store) -> None:
    await settled_in(store)
    await publish(store, a_story(1))
    await store.part(GROUP, "kicked", NOW)
    await store.part(GROUP, "kicked", NOW)
    assert await active(store) == {OTHER}
    assert {row.chat for row in await claim(store)} == {OTHER}
    assert len(await store.subscriptions(FIRST)) == 1


async def test_a_chat_that_nobody_knows_parts_without_a_trace(store: Store) -> None:
    await store.part(GROUP, "kicked", NOW)
    assert (await store.census()).chats == 0


async def test_a_chat_comes_back_with_its_threads_and_a_thread_alone(store: Store) -> None:
    await settled_in(store)
    await store.part(GROUP, "kicked", NOW)
    assert await store.wake(SECOND)
    assert await active(store) == {SECOND, OTHER}
    assert await store.wake(GROUP)
    assert await active(store) == set(ALL)
    assert not await store.wake(GROUP)


async def test_a_chat_with_nothing_but_threads_parts_and_comes_back(store: Store) -> None:
    await follow(store, FIRST)
    await store.part(GROUP, "kicked", NOW)
    assert await active(store) == set()
    assert await store.wake(GROUP)
    assert await active(store) == {FIRST}


async def test_a_chat_is_forgotten_with_its_threads_and_a_thread_alone(store: Store) -> None:
    await settled_in(store)
    await publish(store, a_story(1))
    await store.forget(SECOND)
    assert await active(store) == {GROUP, FIRST, OTHER}
    await store.move(OTHER, replace(OTHER, id="9"), NOW)
    await store.move(replace(OTHER, id="9"), FIRST, NOW)  # its former names are forgotten too
    await store.forget(GROUP)
    assert await active(store) == set()
    assert await store.outbox(list(DeliveryState), 9) == ()
    for chat in ALL:
        assert await store.preferences(chat) is None


async def test_a_chat_with_nothing_but_threads_is_forgotten_with_them(store: Store) -> None:
    await follow(store, FIRST)
    await store.forget(GROUP)
    assert (await store.census()).chats == 0


async def test_that_a_former_name_is_gone_says_nothing_of_the_chat(store: Store) -> None:
    await follow(store, GROUP)
    await store.move(GROUP, OTHER, NOW)
    await store.part(GROUP, "the group is gone", NOW)
    assert await active(store) == {OTHER}
    await store.part(OTHER, "kicked", NOW)
    assert await store.wake(GROUP)
    assert await active(store) == {OTHER}


async def test_a_topic_that_is_lost_gives_all_it_has_to_its_group(store: Store) -> None:
    for chat in (GROUP, FIRST):
        await follow(store, chat)
    await follow(store, FIRST, "topic:asylum")
    await publish(store, a_story(1), "topic:asylum")
    await store.move(FIRST, GROUP, NOW)
    assert {line.query for line in await store.subscriptions(GROUP)} == {"topic:tps", "topic:asylum"}
    assert [row.chat for row in await claim(store)] == [GROUP]

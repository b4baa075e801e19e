from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from bot.core.model import Delivery, DeliveryState, Voice
from bot.core.outcome import Gone, Later, Moved, Sent, Unsure
from bot.ports import Store
from bot.store import open_store
from tests.builders import NOW, a_chat, a_story, at, some_changes
from tests.storing import addressed, claim, claim_one, follow, in_memory_directory, publish, query_ids

GROUP, SUPERGROUP, OTHER = a_chat(1), a_chat(2), a_chat(3)
ALL = list(DeliveryState)


async def rows_of(store: Store) -> dict[int, tuple[object, DeliveryState]]:
    """What is in the outbox, by story; each story once."""
    rows = await store.outbox(ALL, 99)
    assert len({row.alert.story.number for row in rows}) == len(rows)
    return {row.alert.story.number: (row.chat, row.state) for row in rows}


async def test_a_moved_chat_keeps_everything_under_its_new_name(store: Store) -> None:
    await store.follow(GROUP, Voice("es", "UTC"), "topic:tps", "TPS", NOW)
    (row,) = await publish(store, a_story(1))
    lines = await store.subscriptions(GROUP)
    await store.move(GROUP, SUPERGROUP, NOW)
    assert await store.subscriptions(SUPERGROUP) == lines
    claimed = await claim_one(store)
    assert (claimed.id, claimed.chat, claimed.alert.voice.language) == (row.id, SUPERGROUP, "es")


async def test_moving_twice_or_from_nowhere_changes_nothing(store: Store) -> None:
    await store.move(GROUP, SUPERGROUP, NOW)
    assert (await store.census()).chats == 0
    await follow(store, GROUP)
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.move(SUPERGROUP, SUPERGROUP, NOW)
    census = await store.census()
    assert (census.chats, census.subscriptions) == (1, 1)


async def test_a_former_name_leads_to_the_chat(store: Store) -> None:
    await follow(store, GROUP)
    planned = await addressed(store, a_story(1))
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.commit((some_changes(a_story(1), deliveries=planned),))
    assert await rows_of(store) == {1: (SUPERGROUP, DeliveryState.PENDING)}
    assert not await follow(store, GROUP)
    assert len(await store.subscriptions(GROUP)) == 1
    assert [line.query for line in await store.unfollow(GROUP, None, NOW)] == ["topic:tps"]
    assert await rows_of(store) == {1: (SUPERGROUP, DeliveryState.CANCELLED)}


async def test_chats_that_turn_out_to_be_one_are_merged_without_doubling(store: Store) -> None:
    for chat, query in ((GROUP, "topic:tps"), (GROUP, "topic:asylum"), (SUPERGROUP, "topic:tps")):
        await follow(store, chat, query)
    await publish(store, a_story(1))
    await publish(store, a_story(2), "topic:asylum")
    await store.move(GROUP, SUPERGROUP, NOW)
    assert {line.query for line in await store.subscriptions(SUPERGROUP)} == {"topic:tps", "topic:asylum"}
    assert await rows_of(store) == {1: (SUPERGROUP, DeliveryState.PENDING), 2: (SUPERGROUP, DeliveryState.PENDING)}
    (joined,) = [row for row in await store.outbox(ALL, 9) if row.alert.story.number == 1]
    assert {why.label for why in joined.alert.why} == {"TPS", "ASYLUM"}


async def test_what_was_unfollowed_in_one_chat_is_no_reason_in_the_merged_one(store: Store) -> None:
    await follow(store, GROUP, "topic:asylum")
    await follow(store, SUPERGROUP, "topic:tps")
    await publish(store, a_story(1), "topic:tps", "topic:asylum")
    await store.unfollow(GROUP, None, NOW)
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.unfollow(SUPERGROUP, None, NOW)
    assert await rows_of(store) == {1: (SUPERGROUP, DeliveryState.CANCELLED)}


@pytest.mark.parametrize("first", [GROUP, SUPERGROUP])
async def test_of_two_rows_for_one_story_the_one_that_was_sent_stays(store: Store, first: object) -> None:
    await follow(store, GROUP)
    await follow(store, SUPERGROUP)
    await publish(store, a_story(1))
    for row in await claim(store):
        outcome = Sent("r", NOW) if row.chat == first else Later(NOW, "slow down")
        await store.settle(row, outcome, NOW)
    await store.move(GROUP, SUPERGROUP, NOW)
    assert await rows_of(store) == {1: (SUPERGROUP, DeliveryState.SENT)}
    assert await claim(store, at(days=1)) == ()


async def test_a_poll_that_planned_for_both_names_writes_one_row(store: Store) -> None:
    await follow(store, GROUP)
    await follow(store, SUPERGROUP)
    planned = await addressed(store, a_story(1))
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.commit((some_changes(a_story(1), deliveries=planned),))
    assert await rows_of(store) == {1: (SUPERGROUP, DeliveryState.PENDING)}


@pytest.mark.parametrize("unsure", [GROUP, SUPERGROUP])
async def test_what_may_have_arrived_stays_marked_through_a_merge(store: Store, unsure: object) -> None:
    await follow(store, GROUP)
    await follow(store, SUPERGROUP)
    await publish(store, a_story(1))
    for row in await claim(store):
        await store.settle(row, Unsure(NOW, "x") if row.chat == unsure else Later(NOW, "x"), NOW)
    await store.move(GROUP, SUPERGROUP, NOW)
    assert (await claim_one(store)).unsure


async def test_a_merged_chat_rests_as_long_as_either_and_is_active_if_either_was(store: Store) -> None:
    await follow(store, GROUP)
    await follow(store, SUPERGROUP)
    await publish(store, a_story(1))
    for row in await claim(store):
        await store.settle(row, Later(at(hours=1), "429") if row.chat == GROUP else Gone("kicked"), NOW)
    await store.move(GROUP, SUPERGROUP, NOW)
    assert await claim(store, at(minutes=59)) == ()
    assert (await claim_one(store, at(hours=1))).chat == SUPERGROUP


@pytest.mark.parametrize("is_known", [False, True])
async def test_whoever_moves_can_be_reached_though_both_names_were_gone(store: Store, is_known: bool) -> None:
    for chat in (GROUP, SUPERGROUP) if is_known else (GROUP,):
        await follow(store, chat)
        await store.part(chat, "left", NOW)
    await store.move(GROUP, SUPERGROUP, NOW)
    (row,) = await publish(store, a_story(1))
    assert ((await claim_one(store)).id, row.chat) == (row.id, SUPERGROUP)


async def test_moves_follow_one_another(store: Store) -> None:
    await follow(store, GROUP)
    (row,) = await publish(store, a_story(1))
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.move(SUPERGROUP, OTHER, NOW)
    assert len(await store.subscriptions(GROUP)) == 1
    assert len(await store.subscriptions(SUPERGROUP)) == 1
    claimed = await claim_one(store)
    assert (claimed.id, claimed.chat) == (row.id, OTHER)


async def test_a_chat_may_get_a_former_name_back(store: Store) -> None:
    await follow(store, GROUP)
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.move(SUPERGROUP, GROUP, NOW)
    assert len(await store.subscriptions(SUPERGROUP)) == 1
    assert [reader.chat for reader in await store.subscribers((await query_ids(store)).values())] == [GROUP]


async def test_forgetting_leaves_nothing_of_a_chat_and_all_of_others(store: Store) -> None:
    await follow(store, GROUP)
    await follow(store, GROUP, "her own words")
    await follow(store, OTHER)
    await publish(store, a_story(1))
    await store.move(GROUP, SUPERGROUP, NOW)
    await store.forget(GROUP)
    assert await rows_of(store) == {1: (OTHER, DeliveryState.PENDING)}
    assert await store.subscriptions(GROUP) == await store.subscriptions(SUPERGROUP) == ()
    assert not await store.wake(SUPERGROUP)
    assert list(await query_ids(store)) == ["topic:tps"]
    census = await store.census()
    assert (census.chats, census.subscriptions) == (1, 1)
    await store.forget(GROUP)


async def test_a_poll_under_way_does_not_write_to_a_chat_that_was_forgotten(store: Store) -> None:
    await follow(store, GROUP)
    planned = await addressed(store, a_story(1))
    await store.forget(GROUP)
    await store.commit((some_changes(a_story(1), deliveries=planned),))
    assert await rows_of(store) == {}


async def race(store: Store, chance: random.Random) -> None:
    """A group becomes a supergroup while alerts are on their way: told by error and by event, in any order."""
    await follow(store, GROUP)
    if chance.random() < 0.5:
        await follow(store, SUPERGROUP)
    arrived: list[int] = []
    under_way: list[Delivery] = []

    async def announce() -> None:
        await store.move(GROUP, SUPERGROUP, NOW)

    async def news() -> None:
        planned = await addressed(store, a_story(len(await store.stories(99)) + 1))
        number = len(await store.stories(99)) + 1
        await store.commit((some_changes(a_story(number), deliveries=planned),))

    async def send() -> None:
        under_way.extend(await claim(store))

    async def answer() -> None:
        if under_way:
            row = under_way.pop(chance.randrange(len(under_way)))
            moved = row.chat == GROUP
            state = await store.settle(row, Moved(SUPERGROUP) if moved else Sent("r", NOW), NOW)
            arrived.extend([] if moved or state is not DeliveryState.SENT else [row.alert.story.number])

    steps = [announce, news, news, send, answer, send, answer, send, answer]
    chance.shuffle(steps)
    for step in steps:
        await step()
    await announce()
    while under_way or (under_way := list(await claim(store))):
        await answer()
    told = await rows_of(store)
    assert set(told.values()) <= {(SUPERGROUP, DeliveryState.SENT)}
    assert sorted(arrived) == sorted(told) == [1, 2]
    assert len(await store.subscriptions(SUPERGROUP)) == 1
    assert (await store.census()).chats == 1


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_hundred_interleavings_of_a_move_lose_and_double_nothing(kind: str) -> None:
    async def all_of_them() -> None:
        for seed in range(100):
            with in_memory_directory() as directory:
                store = open_store("memory:" if kind == "memory" else f"sqlite:///{directory}/policybell.db")
                await race(store, random.Random(seed))
                await store.close()

    asyncio.run(all_of_them())


async def test_a_group_is_forgotten_with_its_topics_in_one_order(store: Store) -> None:
    for number in range(1, 7):
        for word in (number, number + 1):
            await store.follow(replace(GROUP, thread=str(number)), Voice(), f"word{word}", "", NOW)
    began = (await store.queries_since(0)).version
    await store.forget(GROUP)
    log = await store.queries_since(began)
    assert (log.version - began, len(log.removed)) == (6, 7)  # one word ends with each topic, and two with the last
    assert (await store.census()).chats == 0

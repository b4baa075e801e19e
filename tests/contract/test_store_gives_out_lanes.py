from __future__ import annotations

from datetime import timedelta

from bot.core.model import DeliveryState
from bot.core.outcome import Later, Sent
from bot.ports import Store
from tests.builders import NOW, a_chat, a_story, at
from tests.storing import LEASE, claim, claim_one, follow, publish, state_of

ANA, BEN, COOPER = a_chat(1), a_chat(2), a_chat(3, platform="slack")


async def test_a_claimed_row_is_marked_sending_and_its_attempt_counted(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    claimed = await claim_one(store)
    assert (claimed.id, claimed.state, claimed.attempt) == (row.id, DeliveryState.SENDING, 1)
    assert claimed.alert == row.alert
    assert await store.delivery(row.id) == claimed
    assert await store.attempted_since(NOW) == (ANA,)


async def test_a_chat_gets_one_row_at_a_time_oldest_first(store: Store) -> None:
    await follow(store, ANA)
    rows = [(await publish(store, a_story(number)))[0] for number in (1, 2, 3)]
    for row in rows:
        claimed = await claim_one(store)
        assert claimed.id == row.id
        assert await claim(store) == ()
        await store.settle(claimed, Sent("r", NOW), NOW)
    assert await claim(store) == ()


async def test_chats_are_served_side_by_side_the_oldest_row_first(store: Store) -> None:
    await follow(store, BEN, "topic:tps")
    (late,) = await publish(store, a_story(1), due_at=at(seconds=-1))
    await follow(store, ANA, "topic:asylum")
    (early,) = await publish(store, a_story(2), "topic:asylum", due_at=at(seconds=-9))
    assert [row.id for row in await claim(store)] == [early.id, late.id]


async def test_rows_due_at_one_moment_go_in_the_order_of_their_creation(store: Store) -> None:
    chats = [a_chat(number) for number in range(5)]
    for chat in chats:
        await follow(store, chat)
    rows = await publish(store, a_story(1))
    assert [row.id for row in await claim(store)] == [row.id for row in rows]


async def test_no_more_than_the_limit_is_given_out(store: Store) -> None:
    for number in range(5):
        await follow(store, a_chat(number))
    rows = await publish(store, a_story(1))
    assert await claim(store, limit=0) == ()
    assert [row.id for row in await claim(store, limit=2)] == [row.id for row in rows[:2]]
    assert [row.id for row in await claim(store, limit=9)] == [row.id for row in rows[2:]]


async def test_only_the_named_platforms_are_served(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, COOPER)
    await publish(store, a_story(1))
    assert await claim(store, platforms=()) == ()
    assert await claim(store, platforms=("web",)) == ()
    assert [row.chat for row in await claim(store, platforms=("slack", "slack"))] == [COOPER]
    assert [row.chat for row in await claim(store, platforms=("slack", "telegram"))] == [ANA]


async def test_a_row_is_not_given_out_before_it_is_due(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1), due_at=at(seconds=10))
    assert await claim(store, at(seconds=9.999999)) == ()
    assert (await claim_one(store, at(seconds=10))).id == row.id


async def test_a_resting_chat_gets_nothing_and_others_do(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await publish(store, a_story(1))
    await publish(store, a_story(2))
    first, second = await claim(store)
    await store.settle(first, Later(at(hours=12), "429"), NOW)
    await store.settle(second, Sent("r", at(seconds=1)), NOW)
    assert await claim(store, at(seconds=0.9)) == ()
    assert (await claim_one(store, at(seconds=1))).chat == BEN
    assert await claim(store, at(hours=11.9)) == ()
    again = await claim_one(store, at(hours=12))
    assert (again.id, again.attempt) == (first.id, 2)


async def test_a_failed_row_stays_the_head_of_its_lane(store: Store) -> None:
    await follow(store, ANA)
    (first,) = await publish(store, a_story(1))
    await publish(store, a_story(2))
    for attempt in range(1, 6):
        claimed = await claim_one(store, at(minutes=attempt))
        assert (claimed.id, claimed.attempt, claimed.due_at) == (first.id, attempt, NOW)
        await store.settle(claimed, Later(at(minutes=attempt + 1), "busy"), at(minutes=attempt))


async def test_an_older_row_that_comes_later_goes_first(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1), due_at=at(hours=8))
    (urgent,) = await publish(store, a_story(2), due_at=NOW)
    assert (await claim_one(store)).id == urgent.id


async def test_what_was_given_up_never_blocks_its_lane(store: Store) -> None:
    await follow(store, ANA)
    rows = [(await publish(store, a_story(number)))[0] for number in (1, 2, 3)]
    await store.discard(rows[0].id, NOW)
    assert (await claim_one(store)).id == rows[1].id


async def test_a_lease_that_ended_is_recovered_and_no_other(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await publish(store, a_story(1))
    first = (await claim(store, limit=1))[0]
    second = (await claim(store, at(minutes=4), limit=1))[0]
    assert await store.recover(NOW + LEASE - timedelta(seconds=1)) == 0
    assert await store.recover(NOW + LEASE) == 1
    assert await state_of(store, first) == DeliveryState.PENDING
    assert await state_of(store, second) == DeliveryState.SENDING


async def test_at_start_every_lease_is_over_and_what_may_have_arrived_is_marked(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await publish(store, a_story(1))
    await claim(store)
    assert await store.recover(NOW, every_lease=True) == 2
    again = await claim(store)
    assert [(row.state, row.unsure, row.attempt) for row in again] == [(DeliveryState.SENDING, True, 2)] * 2
    assert all("stopped" in row.last_error for row in again)


async def test_a_row_that_was_interrupted_twice_is_given_up_as_maybe(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    (then,) = await publish(store, a_story(2))
    for _ in range(2):
        await claim_one(store)
        await store.recover(NOW, every_lease=True)
    assert await state_of(store, row) == DeliveryState.MAYBE
    assert await store.recover(NOW, every_lease=True) == 0
    assert (await claim_one(store)).id == then.id


async def test_what_waited_too_long_expires_and_only_that(store: Store) -> None:
    await follow(store, ANA)
    (old,) = await publish(store, a_story(1), due_at=at(hours=-73))
    (edge,) = await publish(store, a_story(2), due_at=at(hours=-72))
    (sent,) = await publish(store, a_story(3), due_at=at(hours=-99))
    await store.settle(await claim_one(store), Sent("r", NOW), NOW)
    assert await store.expire(at(hours=-72)) == 1
    assert await state_of(store, old) == DeliveryState.EXPIRED
    assert await state_of(store, edge) == DeliveryState.PENDING
    assert await state_of(store, sent) == DeliveryState.SENT


async def test_a_row_under_way_does_not_expire(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1), due_at=at(hours=-99))
    await claim_one(store)
    assert await store.expire(NOW) == 0


async def test_attempts_are_told_in_order_since_a_moment(store: Store) -> None:
    await follow(store, BEN)
    await follow(store, ANA)
    await publish(store, a_story(1))
    await claim(store, at(seconds=1), limit=1)
    await claim(store, at(seconds=2), limit=1)
    assert await store.attempted_since(NOW) == (BEN, ANA)
    assert await store.attempted_since(at(seconds=2)) == (ANA,)
    assert await store.attempted_since(at(seconds=3)) == ()


async def test_threads_of_one_chat_are_told_each_and_one_after_the_other(store: Store) -> None:
    await follow(store, a_chat(1, thread="5"))
    await follow(store, a_chat(1, thread="6"))
    await publish(store, a_story(1))
    for thread in ("5", "6"):
        row = await claim_one(store)
        assert row.chat.thread == thread
        assert await claim(store) == ()
        await store.settle(row, Sent("r", NOW), NOW)

from __future__ import annotations

from datetime import datetime

import pytest

from bot.core.model import Delivery, DeliveryState
from bot.core.outcome import Gone, Later, Moved, Outcome, Refused, Sent, Unsure
from bot.ports import Store
from tests.builders import NOW, a_chat, a_story, at, some_changes
from tests.storing import addressed, claim, claim_one, follow, publish, state_of

ANA, BEN = a_chat(1), a_chat(2)


async def ana_waits_for(store: Store, *stories: int) -> list[Delivery]:
    await follow(store, ANA)
    return [(await publish(store, a_story(number)))[0] for number in stories]


async def attempt(store: Store, outcome: Outcome, now: datetime = NOW) -> Delivery:
    """Let the next row be sent with this outcome; return it as it stands then."""
    claimed = await claim_one(store, now)
    state = await store.settle(claimed, outcome, now)
    row = await store.delivery(claimed.id)
    assert row is not None
    assert row.state is state
    return row


async def test_sent_keeps_the_receipt_and_rests_the_chat(store: Store) -> None:
    await ana_waits_for(store, 1, 2)
    row = await attempt(store, Sent("message 17", at(seconds=3)))
    assert (row.state, row.receipt, row.last_error) == (DeliveryState.SENT, "message 17", "")
    assert await claim(store, at(seconds=2)) == ()
    assert len(await claim(store, at(seconds=3))) == 1


async def test_later_waits_again_and_keeps_its_place(store: Store) -> None:
    await ana_waits_for(store, 1)
    row = await attempt(store, Later(at(seconds=30), "slow down"))
    assert (row.state, row.attempt, row.last_error) == (DeliveryState.PENDING, 1, "slow down")
    assert (row.unsure, row.plain, row.due_at) == (False, False, NOW)


async def test_later_may_give_the_attempt_back(store: Store) -> None:
    await ana_waits_for(store, 1)
    row = await attempt(store, Later(at(seconds=30), "the room was stopped", counted=False))
    assert (row.state, row.attempt) == (DeliveryState.PENDING, 0)


async def test_unsure_is_marked_once_and_then_maybe(store: Store) -> None:
    first, second = await ana_waits_for(store, 1, 2)
    row = await attempt(store, Unsure(NOW, "no answer"))
    assert (row.state, row.unsure, row.last_error) == (DeliveryState.PENDING, True, "no answer")
    row = await attempt(store, Unsure(at(hours=1), "no answer again"))
    assert (row.id, row.state, row.last_error) == (first.id, DeliveryState.MAYBE, "no answer again")
    assert (await claim_one(store)).id == second.id


async def test_refused_is_plain_once_and_then_dead(store: Store) -> None:
    first, second = await ana_waits_for(store, 1, 2)
    row = await attempt(store, Refused(NOW, "bad markup"))
    assert (row.state, row.plain, row.last_error) == (DeliveryState.PENDING, True, "bad markup")
    row = await attempt(store, Refused(at(hours=1), "bad text"))
    assert (row.id, row.state, row.last_error) == (first.id, DeliveryState.DEAD, "bad text")
    assert (await claim_one(store)).id == second.id


@pytest.mark.parametrize("outcome", [Later(at(hours=1), "x"), Unsure(at(hours=1), "x"), Refused(at(hours=1), "x")])
async def test_a_row_that_waits_again_waits_until_its_chat_has_rested(store: Store, outcome: Outcome) -> None:
    await ana_waits_for(store, 1)
    await attempt(store, outcome)
    assert await claim(store, at(minutes=59)) == ()
    assert len(await claim(store, at(hours=1))) == 1


async def test_marks_stay_through_other_outcomes(store: Store) -> None:
    await ana_waits_for(store, 1)
    await attempt(store, Unsure(NOW, "no answer"))
    await attempt(store, Refused(NOW, "bad markup"))
    row = await attempt(store, Later(NOW, "slow down"))
    assert (row.unsure, row.plain, row.attempt) == (True, True, 3)
    row = await attempt(store, Sent("r", NOW))
    assert (row.state, row.unsure, row.plain) == (DeliveryState.SENT, True, True)


async def test_gone_cancels_all_that_waits_and_the_chat_hears_no_more(store: Store) -> None:
    rows = await ana_waits_for(store, 1, 2, 3)
    await follow(store, BEN)
    row = await attempt(store, Gone("the bot was removed"))
    assert (row.state, row.last_error) == (DeliveryState.CANCELLED, "the bot was removed")
    assert [await state_of(store, one) for one in rows] == [DeliveryState.CANCELLED] * 3
    assert [delivery.chat for delivery in await publish(store, a_story(4))] == [BEN]
    assert [one.chat for one in await claim(store, at(days=1))] == [BEN]
    assert len(await store.subscriptions(ANA)) == 1


async def test_a_chat_that_is_gone_gets_no_row_even_from_a_poll_that_was_under_way(store: Store) -> None:
    await ana_waits_for(store, 1)
    planned = some_changes(a_story(2), deliveries=await addressed(store, a_story(2)))
    await attempt(store, Gone("the bot was removed"))
    await store.commit((planned,))
    assert [row.state for row in await store.outbox(list(DeliveryState), 9)] == [DeliveryState.CANCELLED]


async def test_moved_takes_the_chat_along_and_the_row_waits_at_its_new_name(store: Store) -> None:
    first, second = await ana_waits_for(store, 1, 2)
    row = await attempt(store, Moved(BEN))
    assert (row.id, row.state, row.chat) == (first.id, DeliveryState.PENDING, BEN)
    assert [one.query for one in await store.subscriptions(BEN)] == ["topic:tps"]
    for expected in (first, second):
        claimed = await claim_one(store)
        assert (claimed.id, claimed.chat) == (expected.id, BEN)
        await store.settle(claimed, Sent("r", NOW), NOW)


async def test_settling_twice_tells_the_state_and_changes_nothing(store: Store) -> None:
    await ana_waits_for(store, 1)
    claimed = await claim_one(store)
    await store.settle(claimed, Sent("first", NOW), NOW)
    settled = await store.delivery(claimed.id)
    for outcome in (Sent("second", NOW), Unsure(NOW, "x"), Gone("x"), Moved(BEN)):
        assert await store.settle(claimed, outcome, NOW) is DeliveryState.SENT
    assert await store.delivery(claimed.id) == settled
    assert await store.subscriptions(BEN) == ()


async def test_an_answer_that_comes_after_its_lease_was_recovered_is_too_late(store: Store) -> None:
    await ana_waits_for(store, 1)
    late = await claim_one(store)
    await store.recover(NOW, every_lease=True)
    assert await store.settle(late, Gone("x"), NOW) is DeliveryState.PENDING
    current = await claim_one(store)
    assert await store.settle(late, Sent("r", NOW), NOW) is DeliveryState.SENDING
    assert await store.settle(current, Sent("r", NOW), NOW) is DeliveryState.SENT


async def test_settling_a_row_that_was_forgotten_brings_nothing_back(store: Store) -> None:
    await ana_waits_for(store, 1)
    claimed = await claim_one(store)
    await store.forget(ANA)
    for outcome in (Sent("r", NOW), Later(NOW, "x"), Moved(BEN), Gone("x")):
        assert await store.settle(claimed, outcome, NOW) is DeliveryState.CANCELLED
    assert (await store.census()).chats == 0
    assert await store.outbox(list(DeliveryState), 9) == ()


async def test_that_a_former_name_is_gone_does_not_silence_the_chat_under_its_new_one(store: Store) -> None:
    (row,) = await ana_waits_for(store, 1)
    claimed = await claim_one(store)
    await store.move(ANA, BEN, NOW)
    assert await store.settle(claimed, Gone("chat not found"), NOW) is DeliveryState.PENDING
    again = await claim_one(store)
    assert (again.id, again.chat) == (row.id, BEN)


async def test_history_is_what_was_sent_oldest_first(store: Store) -> None:
    await ana_waits_for(store, 1, 2, 3, 4)
    for minute in range(3):
        await attempt(store, Sent(f"receipt {minute}", NOW), at(minutes=minute))
    assert [row.receipt for row in await store.history(ANA, 2)] == ["receipt 1", "receipt 2"]
    assert [row.alert.story.number for row in await store.history(ANA, 9)] == [1, 2, 3]
    assert await store.history(ANA, 0) == ()
    assert await store.history(BEN, 9) == ()


@pytest.mark.parametrize("outcome", [Later(NOW, "429"), Unsure(NOW, "lost"), Refused(NOW, "bad")])
async def test_what_comes_back_to_a_chat_that_was_lost_meanwhile_does_not_wait_for_it(
    store: Store, outcome: Outcome
) -> None:
    await ana_waits_for(store, 1)
    row = await claim_one(store)
    await store.part(ANA, "blocked", NOW)
    assert await store.settle(row, outcome, NOW) is DeliveryState.CANCELLED
    assert (await store.census()).oldest_pending_at is None


async def test_what_was_under_way_to_a_lost_chat_when_the_program_died_does_not_wait_for_it(store: Store) -> None:
    await ana_waits_for(store, 1)
    row = await claim_one(store)
    await store.part(ANA, "blocked", NOW)
    await store.recover(NOW, every_lease=True)
    assert await state_of(store, row) is DeliveryState.CANCELLED

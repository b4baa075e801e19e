from __future__ import annotations

import pytest

from bot.core.model import Delivery, DeliveryState
from bot.core.outcome import Outcome, Refused, Sent, Unsure
from bot.ports import Store
from tests.builders import NOW, a_chat, a_story, at
from tests.storing import claim, claim_one, follow, publish, state_of

ANA, BEN = a_chat(1), a_chat(2)


async def given_up(store: Store, state: DeliveryState) -> Delivery:
    """Bring one row into a state that only an operator ends."""
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    twice: dict[DeliveryState, Outcome] = {
        DeliveryState.MAYBE: Unsure(NOW, "no answer"),
        DeliveryState.DEAD: Refused(NOW, "bad text"),
    }
    match state:
        case DeliveryState.EXPIRED:
            await store.expire(at(days=1))
        case DeliveryState.CANCELLED:
            await store.discard(row.id, NOW)
        case _:
            for _ in range(2):
                await store.settle(await claim_one(store), twice[state], NOW)
    assert await state_of(store, row) == state
    return row


GIVEN_UP = [DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.CANCELLED]


@pytest.mark.parametrize("state", GIVEN_UP)
async def test_what_was_given_up_can_be_put_back(store: Store, state: DeliveryState) -> None:
    row = await given_up(store, state)
    assert await store.retry(row.id, at(days=9))
    assert await state_of(store, row) == DeliveryState.PENDING
    assert not await store.retry(row.id, NOW)
    assert (await claim_one(store)).id == row.id


async def test_what_may_have_arrived_stays_marked_when_put_back(store: Store) -> None:
    await given_up(store, DeliveryState.MAYBE)
    await store.retry((await store.outbox([DeliveryState.MAYBE], 1))[0].id, NOW)
    claimed = await claim_one(store)
    assert claimed.unsure
    assert await store.settle(claimed, Unsure(NOW, "no answer"), NOW) is DeliveryState.MAYBE


async def test_what_was_refused_gets_its_form_back(store: Store) -> None:
    row = await given_up(store, DeliveryState.DEAD)
    await store.retry(row.id, NOW)
    assert not (await claim_one(store)).plain


async def test_a_row_put_back_waits_anew(store: Store) -> None:
    row = await given_up(store, DeliveryState.EXPIRED)
    await store.retry(row.id, at(days=9))
    assert (await store.census()).oldest_pending_at == at(days=9)
    assert await store.expire(at(days=9)) == 0
    assert await store.expire(at(days=9.1)) == 1


async def test_only_what_was_given_up_can_be_put_back(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    assert not await store.retry("no such row", NOW)
    assert not await store.retry(row.id, NOW)
    claimed = await claim_one(store)
    assert not await store.retry(row.id, NOW)
    await store.settle(claimed, Sent("r", NOW), NOW)
    assert not await store.retry(row.id, NOW)
    assert await state_of(store, row) == DeliveryState.SENT


@pytest.mark.parametrize("state", [DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED])
async def test_what_was_given_up_can_be_discarded(store: Store, state: DeliveryState) -> None:
    row = await given_up(store, state)
    assert await store.discard(row.id, NOW)
    assert await state_of(store, row) == DeliveryState.CANCELLED
    assert not await store.discard(row.id, NOW)


async def test_what_is_sent_or_being_sent_cannot_be_discarded(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    claimed = await claim_one(store)
    assert not await store.discard(row.id, NOW)
    await store.settle(claimed, Sent("r", NOW), NOW)
    assert not await store.discard(row.id, NOW)
    assert not await store.discard("no such row", NOW)


async def test_the_outbox_shows_rows_by_state_oldest_first(store: Store) -> None:
    await follow(store, ANA)
    rows = [(await publish(store, a_story(number), due_at=at(seconds=-number)))[0] for number in (1, 2, 3)]
    await store.discard(rows[1].id, NOW)
    assert [row.id for row in await store.outbox([DeliveryState.PENDING], 9)] == [rows[2].id, rows[0].id]
    assert [row.id for row in await store.outbox(GIVEN_UP, 9)] == [rows[1].id]
    assert [row.id for row in await store.outbox(list(DeliveryState), 2)] == [rows[2].id, rows[1].id]
    assert await store.outbox([], 9) == ()


async def test_the_census_counts_every_state_and_the_longest_wait(store: Store) -> None:
    empty = await store.census()
    assert set(empty.deliveries) == set(DeliveryState)
    assert (empty.oldest_pending_at, empty.documents, empty.chats, empty.subscriptions) == (None, 0, 0, 0)
    await follow(store, ANA)
    await follow(store, BEN)
    await follow(store, BEN, "topic:asylum")
    await publish(store, a_story(1), due_at=at(seconds=-5))
    await publish(store, a_story(2))
    await claim(store, limit=1)
    census = await store.census()
    assert census.deliveries[DeliveryState.PENDING] == 3
    assert census.deliveries[DeliveryState.SENDING] == 1
    assert census.oldest_pending_at == at(seconds=-5)
    assert (census.documents, census.chats, census.subscriptions) == (2, 2, 3)

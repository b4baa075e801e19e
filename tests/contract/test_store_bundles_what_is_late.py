"""Rows that share a message, platforms that are paused, and clocks that are set."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.core.lateness import Patience
from bot.core.model import Delivery, DeliveryState, Lateness
from bot.core.outcome import Gone, Later, Moved, Outcome, Refused, Sent, Unsure
from bot.ports import Store
from tests.builders import NOW, a_chat, a_story, at
from tests.storing import EVERYWHERE, LEASE, claim, claim_one, follow, publish, state_of

ANA, BEN, COOPER = a_chat(1), a_chat(2), a_chat(3, platform="slack")
HOUR = timedelta(hours=1)
ALL = list(DeliveryState)


async def waiting(store: Store, *hours: float) -> list[Delivery]:
    """Rows of whoever follows, which wait for so many hours."""
    first = len(await store.stories(99)) + 1
    published = [
        await publish(store, a_story(first + place), due_at=NOW - hour * HOUR) for place, hour in enumerate(hours)
    ]
    return [row for rows in published for row in rows]


async def claim_late(store: Store, now: datetime = NOW) -> tuple[Delivery, ...]:
    return await store.claim(now, limit=9, platforms=EVERYWHERE, lease=LEASE, patience=Patience())


def numbers(claimed: Delivery) -> list[int]:
    return [row.alert.story.number for row in (claimed, *claimed.also)]


async def states(store: Store) -> list[DeliveryState]:
    return [row.state for row in await store.outbox(ALL, 99)]


# --- messages that tell several rows


async def test_late_rows_of_a_lane_are_leased_together_and_nothing_of_the_lane_beside_them(store: Store) -> None:
    await follow(store, ANA)
    await waiting(store, 80, 30, 26, 1)
    (head,) = await claim_late(store)
    assert numbers(head) == [1, 2, 3]
    assert [row.late for row in (head, *head.also)] == [Lateness.OVERDUE, Lateness.LATE, Lateness.LATE]
    assert [(row.state, row.attempt) for row in (head, *head.also)] == [(DeliveryState.SENDING, 1)] * 3
    assert await states(store) == [DeliveryState.SENDING] * 3 + [DeliveryState.PENDING]
    assert await claim_late(store) == ()


async def test_no_row_shares_a_message_unless_that_is_asked_for_or_with_another_chat(store: Store) -> None:
    await follow(store, ANA)
    await waiting(store, 30, 26)
    assert (await claim_one(store)).also == ()
    await follow(store, BEN)
    await waiting(store, 25.5, 25.2)
    (head,) = await claim_late(store)
    assert (head.chat, numbers(head)) == (BEN, [3, 4])


async def test_what_a_list_told_is_sent_or_expired_with_its_receipt(store: Store) -> None:
    await follow(store, ANA)
    await waiting(store, 80, 30)
    (head,) = await claim_late(store)
    assert await store.settle(head, Sent("message 9", at(3)), NOW) is DeliveryState.EXPIRED
    rows = await store.outbox(ALL, 9)
    assert [(row.state, row.receipt) for row in rows] == [
        (DeliveryState.EXPIRED, "message 9"),
        (DeliveryState.SENT, "message 9"),
    ]
    assert [row.late for row in rows] == [Lateness.ON_TIME] * 2
    assert await claim_late(store, at(2)) == ()
    await waiting(store, 0)
    assert len(await claim_late(store, at(3))) == 1


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Later(NOW, "slow down"), (DeliveryState.PENDING, 1, False, False)),
        (Later(NOW, "stopped", counted=False), (DeliveryState.PENDING, 0, False, False)),
        (Unsure(NOW, "no answer"), (DeliveryState.PENDING, 1, True, False)),
        (Refused(NOW, "bad", "b0d1"), (DeliveryState.PENDING, 1, False, True)),
        (Gone("kicked"), (DeliveryState.CANCELLED, 1, False, False)),
    ],
)
async def test_every_row_of_a_message_has_its_outcome(
    store: Store, outcome: Outcome, expected: tuple[object, ...]
) -> None:
    await follow(store, ANA)
    await waiting(store, 80, 30, 26)
    (head,) = await claim_late(store)
    await store.settle(head, outcome, NOW)
    rows = await store.outbox(ALL, 9)
    assert [(row.state, row.attempt, row.unsure, row.plain) for row in rows] == [expected] * 3
    assert {row.refused for row in rows} == {outcome.body if isinstance(outcome, Refused) else ""}


async def test_a_list_that_moved_waits_at_the_new_name_in_order(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await waiting(store, 80, 30)
    first, _ = await claim_late(store)
    assert await store.settle(first, Moved(a_chat(9)), NOW) is DeliveryState.PENDING
    (again,) = await claim_late(store)
    assert (again.chat, numbers(again)) == (a_chat(9), [1, 2])


async def test_a_list_that_moved_to_a_chat_that_was_told_already_is_told_once(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await waiting(store, 80, 30)
    first, second = await claim_late(store)
    await store.settle(second, Sent("r", NOW), NOW)
    await store.settle(first, Moved(second.chat), NOW)
    assert await claim_late(store, at(days=1)) == ()
    assert await states(store) == [DeliveryState.EXPIRED, DeliveryState.SENT]


async def test_rows_of_one_message_are_each_repeated_once_after_a_crash_whatever_their_message_is_then(
    store: Store,
) -> None:
    await follow(store, ANA)
    await waiting(store, 80, 30)
    await claim_late(store)
    await store.recover(NOW, every_lease=True)
    await waiting(store, 25)
    (head,) = await claim_late(store)
    assert [row.unsure for row in (head, *head.also)] == [True, True, False]
    await store.settle(head, Unsure(NOW, "no answer"), NOW)
    assert await states(store) == [DeliveryState.MAYBE, DeliveryState.MAYBE, DeliveryState.PENDING]


async def test_an_answer_after_a_lease_was_recovered_is_too_late_for_each_row(store: Store) -> None:
    await follow(store, ANA)
    await waiting(store, 80, 30)
    (late,) = await claim_late(store)
    await store.recover(NOW, every_lease=True)
    assert await store.settle(late, Sent("r", NOW), NOW) is DeliveryState.PENDING
    assert await states(store) == [DeliveryState.PENDING] * 2


async def test_who_unfollows_while_a_list_is_under_way_is_not_told_again(store: Store) -> None:
    await follow(store, ANA)
    await waiting(store, 80, 30)
    (head,) = await claim_late(store)
    await store.unfollow(ANA, None, NOW)
    await store.settle(head, Unsure(NOW, "no answer"), NOW)
    assert await states(store) == [DeliveryState.CANCELLED] * 2


async def test_a_row_put_back_after_it_was_listed_comes_whole(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await waiting(store, 80)
    (head,) = await claim_late(store)
    await store.settle(head, Sent("r", NOW), NOW)
    assert await store.retry(row.id, NOW)
    (again,) = await claim_late(store)
    assert again.late is Lateness.ON_TIME
    assert again.unsure, "a list told it: the whole alert is a repeat"


# --- by which row a chat is told


async def test_the_row_of_a_chat_and_a_story_is_found_under_any_of_its_names(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    rows = await waiting(store, 0)
    row = next(row for row in rows if row.chat == ANA)
    await store.move(ANA, a_chat(9), NOW)
    for name in (ANA, a_chat(9)):
        found = await store.told(name, 1)
        assert found is not None
        assert (found.id, found.chat) == (row.id, a_chat(9))
    assert await store.told(a_chat(7), 1) is None
    assert await store.told(ANA, 2) is None


# --- platforms that are paused


async def test_a_platform_that_is_held_gives_out_nothing_until_it_is_released(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, COOPER)
    await waiting(store, 0)
    assert await store.hold("telegram", NOW)
    assert not await store.hold("telegram", at(9))
    assert await store.held() == {"telegram": NOW}
    assert [row.chat for row in await claim(store)] == [COOPER]
    assert await store.release("telegram")
    assert not await store.release("telegram")
    assert await store.held() == {}
    assert [row.chat for row in await claim(store)] == [ANA]


# --- clocks that are set


@pytest.mark.parametrize("by", [timedelta(days=900), timedelta(days=-900), timedelta(minutes=-5)])
async def test_rests_ages_and_leases_keep_their_lengths_when_the_clock_is_set(store: Store, by: timedelta) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await waiting(store, 0)
    ana, ben = await claim(store)
    await store.settle(ana, Later(at(600), "flood"), NOW)
    await store.clock_was_set(by, NOW + by + timedelta(seconds=1), NOW + by + timedelta(seconds=6))
    assert await claim(store, at(599) + by) == ()
    assert await store.recover(NOW + by + LEASE - timedelta(seconds=1)) == 0
    assert await store.recover(NOW + by + LEASE) == 1
    assert [row.id for row in await claim(store, at(600) + by)] == [ana.id, ben.id]
    assert await store.expire(NOW + by) == 0


async def test_what_was_written_by_the_new_time_stays_when_the_clock_was_set(store: Store) -> None:
    await follow(store, ANA)
    by = timedelta(days=-3)
    old, new = await waiting(store, 0, 72 - 1 / 3600)
    await store.clock_was_set(by, NOW + by, NOW + by + timedelta(seconds=5))
    assert (await claim_one(store, NOW + by)).id == old.id
    assert (await store.delivery(new.id)) is not None
    assert [row.due_at for row in await store.outbox(ALL, 9)] == [NOW + by, NOW + by + timedelta(seconds=1)]


async def test_nothing_waits_for_a_time_that_a_clock_showed_before_it_was_set_back(store: Store) -> None:
    await follow(store, ANA)
    first, second = await waiting(store, -9000, -9001)
    claimed = await claim_one(store, at(days=400))
    await store.settle(claimed, Later(at(days=401), "flood"), at(days=400))
    await store.pull_back(NOW, timedelta(days=2))
    assert await claim(store, at(days=1.9)) == ()
    assert (await claim_one(store, at(days=2))).id == first.id
    assert (await store.census()).oldest_pending_at == NOW
    assert await state_of(store, second) is DeliveryState.PENDING

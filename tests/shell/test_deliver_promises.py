"""What becomes of a delivery: every kind of answer, limits, stopped rooms, and a store that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

import pytest

from bot.attempting import DeliverDesk, attempt, body_hash
from bot.core.model import Chat, Delivery, DeliveryState
from bot.core.pace import Limit
from bot.deliver import Lanes
from bot.errors import (
    BadMessage,
    ChatGone,
    ChatMoved,
    MaybeSent,
    SendError,
    StoreError,
    TokenError,
    TryLater,
)
from bot.ports import Store
from bot.store import open_store
from tests.builders import a_chat
from tests.fakes.clock import FakeClock
from tests.fakes.lanes import ANA, BEN, House


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = open_store("memory:")
    yield opened
    await opened.close()


@pytest.fixture
def house(store: Store) -> House:
    return House(store, FakeClock())


async def test_an_alert_is_sent_once_and_its_receipt_kept(house: House) -> None:
    (row,) = await house.post(ANA)
    await house.lanes.exhaust()
    assert house.room.texts() == ["#1 Department announces measure number 1"]
    found = await house.store.delivery(row.id)
    assert found is not None
    assert (found.state, found.receipt, found.attempt) == (DeliveryState.SENT, "receipt-1", 1)


async def test_what_was_certainly_not_sent_waits_as_long_as_the_platform_asks_and_goes_out_unmarked(
    house: House,
) -> None:
    (row,) = await house.post(ANA)
    start = house.clock.now()
    house.room.fail_next(TryLater("slow down", after=timedelta(seconds=40)))
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    ((at, _, message),) = house.room.accepted
    assert at - start >= timedelta(seconds=40)
    assert not message.silent


async def test_what_may_have_arrived_is_repeated_once_marked_and_silent_and_then_is_maybe(house: House) -> None:
    (row,) = await house.post(ANA)
    house.room.fail_next(MaybeSent("lost"), MaybeSent("lost"), accept=True)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.MAYBE
    assert [message.silent for _, _, message in house.room.accepted] == [False, True]
    assert house.room.attempts == 2


async def test_a_refused_message_goes_out_as_plain_text_and_else_dies_without_holding_its_lane(house: House) -> None:
    rows = await house.post(ANA, stories=2)
    house.room.fail_next(BadMessage("can't parse"), BadMessage("still not"))
    await house.lanes.exhaust()
    assert [await house.state(row) for row in rows] == [DeliveryState.DEAD, DeliveryState.SENT]
    assert house.room.attempts == 3


async def test_a_renderer_that_breaks_harms_one_message_only(house: House) -> None:
    (row,) = await house.post(ANA)
    house.room.renders_badly = True
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    assert house.room.accepted[0][2].native == {"plain": True}


async def test_a_chat_that_is_gone_is_left_alone(house: House) -> None:
    rows = await house.post(ANA, stories=3)
    house.room.fail_next(ChatGone("blocked"))
    await house.lanes.exhaust()
    assert {await house.state(row) for row in rows} == {DeliveryState.CANCELLED}
    assert house.room.attempts == 1


async def test_a_chat_that_moved_gets_its_alerts_at_the_new_id(house: House) -> None:
    rows = await house.post(ANA, stories=2)
    house.room.fail_next(ChatMoved(BEN))
    await house.lanes.exhaust()
    assert [chat for _, chat, _ in house.room.accepted] == [BEN, BEN]
    assert {await house.state(row) for row in rows} == {DeliveryState.SENT}


async def test_a_dead_token_stops_the_room_and_no_row_is_blamed(house: House) -> None:
    rows = await house.post(ANA, BEN, stories=2)
    house.room.fail_next(TokenError("revoked"))
    await house.lanes.exhaust()
    assert house.stopped
    assert {await house.state(row) for row in rows} == {DeliveryState.PENDING}
    found = await house.store.delivery(rows[0].id)
    assert found is not None
    assert found.attempt == 0
    house.rooms["fake"] = house.room
    await house.lanes.exhaust()
    assert {await house.state(row) for row in rows} == {DeliveryState.SENT}


async def test_an_error_that_nobody_foresaw_counts_as_unsure(house: House) -> None:
    (row,) = await house.post(ANA)
    house.room.fail_next(ZeroDivisionError())
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    assert house.room.accepted[0][2].silent


@pytest.mark.parametrize("error", [TryLater("429"), MaybeSent("lost"), BadMessage("bad")])
async def test_nothing_overtakes_in_a_chat_whatever_fails(house: House, error: SendError) -> None:
    await house.post(ANA, BEN, stories=4)
    house.room.fail_next(error, error)
    await house.lanes.exhaust()
    for chat in (ANA, BEN):
        numbers = [int(text.lstrip("↻ ").split()[0][1:]) for text in house.room.texts(chat)]
        assert numbers == sorted(numbers)


async def test_a_chat_rests_as_its_limit_asks(store: Store) -> None:
    house = House(store, FakeClock(), per_chat=(Limit(1, timedelta(seconds=1)), Limit(3, timedelta(seconds=60))))
    await house.post(ANA, stories=5)
    await house.lanes.exhaust()
    times = [at for at, _, _ in house.room.accepted]
    assert len(times) == 5
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times))
    assert times[3] - times[0] >= timedelta(seconds=60)


async def test_one_chat_in_a_long_wait_delays_no_other(house: House) -> None:
    ana, ben = await house.post(ANA, BEN)
    house.room.fail_next(TryLater("flood", after=timedelta(seconds=43_838)))
    await house.lanes.exhaust()
    assert {await house.state(ana), await house.state(ben)} == {DeliveryState.PENDING, DeliveryState.SENT}
    waiting = ana if await house.state(ana) is DeliveryState.PENDING else ben
    house.clock.advance(timedelta(seconds=43_839))
    await house.lanes.exhaust()
    assert await house.state(waiting) is DeliveryState.SENT


async def test_a_database_that_fails_ends_the_loop(house: House) -> None:
    class Failing:
        def __getattr__(self, name: str) -> object:
            return getattr(house.store, name)

        async def settle(self, *_: object) -> DeliveryState:
            raise StoreError("the disk is full")

    await house.post(a_chat(platform="fake"))
    lanes = Lanes(DeliverDesk(Failing(), house.rooms, house.clock, lambda: 1.0, house.stop_room))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        await asyncio.wait_for(lanes.run(), timeout=5)


async def test_draining_lets_what_is_under_way_end_and_starts_nothing_new(house: House) -> None:
    rows = await house.post(ANA, stories=3)
    await house.lanes.claim()
    await house.lanes.drain(5)
    states = [await house.state(row) for row in rows]
    assert states == [DeliveryState.SENT, DeliveryState.PENDING, DeliveryState.PENDING]


async def test_rows_claimed_in_the_moment_of_stopping_go_out_and_are_not_unsure_at_the_next_start(house: House) -> None:
    class SlowToClaim:
        """A store whose claim is on disk before its answer arrives."""

        def __init__(self) -> None:
            self.claimed = asyncio.Event()

        def __getattr__(self, name: str) -> object:
            return getattr(house.store, name)

        async def claim(self, *args: Any, **options: Any) -> tuple[Delivery, ...]:
            rows = await house.store.claim(*args, **options)
            self.claimed.set()
            await asyncio.sleep(0.01)
            return rows

    (row,) = await house.post(ANA)
    store = SlowToClaim()
    lanes = Lanes(DeliverDesk(cast("Store", store), house.rooms, house.clock, lambda: 1.0, house.stop_room))
    running = asyncio.create_task(lanes.run())
    await store.claimed.wait()
    running.cancel()
    await lanes.drain(5)
    assert await house.state(row) is DeliveryState.SENT


async def test_a_message_that_never_got_its_turn_waits_unmarked_after_a_stop(store: Store) -> None:
    house = House(store, FakeClock(), per_chat=(Limit(1, timedelta(minutes=1)),))
    house.room.pace.begin(ANA)  # an answer is under way in this chat, and stays so
    (row,) = await house.post(ANA)
    await house.lanes.claim()
    await house.lanes.drain(0.05)
    found = await house.store.delivery(row.id)
    assert found is not None
    assert (found.state, found.unsure, found.attempt) == (DeliveryState.PENDING, False, 0)
    assert house.room.attempts == 0


async def test_a_message_that_hangs_as_the_program_stops_is_left_behind_in_time(house: House) -> None:
    (row,) = await house.post(ANA)
    house.room.hangs = True
    await house.lanes.claim()
    await house.lanes.drain(0.05)
    assert await house.state(row) is DeliveryState.SENDING
    await house.store.recover(house.clock.now(), every_lease=True)
    found = await house.store.delivery(row.id)
    assert found is not None
    assert (found.state, found.unsure) == (DeliveryState.PENDING, True)


@pytest.mark.parametrize(("sending", "unsure"), [(False, False), (True, True)])
async def test_a_send_that_takes_too_long_is_unsure_only_if_it_had_begun(
    store: Store, *, sending: bool, unsure: bool
) -> None:
    house = House(store, FakeClock(), per_chat=(Limit(1, timedelta(minutes=1)),))
    house.room.hangs = sending
    if not sending:
        house.room.pace.begin(ANA)  # the chat's only place is taken
    (row,) = await house.post(ANA)
    (claimed,) = await store.claim(house.clock.now(), limit=1, platforms=("fake",), lease=timedelta(minutes=5))
    desk = DeliverDesk(store, house.rooms, house.clock, lambda: 1.0, house.stop_room, send_seconds=0.05)
    await store.settle(claimed, await attempt(desk, claimed), house.clock.now())
    found = await store.delivery(row.id)
    assert found is not None
    assert (found.state, found.unsure, found.attempt) == (DeliveryState.PENDING, unsure, int(unsure))


async def test_one_alert_to_many_chats_keeps_the_overall_limit_and_uses_it(house: House) -> None:
    chats = [Chat("fake", "", str(number)) for number in range(200)]
    await house.post(*chats)
    house.room.latency = 0.2
    began = house.clock.now()
    await house.lanes.exhaust()
    times = sorted(at for at, _, _ in house.room.accepted)
    assert {chat for _, chat, _ in house.room.accepted} == set(chats)
    assert len(times) == 200
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in zip(times, times[30:], strict=False))
    # 5,000 chats within 240 s are 21 a second.
    assert house.clock.now() - began <= timedelta(seconds=200 / 21)


async def test_a_poison_message_delays_the_ninety_nine_behind_it_by_a_second_at_most(house: House) -> None:
    rows = await house.post(ANA, stories=100)
    began = house.clock.now()
    house.room.fail_next(BadMessage("can't parse"), BadMessage("still not"))
    await house.lanes.exhaust()
    assert house.room.accepted[0][0] - began <= timedelta(seconds=1)
    assert await house.state(rows[0]) is DeliveryState.DEAD
    assert [text.split()[0] for text in house.room.texts()] == [f"#{number}" for number in range(2, 101)]
    dead = await house.store.delivery(rows[0].id)
    assert dead is not None
    assert dead.last_error == "still not"


async def test_a_dead_row_names_the_message_that_was_refused(house: House) -> None:
    first, second = await house.post(ANA, stories=2)
    house.room.fail_next(*[BadMessage("can't parse")] * 2, *[BadMessage("can't parse")] * 2)
    await house.lanes.exhaust()
    refused = []
    for row in (first, second):
        found = await house.store.delivery(row.id)
        assert found is not None
        assert found.state is DeliveryState.DEAD
        refused.append(found.refused)
    plain = house.room.render(second.alert, repeat=False, plain=True)
    assert refused[1] == body_hash(plain)
    assert len(set(refused)) == 2

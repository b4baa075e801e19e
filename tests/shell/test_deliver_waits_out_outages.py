"""A platform that is away for an hour or for three days, and one whose token is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bot.breakers import Breakers
from bot.core.breaker import PROBE_EVERY
from bot.core.model import Chat, DeliveryState
from bot.core.pace import Limit
from bot.errors import BadMessage, MaybeSent, SendError, TokenError, TryLater, Unreachable
from bot.ports import Store
from bot.store import open_store
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.door import until
from tests.fakes.lanes import ANA, BEN, House
from tests.fakes.platform import FakePlatform

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
GROUP = (Limit(1, SECOND), Limit(20, 60 * SECOND))
ALL = list(DeliveryState)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = open_store("memory:")
    yield opened
    await opened.close()


@asynccontextmanager
async def running(house: House) -> AsyncIterator[None]:
    lanes = asyncio.create_task(house.lanes.run())
    yield
    lanes.cancel()
    await asyncio.gather(lanes, return_exceptions=True)
    await house.lanes.drain(1)


async def attempts(store: Store) -> int:
    return sum(row.attempt for row in await store.outbox(ALL, 9999) if row.chat.platform == "fake")


def spread(count: int, over: timedelta, end: datetime = NOON) -> list[datetime]:
    return [end - over * (count - number) / count for number in range(1, count + 1)]


# --- what an answer is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "opens"), [(False, True), (True, False)])
def test_what_we_refuse_ourselves_is_no_answer_of_the_platform(*, asked: bool, opens: bool) -> None:
    breakers = Breakers()
    for _ in range(5):
        breakers.note("slack", Unreachable("connection refused"), NOON)
        breakers.note("slack", TryLater("the app is not installed in this workspace", asked=asked), NOON)
    assert ("slack" in breakers.open_since) is opens


# --- an hour ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Unreachable("connection refused"), MaybeSent("HTTP 502"), MaybeSent("time-out")])
async def test_a_platform_that_is_down_for_an_hour_costs_five_attempts_and_is_found_again_within_half_a_minute(
    store: Store, error: SendError
) -> None:
    house = House(store, FakeClock(), others=["other"])
    mine, theirs = [[Chat(name, "", str(number)) for number in range(40)] for name in ("fake", "other")]
    house.room.outage = error
    await house.post(*mine, *theirs, stories=2)
    began = house.clock.now()
    async with running(house):
        await until(lambda: house.lanes.down_since)
        cost, opened_at = await attempts(store), house.clock.now()
        await until(lambda: house.clock.now() >= began + HOUR)
        assert house.room.attempts <= 5
        assert await attempts(store) == cost  # not one was counted meanwhile
        assert house.lanes.down_since == {"fake": opened_at}
        house.room.outage = None
        recovered = house.clock.now()
        await until(lambda: len({chat for _, chat, _ in house.room.accepted}) == 40)
    assert all(later - earlier >= PROBE_EVERY for earlier, later in pairwise(house.room.probes))
    assert len(house.room.probes) <= HOUR / PROBE_EVERY + 1
    assert house.room.accepted[0][0] - recovered <= PROBE_EVERY
    assert house.lanes.down_since == {}
    assert {row.state for row in await store.outbox(ALL, 999)} <= {DeliveryState.SENT, DeliveryState.PENDING}
    other = house.rooms["other"]
    assert isinstance(other, FakePlatform)
    assert other.attempts == len(other.accepted) == 80
    assert max(at for at, _, _ in other.accepted) < recovered
    assert other.probes == []


async def test_what_an_outage_catches_under_way_is_not_counted_once_it_is_known(store: Store) -> None:
    house = House(store, FakeClock())
    await house.post(ANA)
    await house.lanes.exhaust()  # something arrived just now, so as many go out as there are lanes
    await house.post(*(Chat("fake", "", str(number)) for number in range(10, 40)))
    house.room.hangs = True
    await house.lanes.claim()
    await until(lambda: house.room.attempts == 17)
    house.room.outage, house.room.hangs = Unreachable("refused"), False
    house.room.release()
    await house.lanes.exhaust()
    assert house.room.attempts == 17
    assert await attempts(store) == 1 + 4


async def test_a_platform_that_answers_probes_and_loses_messages_costs_few_rows(store: Store) -> None:
    house = House(store, FakeClock())
    await house.post(*(Chat("fake", "", str(number)) for number in range(60)))
    house.room.fail_next(*[MaybeSent("HTTP 500")] * 999)
    began = house.clock.now()
    async with running(house):
        await until(lambda: house.clock.now() >= began + timedelta(minutes=10))
    assert house.room.attempts <= 5 + 20 + 1  # one message a probe
    states = [row.state for row in await store.outbox(ALL, 999)]
    assert states.count(DeliveryState.MAYBE) <= 13
    assert states.count(DeliveryState.PENDING) >= 47


async def test_a_chat_of_its_own_trouble_opens_nothing(store: Store) -> None:
    house = House(store, FakeClock())
    await house.post(*(Chat("fake", "", str(number)) for number in range(20)))
    house.room.fail_next(*[TryLater("slow down", after=SECOND)] * 9, *[BadMessage("bad")] * 9)
    await house.lanes.exhaust()
    assert house.lanes.down_since == {}
    assert house.room.probes == []


async def test_a_probe_that_finds_the_token_dead_stops_the_room(store: Store) -> None:
    house = House(store, FakeClock())
    rows = await house.post(*(Chat("fake", "", str(number)) for number in range(9)))
    house.room.outage = Unreachable("refused")
    async with running(house):
        await until(lambda: house.lanes.down_since)
        house.room.outage = TokenError("revoked")
        await until(lambda: house.stopped)
    assert {await house.state(row) for row in rows} == {DeliveryState.PENDING}


@pytest.mark.parametrize("error", [ZeroDivisionError(), TimeoutError()])
async def test_a_probe_that_breaks_is_made_again(store: Store, error: Exception) -> None:
    house = House(store, FakeClock())
    (row,) = await house.post(ANA)
    house.room.outage = Unreachable("refused")
    async with running(house):
        await until(lambda: house.lanes.down_since)
        house.room.outage = error
        await until(lambda: len(house.room.probes) > 2)
        house.room.outage = None
        await until(lambda: house.room.accepted)
    assert await house.state(row) is DeliveryState.SENT


# --- three days ---------------------------------------------------------------------------------------------------


async def test_after_three_days_400_alerts_a_chat_come_in_45_messages_in_order_and_within_the_limits(
    store: Store,
) -> None:
    house = House(store, FakeClock(), per_chat=GROUP)
    await house.backlog(ANA, BEN, times=spread(400, timedelta(hours=75)))
    began = house.clock.now()
    await house.lanes.exhaust()
    for chat in (ANA, BEN):
        messages = house.told(chat)
        assert len(messages) <= 45
        assert [number for message in messages for number in message] == list(range(1, 401))
        assert all(len(message) <= 10 for message in messages)
        assert messages[-5:] == [[number] for number in range(396, 401)]
        times = [at for at, to, _ in house.room.accepted if to == chat]
        assert all(later - earlier >= SECOND for earlier, later in pairwise(times))
        assert all(later - earlier >= 60 * SECOND for earlier, later in zip(times, times[20:], strict=False))
    assert house.clock.now() - began <= timedelta(minutes=3)
    rows = await store.outbox(ALL, 999)
    assert all(row.receipt for row in rows)  # told, each of them
    overdue = {row.alert.story.number for row in rows if row.state is DeliveryState.EXPIRED}
    assert {row.state for row in rows} == {DeliveryState.EXPIRED, DeliveryState.SENT}
    assert overdue == set(range(1, 16 + 1))  # what waited for more than 72 of the 75 hours


async def test_a_list_that_may_have_arrived_is_repeated_once_marked_and_each_alert_in_it_at_most_twice(
    store: Store,
) -> None:
    house = House(store, FakeClock())
    await house.backlog(ANA, times=spread(12, HOUR * 30, NOON - HOUR * 25))
    house.room.fail_next(MaybeSent("lost"), MaybeSent("lost"), accept=True)
    await house.lanes.exhaust()
    first, second, third = [text for text in house.room.texts() if text.startswith("late")]
    assert "↻" not in first
    assert second.count("↻") == 10
    assert third == "late: #11 #12"
    states = [row.state for row in await store.outbox(ALL, 99)]
    assert states == [DeliveryState.MAYBE] * 10 + [DeliveryState.SENT] * 2
    assert [message.silent for _, _, message in house.room.accepted] == [False, True, False]


async def test_a_list_may_hold_what_may_repeat_beside_what_does_not(store: Store) -> None:
    house = House(store, FakeClock())
    await house.backlog(ANA, times=spread(3, HOUR, NOON - HOUR * 25))
    house.room.fail_next(MaybeSent("lost"), accept=True)
    (claimed,) = await store.claim(house.clock.now(), limit=1, platforms=("fake",), lease=timedelta(minutes=5))
    await store.recover(house.clock.now(), every_lease=True)  # one row was being sent by itself when the bot died
    house.room.fail_next()
    await house.lanes.exhaust()
    assert claimed.also == ()
    first, second = house.room.texts()
    assert first == "late: ↻ #1 #2 #3"
    assert second == "late: ↻ #2 ↻ #3"  # what was repeated already is not repeated again
    states = [row.state for row in await store.outbox(ALL, 99)]
    assert states == [DeliveryState.MAYBE, DeliveryState.SENT, DeliveryState.SENT]


async def test_a_list_that_is_refused_comes_apart_and_one_bad_alert_harms_only_itself(store: Store) -> None:
    house = House(store, FakeClock())
    await house.backlog(ANA, times=spread(12, HOUR * 30, NOON - HOUR * 25))
    house.room.fail_next(BadMessage("a list so bad"), BadMessage("this one"))
    await house.lanes.exhaust()
    assert house.told(ANA) == [[number] for number in range(2, 11)] + [[11, 12]]
    rows = await store.outbox(ALL, 99)
    assert [row.state for row in rows] == [DeliveryState.DEAD] + [DeliveryState.SENT] * 11
    assert rows[0].last_error == "this one"


async def test_a_renderer_that_breaks_on_a_list_harms_no_alert(store: Store) -> None:
    house = House(store, FakeClock())
    await house.backlog(ANA, times=spread(3, HOUR, NOON - HOUR * 25))
    house.room.renders_badly = True
    await house.lanes.exhaust()
    assert house.told(ANA) == [[1], [2], [3]]


async def test_who_leaves_while_a_list_is_under_way_hears_no_more_of_it(store: Store) -> None:
    house = House(store, FakeClock())
    await house.backlog(ANA, times=spread(12, HOUR * 30, NOON - HOUR * 25))
    house.room.hangs = True
    await house.lanes.claim()
    await until(lambda: house.room.attempts)
    await store.unfollow(ANA, None, house.clock.now())
    house.room.fail_next(MaybeSent("lost"))
    house.room.hangs = False
    house.room.release()
    await house.lanes.exhaust()
    assert house.room.attempts == 1
    assert {row.state for row in await store.outbox(ALL, 99)} == {DeliveryState.CANCELLED}


# --- a dead token -------------------------------------------------------------------------------------------------


async def test_a_dead_token_stops_the_room_and_neither_a_row_nor_a_subscription_and_all_comes_with_the_new_one(
    store: Store,
) -> None:
    house = House(store, FakeClock())
    chats = [Chat("fake", "", str(number)) for number in range(30)]
    rows = await house.post(*chats, stories=3)
    house.room.outage = TokenError("revoked")
    await house.lanes.exhaust()
    assert "fake" not in house.rooms
    assert house.room.attempts <= 5  # no more than were under way
    for chat in chats:
        assert len(await store.subscriptions(chat)) == 1
    found = await store.outbox(ALL, 999)
    assert {(row.state, row.attempt, row.unsure) for row in found} == {(DeliveryState.PENDING, 0, False)}
    await house.lanes.exhaust()
    assert house.room.attempts <= 5
    house.room.outage = None
    house.rooms["fake"] = house.room  # the room listens again: a new token
    await house.lanes.exhaust()
    assert {await house.state(row) for row in rows} == {DeliveryState.SENT}
    assert all(house.told(chat) == [[1], [2], [3]] for chat in chats)

"""A chat that must wait for half a day: across a restart, and whatever is done to the clock meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.core.model import DeliveryState
from bot.errors import DiskFull, TryLater, Unreachable
from bot.ports import Store
from bot.store import open_store
from tests.fakes.clock import FakeClock
from tests.fakes.lanes import ANA, BEN, House

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
FLOOD = timedelta(seconds=43_838)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = open_store("memory:")
    yield opened
    await opened.close()


async def test_a_flood_wait_outlives_a_restart_delays_nobody_else_and_ends_in_lists(tmp_path: Path) -> None:
    clock = FakeClock()
    store = open_store(f"sqlite:///{tmp_path}/policybell.db")
    house = House(store, clock)
    await house.backlog(ANA, times=[clock.now()])
    house.room.fail_next(TryLater("flood", after=FLOOD))
    await house.lanes.exhaust()
    refused_at, delays = clock.now(), []
    for number in range(200):
        clock.set(refused_at + FLOOD * number / 200)
        if number == 100:
            await store.close()
            store = open_store(f"sqlite:///{tmp_path}/policybell.db")
            house = House(store, clock)
            await store.pull_back(clock.now(), timedelta(days=2))
            await store.recover(clock.now(), every_lease=True)
        before = clock.now()
        await house.backlog(ANA, BEN, times=[before])
        await house.lanes.exhaust()
        delays.append(clock.now() - before)
        assert house.room.texts(ANA) == []
    assert sorted(delays)[190] <= 2 * SECOND
    assert len(house.room.texts(BEN)) == 100  # by each of the two rooms
    clock.set(refused_at + FLOOD - SECOND)
    await house.lanes.exhaust()
    assert house.room.texts(ANA) == []
    clock.set(refused_at + FLOOD)
    await house.lanes.exhaust()
    messages = house.told(ANA)
    assert [number for message in messages for number in message] == list(range(1, 202))
    assert len(messages) == 20 + 5
    await store.close()


@pytest.mark.parametrize("by", [timedelta(days=3), timedelta(days=-3), timedelta(days=4000), timedelta(hours=-1)])
async def test_a_clock_that_is_set_while_it_runs_lets_no_chat_go_early_nor_wait_longer(
    store: Store, by: timedelta
) -> None:
    house = House(store, FakeClock())
    (row,) = await house.post(ANA)
    house.room.fail_next(TryLater("flood", after=FLOOD))
    await house.lanes.exhaust()
    house.clock.advance(FLOOD / 2)
    await house.lanes.claim()  # as every few seconds
    house.clock.jump(by)
    (news,) = await house.backlog(BEN, times=[house.clock.now()])
    await house.lanes.exhaust()
    assert await house.state(news) is DeliveryState.SENT
    house.clock.advance(FLOOD / 2 - SECOND)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.PENDING
    house.clock.advance(SECOND)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    assert [text[:2] for text in house.room.texts(ANA)] == ["#1"]  # not a list: it did not wait for a day


async def test_a_clock_that_is_set_while_the_disk_is_full_is_noticed_once_there_is_room(store: Store) -> None:
    class Full:
        """A store that has no room for one write."""

        is_full = True

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        async def clock_was_set(self, *change: Any) -> None:
            if self.is_full:
                raise DiskFull("The disk is full.")
            await store.clock_was_set(*change)

    full = Full()
    house = House(cast("Store", full), FakeClock())
    (row,) = await house.post(ANA)
    house.room.fail_next(TryLater("flood", after=HOUR))
    await house.lanes.exhaust()
    house.clock.jump(timedelta(days=9))
    for _ in range(2):
        with pytest.raises(DiskFull):
            await house.lanes.mind_the_clock()
    full.is_full = False
    house.clock.advance(HOUR - SECOND)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.PENDING
    house.clock.advance(SECOND)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT


async def test_alerts_keep_their_order_when_the_clock_is_set_back(store: Store) -> None:
    house = House(store, FakeClock())
    house.room.outage = Unreachable("refused")
    await house.backlog(ANA, times=[house.clock.now()] * 3)
    await house.lanes.claim()
    house.clock.jump(timedelta(hours=-5))
    await house.lanes.claim()
    await house.backlog(ANA, times=[house.clock.now()] * 2)
    house.room.outage = None
    await house.lanes.exhaust()
    house.clock.advance(timedelta(minutes=1))
    await house.lanes.exhaust()
    assert house.told(ANA) == [[1], [2], [3], [4], [5]]

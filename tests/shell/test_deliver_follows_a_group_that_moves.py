"""A group becomes a supergroup while its alerts are on their way: told by an error and by an event, in any order."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from bot.core.model import Chat, DeliveryState
from bot.store import open_store
from tests.fakes.clock import FakeClock
from tests.fakes.lanes import House
from tests.storing import in_memory_directory

GROUP, SUPERGROUP = Chat("fake", "", "-1"), Chat("fake", "", "-1001")
STORIES = 4


async def race(house: House, chance: random.Random) -> None:
    """Let the platform move the group, say so, and news come, each at a moment of its own."""

    async def after_a_while() -> None:
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)

    async def move() -> None:
        await after_a_while()
        house.room.moved[GROUP] = SUPERGROUP
        await after_a_while()
        await house.store.move(GROUP, SUPERGROUP, house.clock.now())  # the service message

    async def news() -> None:
        for _ in range(STORIES):
            await after_a_while()
            # some are late, so that lists are under way too
            since = house.clock.now() - chance.choice([timedelta(0), timedelta(hours=30)])
            await house.backlog(GROUP, times=[since])

    async def deliver() -> None:
        while True:
            await house.lanes.exhaust()
            await asyncio.sleep(0)

    if chance.random() < 0.3:  # somebody has typed there already
        await house.backlog(SUPERGROUP, times=[house.clock.now()])
    delivering = asyncio.create_task(deliver())
    await asyncio.gather(move(), news())
    await after_a_while()
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await house.lanes.drain(1)
    await house.lanes.exhaust()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_hundred_interleavings_lose_and_double_nothing(kind: str) -> None:
    for seed in range(100):
        with in_memory_directory() as directory:
            store = open_store("memory:" if kind == "memory" else f"sqlite:///{directory}/policybell.db")
            house = House(store, FakeClock())
            await race(house, random.Random(seed))
            rows = await store.outbox(list(DeliveryState), 99)
            arrived = sorted(number for message in house.told(None) for number in message)
            assert {(row.chat, row.state) for row in rows} == {(SUPERGROUP, DeliveryState.SENT)}, seed
            assert arrived == sorted(row.alert.story.number for row in rows), seed
            assert len(rows) >= STORIES
            census = await store.census()
            assert (census.chats, census.subscriptions) == (1, 1), seed
            assert len(await store.subscriptions(GROUP)) == 1
            await store.close()

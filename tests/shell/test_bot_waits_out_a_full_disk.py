"""The whole bot while nothing can be written: it sends and asks nothing new, forgets nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.core.model import DeliveryState
from bot.errors import DiskFull, StoreError
from bot.space import Space
from tests.fakes.clock import FakeClock
from tests.fakes.daemon import until
from tests.fakes.house import ANA, Breaking, House, Room

FULL = DiskFull("The disk is full.")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Home:
    """A house whose disk can fill up."""

    def __init__(self, clock: FakeClock, method: str) -> None:
        self.store = Breaking(method, FULL)
        self.room = Room(clock)
        self.house = House(self.room, clock=clock, store=self.store)
        self.space: Space = self.house.lanes._desk.space
        self.house.bot.space = self.house.door.space = self.space
        self.house.bot.others.append(self._keep)

    async def _keep(self) -> None:
        """Look whether there is room, as the real one does every five seconds, but sooner."""
        while True:
            await asyncio.sleep(0.02)
            if self.space.is_full and not self.store.breaks:
                self.space.is_full = False
                self.space._there_is_room.set()
                self.house.lanes.wake()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        await self.house.bot.begin()
        serving = asyncio.create_task(self.house.bot.serve())
        await until(lambda: self.room.times and self.house.announced)
        yield
        assert not serving.done(), "a full disk ended the bot"
        await self.house.stop(serving)


async def test_a_claim_that_cannot_be_written_sends_nothing_until_it_can(clock: FakeClock) -> None:
    home = Home(clock, "claim")
    async with home.serving():
        home.store.breaks = True
        row = await home.house.post()
        home.house.lanes.wake()
        await asyncio.sleep(0.2)
        assert home.room.platform.attempts == 0
        home.store.breaks = False
        await until(lambda: home.room.platform.attempts == 1)
        await asyncio.sleep(0.1)
        assert await home.house.state(row) is DeliveryState.SENT


async def test_what_came_of_a_message_is_written_as_soon_as_it_can_be_and_is_not_repeated(clock: FakeClock) -> None:
    home = Home(clock, "settle")
    async with home.serving():
        home.store.breaks = True
        row = await home.house.post()
        home.house.lanes.wake()
        await until(lambda: home.room.platform.attempts and home.space.is_full)
        assert await home.house.state(row) is DeliveryState.SENDING
        assert "the disk is full: polling and alerts wait for room" in await home.house.bot.ready()
        home.store.breaks = False
        await until(lambda: not home.space.is_full)
        await asyncio.sleep(0.1)
        assert await home.house.state(row) is DeliveryState.SENT
        assert home.room.platform.attempts == 1


async def test_nothing_new_is_begun_while_it_is_full_though_there_is_room_for_the_mark(clock: FakeClock) -> None:
    """What room the ballast gave is for what is under way and for operators."""
    home = Home(clock, "retry")  # nobody asks for that here: it only keeps the disk full
    async with home.serving():
        home.store.breaks = True
        home.space.give()
        rounds, ticks = len(home.house.announced), home.house.bot.ticks
        row = await home.house.post()
        clock.advance(timedelta(hours=7))
        home.house.lanes.wake()
        await until(lambda: home.house.bot.ticks > ticks + 3)
        assert len(home.house.announced) == rounds
        assert home.room.platform.attempts == 0
        home.store.breaks = False
        await until(lambda: len(home.house.announced) > rounds and home.room.platform.attempts)
        assert await home.house.state(row) in {DeliveryState.SENDING, DeliveryState.SENT}


@pytest.mark.parametrize("method", ["commit", "expire"])
async def test_a_poll_or_a_tidying_that_finds_no_room_is_done_again_later(clock: FakeClock, method: str) -> None:
    home = Home(clock, method)
    async with home.serving():
        home.store.breaks = True
        rounds = len(home.house.announced)
        clock.advance(timedelta(hours=7))
        await asyncio.sleep(0.2)
        home.store.breaks = False
        await until(lambda: len(home.house.announced) > rounds)


async def test_what_a_platform_tells_once_is_kept_until_it_can_be_written(clock: FakeClock) -> None:
    home = Home(clock, "part")
    async with home.serving():
        await home.house.post()
        home.store.breaks = True
        telling = asyncio.create_task(home.house.door.left(ANA, "kicked"))
        await asyncio.sleep(0.1)
        assert not telling.done()
        home.store.breaks = False
        await asyncio.wait_for(telling, 5)
        assert (await home.house.store.census()).chats == 0


async def test_a_failing_database_waits_for_no_message_under_way(clock: FakeClock) -> None:
    store, room = Breaking("due", StoreError("The disk could not be written.")), Room(clock)
    house = House(room, clock=clock, store=store, drain_seconds=60)
    room.platform.hangs = True
    await house.bot.begin()
    await house.post()
    serving = asyncio.create_task(house.bot.serve())
    await until(lambda: room.platform.attempts)
    store.breaks = True
    with pytest.raises(StoreError, match="could not be written"):
        await asyncio.wait_for(serving, 5)

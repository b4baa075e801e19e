"""Somebody else polls with our token (409): sending pauses, says so, raises an alarm, and goes on when they left."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

from bot.attempting import DeliverDesk
from bot.core.alarms import Facts, Thresholds, standing
from bot.core.model import DeliveryState
from bot.daemon import FrontDoor
from bot.deliver import Lanes
from bot.ports import Platform
from bot.rooms import LISTENING_AFTER_SECONDS, RETRY_ROOM_SECONDS, Rooms
from bot.store.memory import MemoryStore
from handlers.telegram import Telegram
from tests.builders import NOW, a_story
from tests.fakes.asker import a_desk
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.telegram import TOKEN, ApiError, FakeTelegram
from tests.fakes.telegram.server import OTHER_POLLER
from tests.fakes.telegram_house import in_telegram
from tests.storing import follow, publish

ANA, STARTS = 7, 10
PATIENCE = 30.0  # a busy machine is slow to turn a hundred requests around
CONFLICT = ApiError(409, OTHER_POLLER).body()


class Hand(FakeClock):
    """A clock that moves by hand alone: nobody's sleep ends while a request is under way."""

    async def sleep(self, seconds: float) -> None:
        entry = (self._passed + timedelta(seconds=seconds), asyncio.get_running_loop().create_future())
        self._sleepers.append(entry)
        try:
            await entry[1]
        finally:
            self._sleepers.remove(entry)

    async def somebody_sleeps(self, seconds: float) -> None:
        """Wait until somebody sleeps for so long, and nobody else; then let that time pass."""
        length = timedelta(seconds=seconds)
        await until(lambda: [at - self._passed for at, _ in self._sleepers] == [length], PATIENCE)
        self.advance(length)


async def test_ten_starts_of_a_second_bot_pause_ours_and_double_nothing() -> None:
    clock, store = Hand(NOW), MemoryStore()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        telegram.world.add_private(ANA)
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        rooms = Rooms([cast("Platform", room)], clock)
        lanes = Lanes(DeliverDesk(store, rooms.open, clock, lambda: 1.0, rooms.stop))
        door = FrontDoor(a_desk(store=store, clock=clock), asyncio.Lock(), lanes.wake)
        keeping = asyncio.create_task(rooms.keep(room, door))
        await until(lambda: telegram.is_polled, PATIENCE)
        for _ in range(STARTS - 1):
            telegram.fail_next(409, CONFLICT, method="getUpdates")
        telegram.conflict()
        await until(lambda: rooms.stopped, PATIENCE)
        (alarm,) = standing(Facts(clock.now(), stopped=rooms.stopped), Thresholds())
        assert "Another program reads this bot's messages" in rooms.in_words()["telegram"]
        assert "telegram" in str(alarm).casefold()

        await follow(store, in_telegram(ANA))
        (row,) = await publish(store, a_story(1), due_at=clock.now())
        for start in range(1, STARTS + 1):
            await lanes.exhaust()
            assert telegram.accepted == []
            assert telegram.calls["getUpdates"] == start  # once a minute, no more
            await clock.somebody_sleeps(RETRY_ROOM_SECONDS)
            await until(lambda start=start: telegram.calls["getUpdates"] > start, PATIENCE)
        await lanes.exhaust()
        assert telegram.accepted == []  # it listens, and trusts that for a while before it sends
        await clock.somebody_sleeps(LISTENING_AFTER_SECONDS)
        await until(lambda: not rooms.stopped, PATIENCE)
        assert standing(Facts(clock.now(), stopped=rooms.stopped), Thresholds()) == ()

        lanes.wake()
        delivering = asyncio.create_task(lanes.run())
        await until(lambda: telegram.accepted, PATIENCE)
        await until(lambda: not lanes.under_way, PATIENCE)
        assert [message.chat for message in telegram.accepted] == [ANA]
        found = await store.delivery(row.id)
        assert found is not None
        assert (found.state, found.attempt) == (DeliveryState.SENT, 1)

        for task in (delivering, keeping):
            task.cancel()
        await asyncio.gather(delivering, keeping, lanes.drain(1), return_exceptions=True)
        await room.close()

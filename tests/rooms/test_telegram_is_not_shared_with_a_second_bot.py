"""Somebody else polls with our token (409): sending pauses, says so, raises an alarm, and goes on when they left."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

from bot.core.alarms import Facts, Thresholds, standing
from bot.core.model import DeliveryState
from bot.daemon import FrontDoor
from bot.deliver import DeliverDesk, Lanes
from bot.ports import Platform
from bot.rooms import Rooms
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
CONFLICT = ApiError(409, OTHER_POLLER).body()


async def test_ten_starts_of_a_second_bot_pause_ours_and_double_nothing() -> None:
    clock, store = FakeClock(NOW), MemoryStore()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        telegram.world.add_private(ANA)
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        rooms = Rooms([cast("Platform", room)], clock)
        lanes = Lanes(DeliverDesk(store, rooms.open, clock, lambda: 1.0, rooms.stop))
        door = FrontDoor(a_desk(store=store, clock=clock), asyncio.Lock(), lanes.wake)
        keeping = asyncio.create_task(rooms.keep(room, door))
        await until(lambda: telegram.calls["getUpdates"])
        for _ in range(STARTS - 1):
            telegram.fail_next(409, CONFLICT, method="getUpdates")
        telegram.conflict()
        await until(lambda: rooms.stopped)
        began = clock.now()
        (alarm,) = standing(Facts(clock.now(), stopped=rooms.stopped), Thresholds())
        assert "Another program reads this bot's messages" in rooms.in_words()["telegram"]
        assert "telegram" in str(alarm).casefold()

        await follow(store, in_telegram(ANA))
        (row,) = await publish(store, a_story(1), due_at=clock.now())
        while telegram.calls["getUpdates"] <= STARTS:
            await lanes.exhaust()
            assert telegram.accepted == [] or telegram.calls["getUpdates"] > STARTS
            await asyncio.sleep(0)
        await until(lambda: "telegram" in rooms.open)
        assert clock.now() - began >= timedelta(minutes=STARTS - 1)  # no hammering meanwhile
        await lanes.exhaust()
        assert [message.chat for message in telegram.accepted] == [ANA]
        found = await store.delivery(row.id)
        assert found is not None
        assert (found.state, found.attempt) == (DeliveryState.SENT, 1)
        assert standing(Facts(clock.now(), stopped=rooms.stopped), Thresholds()) == ()
        telegram.world.say(ANA, ANA, "/list")
        await until(lambda: len(telegram.accepted) == 2)

        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await room.close()

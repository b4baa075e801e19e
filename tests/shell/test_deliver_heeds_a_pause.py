"""Said while alerts are going out, a pause, a mute, an unfollow or a forget holds for all that is not being sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.commands import read_line
from bot.core.speech import Call
from bot.daemon import FrontDoor
from bot.ports import Store
from bot.store import open_store
from tests.fakes.asker import a_desk
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.lanes import ANA, BEN, House
from tests.storing import in_memory_directory

STORIES = 30


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    with in_memory_directory() as directory:
        opened = open_store("memory:" if request.param == "memory" else f"sqlite:///{directory}/policybell.db")
        yield opened
        await opened.close()


@pytest.mark.parametrize("line", ["pause", "pause 8h", "mute 8h", "mute tps 8h", "unfollow tps", "forget yes"])
async def test_at_most_what_is_being_sent_arrives_after_the_answer(store: Store, line: str) -> None:
    house = House(store, FakeClock())
    house.room.latency = 0.2
    await house.post(ANA, BEN, stories=STORIES)
    door = FrontDoor(a_desk(store=store, clock=house.clock), asyncio.Lock(), house.lanes.wake)
    delivering = asyncio.create_task(house.lanes.run())
    await until(lambda: len(house.room.texts(ANA)) >= 5)
    verb, args = read_line(line)
    asked_at = house.clock.now()
    assert (await door.answer(Call(verb, args, ANA, may_change=True))).ok
    arrived = len(house.room.texts(ANA))
    await until(lambda: len(house.room.texts(BEN)) == STORIES)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await house.lanes.drain(1)
    told = house.room.texts(ANA)
    assert len(told) <= arrived + 1 < STORIES
    late = [at for at, chat, _ in house.room.accepted if chat == ANA and (at - asked_at).total_seconds() > 1]
    assert late == [], "a second after the answer nothing comes any more"
    if verb in {"pause", "mute"}:
        missed = await store.missed(ANA, asked_at, 99)
        assert len(told) + missed.total == STORIES

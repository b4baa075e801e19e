"""A workspace with many channels keeps its own pace, and delays no other workspace's alert."""

from __future__ import annotations

from datetime import timedelta

from bot.core.model import Chat
from bot.core.pace import Limit, Pace
from bot.store import open_store
from tests.fakes.clock import FakeClock
from tests.fakes.lanes import House

BUSY = [Chat("fake", "T1", f"C{number}") for number in range(60)]
QUIET = Chat("fake", "T2", "C1")


async def test_one_alert_goes_out_at_once_beside_many_of_another_workspace() -> None:
    house = House(open_store("memory:"), FakeClock())
    house.room.pace = Pace(Limit(4, timedelta(seconds=1)), lambda _: (Limit(1, timedelta(seconds=1)),))
    start = house.clock.now()
    await house.post(*BUSY)
    house.clock.advance(timedelta(milliseconds=1))
    await house.post(QUIET)
    await house.lanes.exhaust()
    sent = {chat: at - start for at, chat, _ in house.room.accepted}
    assert len(sent) == len(BUSY) + 1
    assert sent[QUIET] < timedelta(seconds=1)
    assert max(sent.values()) < timedelta(seconds=16)

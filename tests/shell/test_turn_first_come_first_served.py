"""Waiting for one's turn: no limit is broken however many wait, nobody is overtaken, nobody holds up another chat."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Chat
from bot.core.pace import Limit, Pace
from bot.turn import turn
from tests.fakes.clock import FakeClock

SECOND = timedelta(seconds=1)
ANA, BEN = Chat("fake", "", "1"), Chat("fake", "", "2")


class Sender:
    """Sends on one pace and notes who began when; `latency` passes before the answer."""

    def __init__(self, overall: Limit, per_chat: Limit, latency: float = 0.2) -> None:
        self.clock = FakeClock()
        self.pace = Pace(overall, lambda _: (per_chat,))
        self.latency = latency
        self.began: list[tuple[str, datetime]] = []

    async def send(self, chat: Chat, name: str) -> None:
        async with turn(self.pace, chat, self.clock):
            self.began.append((name, self.clock.now()))
            await self.clock.sleep(self.latency)

    async def send_all(self, *messages: tuple[Chat, str]) -> None:
        await asyncio.gather(*(self.send(chat, name) for chat, name in messages))

    def names(self) -> list[str]:
        return [name for name, _ in self.began]


def busiest(times: list[datetime], window: timedelta) -> int:
    return max(sum(start <= at < start + window for at in times) for start in times)


@settings(max_examples=15, deadline=None)
@given(chats=st.lists(st.integers(1, 3), min_size=2, max_size=14), latency=st.floats(0.0, 2.5))
async def test_many_at_once_keep_both_limits_and_their_order_in_each_chat(chats: list[int], latency: float) -> None:
    sender = Sender(Limit(3, SECOND), Limit(1, SECOND), latency)
    await sender.send_all(*((Chat("fake", "", str(chat)), f"{chat}:{place}") for place, chat in enumerate(chats)))
    assert busiest([at for _, at in sender.began], SECOND) <= 3
    for chat in set(chats):
        began = [(int(name.partition(":")[2]), at) for name, at in sender.began if name.startswith(f"{chat}:")]
        assert began == sorted(began)
        assert busiest([at for _, at in began], SECOND) == 1
    assert len(sender.began) == len(chats)


async def test_whoever_comes_as_a_place_becomes_free_does_not_overtake_those_who_wait() -> None:
    sender = Sender(Limit(30, SECOND), Limit(1, SECOND), latency=0)

    async def late() -> None:
        while len(sender.began) < 2:  # just when the second one has gone, and each later place is spoken for
            await asyncio.sleep(0)
        await sender.send(ANA, "late")

    await asyncio.gather(sender.send_all(*((ANA, str(number)) for number in range(4))), late())
    assert sender.names() == ["0", "1", "2", "3", "late"]


async def test_a_chat_that_must_rest_holds_up_no_other() -> None:
    sender = Sender(Limit(30, SECOND), Limit(1, timedelta(minutes=1)), latency=0)
    start = sender.clock.now()
    await sender.send_all((ANA, "ana 1"), (ANA, "ana 2"), (BEN, "ben 1"))
    assert sender.names() == ["ana 1", "ben 1", "ana 2"]
    assert dict(sender.began)["ben 1"] == start


async def test_who_gives_up_waiting_leaves_the_place_to_the_next() -> None:
    sender = Sender(Limit(30, SECOND), Limit(1, SECOND), latency=5)
    first = asyncio.create_task(sender.send(ANA, "first"))
    gives_up = asyncio.create_task(sender.send(ANA, "gives up"))
    patient = asyncio.create_task(sender.send(ANA, "patient"))
    await asyncio.sleep(0)
    gives_up.cancel()
    await asyncio.gather(first, patient)
    assert sender.names() == ["first", "patient"]
    assert gives_up.cancelled()


async def test_a_send_that_fails_gives_its_place_back_after_the_window() -> None:
    sender = Sender(Limit(30, SECOND), Limit(1, SECOND))
    with pytest.raises(ZeroDivisionError):
        async with turn(sender.pace, ANA, sender.clock):
            raise ZeroDivisionError
    assert sender.pace.wait(ANA, sender.clock.now()) == SECOND


async def test_a_clock_set_back_by_an_hour_silences_nobody_for_an_hour() -> None:
    sender = Sender(Limit(1, SECOND), Limit(1, SECOND), latency=0)
    await sender.send(ANA, "before")
    sender.clock.set(sender.clock.now() - timedelta(hours=1))
    set_back = sender.clock.now()
    await sender.send(ANA, "after")
    assert sender.clock.now() - set_back <= 2 * SECOND

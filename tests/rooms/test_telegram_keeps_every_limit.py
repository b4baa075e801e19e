"""30 a second, 1 a second a chat, 20 a minute a group, in any window, as the server sees it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.core.model import Chat
from bot.core.speech import Message
from bot.errors import MaybeSent, SendError, TryLater
from handlers.telegram import Telegram
from tests.fakes.clock import FakeClock
from tests.fakes.telegram import TOKEN, FakeTelegram, Fault, Kind, refusal


@asynccontextmanager
async def a_room(**options: float) -> AsyncIterator[tuple[FakeTelegram, Telegram, FakeClock]]:
    clock = FakeClock()
    async with FakeTelegram(now=lambda: clock.now().timestamp(), **options) as telegram:
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        yield telegram, room, clock
        await room.close()


def message(number: int) -> Message:
    return Message(str(number), {"text": str(number)})


def chat(number: int) -> Chat:
    return Chat("telegram", "", str(number))


async def test_a_burst_to_many_chats_keeps_thirty_a_second() -> None:
    async with a_room() as (telegram, room, clock):
        begun = clock.now()
        for user in range(1, 201):
            telegram.world.add_private(user)
        await asyncio.gather(*(room.send(chat(user), message(user)) for user in range(1, 201)))
        assert len(telegram.accepted) == telegram.calls["sendMessage"] == 200
        assert (clock.now() - begun).total_seconds() < 20  # the limits allow 7


async def test_one_chat_gets_one_a_second_and_a_group_twenty_a_minute() -> None:
    async with a_room() as (telegram, room, _):
        telegram.world.add_private(7)
        group = telegram.world.add_group()
        sends = [room.send(chat(to), message(number)) for number in range(25) for to in (7, group)]
        await asyncio.gather(*sends)
        assert Counter(one.chat for one in telegram.accepted) == {7: 25, group: 25}
        times = sorted(one.at for one in telegram.accepted if one.chat == group)
        assert times[-1] - times[0] >= 60


async def test_topics_of_one_forum_share_its_limits() -> None:
    async with a_room() as (telegram, room, _):
        group = telegram.world.add_group(topics=[1, 2, 3])
        threads = [Chat("telegram", "", str(group), str(topic)) for topic in (1, 2, 3)]
        await asyncio.gather(*(room.send(to, message(number)) for number in range(8) for to in threads))
        assert len(telegram.accepted) == 24


async def test_a_slow_answer_does_not_open_the_window_early() -> None:
    async with a_room(latency=0.02) as (telegram, room, _):
        telegram.world.add_private(7)
        await asyncio.gather(*(room.send(chat(7), message(number)) for number in range(10)))
        assert len(telegram.accepted) == 10


async def test_every_attempt_is_one_request_whatever_goes_wrong() -> None:
    kinds = (Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.CUT, Kind.GARBAGE)
    faults = [Fault(kind) for kind in kinds] + [refusal(502, "Bad Gateway"), refusal(429, "x", retry_after=1)]
    async with a_room() as (telegram, room, _):
        for user in range(1, 61):
            telegram.world.add_private(user)
        telegram.plan("sendMessage", *(faults[user % 6] if user % 5 < 3 else None for user in range(60)))
        came = await asyncio.gather(
            *(room.send(chat(user), message(user)) for user in range(1, 61)), return_exceptions=True
        )
        assert telegram.calls["sendMessage"] == 60
        got = {one.chat for one in telegram.accepted}
        for user, outcome in enumerate(came, 1):
            match outcome:
                case str():
                    assert user in got
                case TryLater():
                    assert user not in got
                case SendError():
                    assert isinstance(outcome, MaybeSent)
                case _:
                    raise AssertionError(outcome)

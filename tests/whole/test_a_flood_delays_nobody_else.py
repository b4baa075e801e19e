"""One person writes to the bot on Telegram a hundred times a second; others are answered within a second (S29).

The room, the client library, the strict server and the clock are real; only the people are not.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from statistics import quantiles

import pytest

from bot.clock import SystemClock
from bot.daemon import FrontDoor
from handlers.telegram import Telegram
from tests.fakes.asker import a_desk
from tests.fakes.door import until
from tests.fakes.telegram import TOKEN, FakeTelegram

SECONDS = 30.0 if os.environ.get("POLICYBELL_SOAK") else 3.0
FLOODER, VISITORS = 666, range(1, 11)


@pytest.mark.soak
async def test_while_one_floods_others_are_answered_within_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    waits: list[float] = []
    said = 0
    async with FakeTelegram() as telegram:
        world = telegram.world
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=SystemClock())
        door = FrontDoor(a_desk(clock=SystemClock()), asyncio.Lock(), lambda: None)
        for user in (FLOODER, *VISITORS):
            world.add_private(user)
        listening = asyncio.create_task(room.listen(door))
        ends = time.monotonic() + SECONDS

        def answers(user: int) -> int:
            return sum(message.chat == user for message in telegram.accepted)

        def more_than(user: int, before: int) -> Callable[[], bool]:
            return lambda: answers(user) > before

        async def flood() -> None:
            nonlocal said
            while time.monotonic() < ends:
                world.say(FLOODER, FLOODER, ("/list", "/follow tps", "/topics", "hello")[said % 4])
                said += 1
                await asyncio.sleep(0.01)

        async def visit(user: int) -> None:
            await asyncio.sleep(user / 10)
            while time.monotonic() < ends:
                began, before = time.monotonic(), answers(user)
                world.say(user, user, "/list")
                await until(more_than(user, before), 10)
                waits.append(time.monotonic() - began)
                await asyncio.sleep(1.5)

        await asyncio.gather(flood(), *(visit(user) for user in VISITORS))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await room.close()
        answered = answers(FLOODER)
    p95 = quantiles(waits, n=20)[-1]
    with capsys.disabled():
        print(f"\nflood on Telegram: {said} commands in {SECONDS:.0f} s, {answered} answered; ", end="")
        print(f"others: {len(waits)} replies, p95 {1_000 * p95:.0f} ms, longest {1_000 * max(waits):.0f} ms")
    assert said > 20 * SECONDS
    assert answered <= 21
    assert p95 <= 1.0

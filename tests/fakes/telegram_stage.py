"""The Telegram room on the strict server, listening to people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.core.speech import Call, Reply
from handlers.telegram import Telegram
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.telegram import TOKEN, FakeTelegram


@dataclass(slots=True)
class Stage:
    """The bot, listening."""

    telegram: FakeTelegram
    door: FakeDoor
    room: Telegram
    clock: FakeClock
    listening: asyncio.Task[None]

    async def ended(self) -> Exception:
        """Wait until listening ends by itself, and say by what."""
        async with asyncio.timeout(5):
            (error,) = await asyncio.gather(self.listening, return_exceptions=True)
        assert isinstance(error, Exception)
        return error

    async def answered(self, count: int) -> list[str]:
        """Wait for so many messages and give all."""
        await until(lambda: len(self.telegram.accepted) >= count)
        return [message.text for message in self.telegram.accepted]

    async def quiet(self) -> None:
        """Wait until every update was taken: only then does the next poll confirm it."""
        await until(lambda: not self.telegram.world.updates)


@asynccontextmanager
async def on_stage(answer: Callable[[Call], Reply] | None = None, *, ends: bool = False) -> AsyncIterator[Stage]:
    clock = FakeClock()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        door = FakeDoor(answer)
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        listening = asyncio.create_task(room.listen(door))
        yield Stage(telegram, door, room, clock, listening)
        assert ends or not listening.done()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await room.close()

"""A platform whose every answer is given by hand, and a clock that moves by hand: for tests that choose each step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.model import Alert, Chat, Delivery
from bot.core.pace import Limit, Pace
from bot.core.speech import Message, Reply
from bot.ports import Door


class StillClock:
    """Time as somebody makes it pass. Whoever sleeps waits for that."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._passed = timedelta(0)
        self._sleepers: list[tuple[timedelta, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by
        self._passed += by
        for at, future in self._sleepers:
            if at <= self._passed and not future.done():
                future.set_result(None)

    def jump(self, by: timedelta) -> None:
        """Be set, as by a hand or a time server: no time passes."""
        self._now += by

    async def sleep(self, seconds: float) -> None:
        entry = (self._passed + timedelta(seconds=max(seconds, 0.001)), asyncio.get_running_loop().create_future())
        self._sleepers.append(entry)
        try:
            await entry[1]
        finally:
            self._sleepers.remove(entry)


@dataclass(slots=True, eq=False)
class Sending:
    """A message under way: which stories it tells to whom, which of them it marks as possible repeats."""

    chat: Chat
    stories: tuple[int, ...]
    marks: tuple[bool, ...]
    answer: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Post:
    """A platform without limits of its own. `begun` hears of every message that leaves; `under_way` holds them."""

    name = "telegram"

    def __init__(self, begun: Callable[[Sending], None]) -> None:
        self.pace = Pace(Limit(1000, timedelta(seconds=1)), lambda _: ())
        self.under_way: list[Sending] = []
        self._begun = begun

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        return Message("", {"stories": (alert.story.number,), "marks": (repeat,)}, silent=repeat)

    def render_list(self, late: Sequence[Delivery]) -> Message:
        stories = tuple(row.alert.story.number for row in late)
        return Message("", {"stories": stories, "marks": tuple(row.unsure for row in late)}, silent=True)

    async def send(self, chat: Chat, message: Message) -> str:
        sending = Sending(chat, message.native["stories"], message.native["marks"])
        self._begun(sending)
        self.under_way.append(sending)
        try:
            return await sending.answer
        finally:
            self.under_way.remove(sending)

    async def tell(self, chat: Chat, reply: Reply) -> None:
        return None

    async def probe(self) -> None:
        return None

    async def listen(self, door: Door) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None

"""A room that records what it was sent and does what it is told: verbs, not mocks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.model import Alert, Chat, Delivery
from bot.core.pace import Limit, Pace
from bot.core.speech import Message, Reply
from bot.errors import ChatMoved
from bot.ports import Clock, Door
from bot.turn import turn


class FakePlatform:
    """Accepts messages at once, unless told to fail the next ones, to hang, or to break when it renders."""

    def __init__(self, clock: Clock, name: str = "fake", *, per_chat: tuple[Limit, ...] = ()) -> None:
        self.name = name
        self.pace = Pace(Limit(30, timedelta(seconds=1)), lambda _: per_chat)
        self.accepted: list[tuple[datetime, Chat, Message]] = []
        self.attempts = 0
        self.outage: Exception | None = None  # while it is set, nothing is accepted and probes fail too
        self.probes: list[datetime] = []
        self.moved: dict[Chat, Chat] = {}  # where chats went: nothing is accepted under a former name
        self.renders_badly = False
        self.hangs = False
        self._released = asyncio.Event()
        self.latency = 0.0
        self._clock = clock
        self._failures: deque[tuple[Exception, bool]] = deque()

    def release(self) -> None:
        """Let what hangs end well."""
        self._released.set()

    def fail_next(self, *errors: Exception, accept: bool = False) -> None:
        """Answer the next sends with these errors; `accept` keeps the message although the answer is lost."""
        self._failures.extend((error, accept) for error in errors)

    def texts(self, chat: Chat | None = None) -> list[str]:
        return [message.text for _, to, message in self.accepted if chat in (None, to)]

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        if self.renders_badly and not plain:
            raise ZeroDivisionError
        mark = "↻ " if repeat else ""
        return Message(f"{mark}#{alert.story.number} {alert.story.lead.title}", {"plain": plain}, silent=repeat)

    async def send(self, chat: Chat, message: Message) -> str:
        async with turn(self.pace, chat, self._clock):
            self.attempts += 1
            if self.hangs:
                await self._released.wait()
            if self.latency:
                await self._clock.sleep(self.latency)
            if chat in self.moved:
                raise ChatMoved(self.moved[chat])
            error, accept = self._failures.popleft() if self._failures else (self.outage, self.outage is None)
            if accept:
                self.accepted.append((self._clock.now(), chat, message))
            if error is not None:
                raise error
            return f"receipt-{self.attempts}"

    async def tell(self, chat: Chat, reply: Reply) -> None:
        await self.send(chat, Message("".join(span.text for span in reply.spans), {"told": True}))

    def render_list(self, late: Sequence[Delivery]) -> Message:
        if self.renders_badly:
            raise ZeroDivisionError
        lines = [f"{'↻ ' if row.unsure else ''}#{row.alert.story.number}" for row in late]
        return Message(f"late: {' '.join(lines)}", {"plain": False}, silent=all(row.unsure for row in late))

    async def probe(self) -> None:
        self.probes.append(self._clock.now())
        if self.outage is not None:
            raise self.outage

    async def listen(self, door: Door) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None

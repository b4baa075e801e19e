"""What stands behind a room in its tests: it notes what was asked and answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.core.model import Alert, Call, Chat, Reply, Span


class FakeDoor:
    """`calls` are what was asked, `moves` which chats were said to have a new id, `alerts` what chats were sent."""

    def __init__(self, answer: Callable[[Call], Reply] | None = None, alerts: Sequence[Alert] = ()) -> None:
        self.calls: list[Call] = []
        self.moves: list[tuple[Chat, Chat]] = []
        self.alerts = list(alerts)
        self._answer = answer or (lambda call: Reply((Span(f"You said {call.verb}."),)))

    @property
    def lines(self) -> list[str]:
        return [" ".join((call.verb, *call.args)) for call in self.calls]

    async def answer(self, call: Call) -> Reply:
        self.calls.append(call)
        return self._answer(call)

    async def moved(self, chat: Chat, to: Chat) -> None:
        self.moves.append((chat, to))

    async def history(self, chat: Chat, limit: int) -> Sequence[Alert]:
        return [alert for alert in self.alerts if alert.chat == chat][-limit:]


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something has come true; fail where it does not."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)

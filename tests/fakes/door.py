"""What stands behind a room in its tests: it notes what was asked and answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.core.model import Alert, Chat
from bot.core.speech import Call, Reply, Span


class FakeDoor:
    """`calls` are what was asked, `alerts` what chats were sent.

    `moves` are the chats that were said to have a new id, `departures` and `returns` those gone and back.
    `reply` makes the answers. While `ready` is cleared, answers are held back.
    """

    def __init__(self, answer: Callable[[Call], Reply] | None = None, alerts: Sequence[Alert] = ()) -> None:
        self.calls: list[Call] = []
        self.moves: list[tuple[Chat, Chat]] = []
        self.departures: list[tuple[Chat, str]] = []
        self.returns: list[Chat] = []
        self.alerts = list(alerts)
        self.reply = answer or (lambda call: Reply((Span(f"You said {call.verb}."),)))
        self.ready = asyncio.Event()
        self.ready.set()

    @property
    def lines(self) -> list[str]:
        return [" ".join((call.verb, *call.args)) for call in self.calls]

    async def answer(self, call: Call) -> Reply:
        self.calls.append(call)
        await self.ready.wait()
        return self.reply(call)

    async def moved(self, chat: Chat, to: Chat) -> None:
        self.moves.append((chat, to))

    async def left(self, chat: Chat, why: str) -> None:
        self.departures.append((chat, why))

    async def returned(self, chat: Chat) -> None:
        self.returns.append(chat)

    async def history(self, chat: Chat, limit: int) -> Sequence[Alert]:
        return [alert for alert in self.alerts if alert.chat == chat][-limit:]


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something has come true; fail where it does not."""
    step = 0.002
    for _ in range(round(seconds / step)):
        if true():
            return
        await asyncio.sleep(step)
    raise AssertionError(f"it did not come true within {seconds} s")

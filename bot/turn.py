"""Waiting for one's turn: alerts and replies of a room share one queue per limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.core.model import Chat
from bot.core.pace import Pace
from bot.ports import Clock

_POLL_SECONDS = 0.05  # how often to look again while every place is taken by a message still in flight


@asynccontextmanager
async def turn(pace: Pace, chat: Chat, clock: Clock) -> AsyncIterator[None]:
    """Wait until a message to `chat` keeps every limit, and hold its place while it is being sent."""
    while (wait := pace.wait(chat, clock.now())) is None or wait.total_seconds() > 0:
        await clock.sleep(_POLL_SECONDS if wait is None else wait.total_seconds())
    pace.begin(chat)
    try:
        yield
    finally:
        pace.end(chat, clock.now())

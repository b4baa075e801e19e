"""Waiting for one's turn: alerts and replies of a room share one queue per limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.model import Chat
from bot.core.pace import Pace
from bot.ports import Clock

_POLL_SECONDS = 0.05  # how often to look again while every place is taken by a message still in flight


class StillWaitingError(asyncio.CancelledError):
    """Cancelled while waiting for its turn: nothing was sent."""


@asynccontextmanager
async def turn(pace: Pace, chat: Chat, clock: Clock) -> AsyncIterator[None]:
    """Wait until a message to `chat` keeps every limit, and hold its place while it is being sent.

    First come, first served: in line for the chat, then, once that may be written to, for the overall limit. So a
    chat that must rest holds up no other. Between the last look at the limits and taking the place nothing can run.
    Cancelled before its turn, it raises `StillWaitingError`.
    """
    try:
        async with pace.queue(chat, asyncio.Lock):
            await _sleep_out(lambda now: pace.wait_in_chat(chat, now), clock)
            async with pace.queue(replace(chat, id=""), asyncio.Lock):
                await _sleep_out(lambda now: pace.wait(chat, now), clock)
                pace.begin(chat)
    except asyncio.CancelledError as cancelled:
        raise StillWaitingError("its turn had not come") from cancelled
    try:
        yield
    finally:
        pace.end(chat, clock.now())


async def _sleep_out(wait: Callable[[datetime], timedelta | None], clock: Clock) -> None:
    while (left := wait(clock.now())) is None or left > timedelta(0):
        await clock.sleep(_POLL_SECONDS if left is None else left.total_seconds())

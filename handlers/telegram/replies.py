"""Answers on their way: one queue per chat, so that a slow chat keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import structlog

from bot.core.model import Chat
from bot.core.speech import Message
from bot.errors import BadMessage, ChatMoved, SendError, TokenError, TryLater
from bot.ports import Clock
from handlers.telegram.render import in_plain

log = structlog.get_logger()

_WAITING = 10  # messages per chat: whoever asks faster than the limits allow gets no more than that
_ATTEMPTS = 3
_PATIENCE_SECONDS = 60.0

Send = Callable[[Chat, Message], Awaitable[str]]


class Replies:
    """Sends answers in the background. They are not alerts: what cannot be sent is logged and forgotten."""

    def __init__(self, send: Send, clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._waiting: dict[Chat, deque[Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def say(self, chat: Chat, messages: Iterable[Message]) -> None:
        """Queue an answer behind the earlier ones of its chat."""
        lane = self._waiting.setdefault(chat, deque())
        idle = not lane
        for message in messages:
            if len(lane) == _WAITING:
                log.info("reply.dropped", platform=chat.platform)
                return
            lane.append(message)
        if idle and lane:
            task = asyncio.create_task(self._empty(chat, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _empty(self, chat: Chat, lane: deque[Message]) -> None:
        try:
            while lane:
                await self._deliver(chat, lane[0])
                lane.popleft()
        finally:
            del self._waiting[chat]

    async def _deliver(self, chat: Chat, message: Message) -> None:
        for _ in range(_ATTEMPTS):
            try:
                await self._send(chat, message)
            except TryLater as error:
                after = error.after.total_seconds() if error.after else 1.0
                await self._clock.sleep(min(after, _PATIENCE_SECONDS))
            except ChatMoved as error:
                chat = error.to
            except BadMessage as error:
                log.warning("reply.refused", platform=chat.platform, error=str(error))
                message = in_plain(message)
            except (SendError, TokenError) as error:
                log.info("reply.lost", platform=chat.platform, error=str(error))
                return
            except Exception:  # a bug in one answer shall not silence its chat
                log.exception("reply.broke", platform=chat.platform)
                return
            else:
                return
        log.info("reply.lost", platform=chat.platform, error="given up")

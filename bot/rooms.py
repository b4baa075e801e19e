"""The rooms of the bot: they may lose their token, and regain it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from bot.core.words import span_of_time
from bot.errors import StoreError, TokenError
from bot.ports import Clock, Door, Platform
from bot.tasks import end

log = structlog.get_logger()

RETRY_ROOM_SECONDS = 60.0
LISTENING_AFTER_SECONDS = 10.0  # a room that listened for so long without a complaint may send again


class Rooms:
    """The rooms that have a token, and which of them may send now."""

    def __init__(
        self,
        rooms: Sequence[Platform],
        clock: Clock,
        unreachable: Callable[[], Mapping[str, datetime]] = dict,
    ) -> None:
        self.all = {room.name: room for room in rooms}
        self.open = dict(self.all)
        self._why_closed: dict[str, str] = {}
        self._closed = {name: asyncio.Event() for name in self.all}
        self._clock = clock
        self._unreachable = unreachable

    def stop(self, name: str, why: str) -> None:
        """Stop a room's deliveries: its rows wait, no chat is blamed."""
        if self.open.pop(name, None) is not None:
            log.error("room.stopped", room=name, error=why)
        self._why_closed[name] = why
        self._closed[name].set()

    @property
    def stopped(self) -> dict[str, str]:
        """Why each room that may not send may not."""
        return {name: why for name, why in self._why_closed.items() if name not in self.open}

    def in_words(self) -> dict[str, str]:
        return {name: self._state(name) for name in self.all}

    def _state(self, name: str) -> str:
        if name not in self.open:
            return f"stopped: {self._why_closed[name]}"
        if since := self._unreachable().get(name):
            return f"not reachable for {span_of_time(self._clock.now() - since)}; its alerts wait until it answers"
        return "on"

    async def keep(self, room: Platform, door: Door) -> None:
        """Let a room listen for as long as its platform will have us, and try again each minute when it will not."""
        while True:
            listening = asyncio.create_task(room.listen(door))
            reopening = asyncio.create_task(self._reopen(room))
            try:
                await asyncio.wait({listening})
                if not self._lost(room, listening):
                    return
            finally:
                await end({listening, reopening})
            await self._clock.sleep(RETRY_ROOM_SECONDS)

    async def _reopen(self, room: Platform) -> None:
        """Let a room that listens send again: what refused it, here or at a send, may have passed."""
        pause = LISTENING_AFTER_SECONDS
        while True:
            await self._clock.sleep(pause)
            self._closed[room.name].clear()
            if room.name not in self.open:
                self.open[room.name] = room
                log.info("room.resumed", room=room.name)
            await self._closed[room.name].wait()
            pause = RETRY_ROOM_SECONDS

    def _lost(self, room: Platform, listening: asyncio.Task[None]) -> bool:
        """Say whether a room ended against its will; it sends nothing then. A database that failed ends it all."""
        match asyncio.CancelledError() if listening.cancelled() else listening.exception():
            case None:
                return False
            case StoreError() as error:
                raise error
            case TokenError() as error:
                self.stop(room.name, str(error))
            case error:  # a bug in one room harms that room
                log.error("room.broke", room=room.name, exc_info=error)
                self.stop(room.name, f"broke ({type(error).__name__})")
        return True

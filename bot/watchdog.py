"""Whether the bot gets anywhere: what a service manager's watchdog is told depends on it.

A timer that pings as long as the event loop turns is blind to a poll that never ends and to a message that hangs.
Here a ping follows only where polling moved, rows are being claimed, messages under way end, and the database has
just taken a write. With systemd's `WatchdogSec` W, the last ping comes at most W/6 + the patience after a stall began,
and systemd ends the process W after that: within 2 W with the usual settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import structlog

from bot.errors import DiskFull, StoreError

log = structlog.get_logger()

P = ParamSpec("P")
R = TypeVar("R")

_LOOKS = 6  # in the time after which the service manager loses patience


@dataclass(frozen=True, slots=True)
class Signs:
    """What was seen at one look. Where a value is another than before, something moved."""

    polling: object
    claiming: object
    under_way: frozenset[object] = frozenset()  # messages that are being sent


@dataclass(frozen=True, slots=True)
class Patience:
    """For how many seconds each may stand still. `one_message`: while others of the kind still move."""

    polling: float
    claiming: float
    messages: float
    one_message: float


class Stillness:
    """Since when each part stands still. No clock of its own: `look` is told the time, in monotonic seconds."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._before: Signs | None = None
        self._moved = {"polling": 0.0, "claiming": 0.0, "messages": 0.0}
        self._begun: dict[object, float] = {}

    def look(self, signs: Signs, now: float) -> str:
        """Say what stands still for too long, or nothing."""
        before, self._before = self._before, signs
        if before is None or signs.polling != before.polling:
            self._moved["polling"] = now
        if before is None or signs.claiming != before.claiming:
            self._moved["claiming"] = now
        if before is None or not signs.under_way or signs.under_way != before.under_way:
            self._moved["messages"] = now
        self._begun = {one: self._begun.get(one, now) for one in signs.under_way}
        return next((part for part in self._moved if now - self._moved[part] > getattr(self._patience, part)), "") or (
            "one message" if any(now - begun > self._patience.one_message for begun in self._begun.values()) else ""
        )


@dataclass(slots=True)
class Steps:
    """Counts what gets done, so that standing still shows."""

    count: int = 0

    def counting(self, work: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """Return `work` that counts each time it ends."""

        async def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return await work(*args, **kwargs)
            finally:
                self.count += 1

        return counted


@dataclass(slots=True)
class Watchdog:
    """Looks several times in `seconds`, and pings where everything moves.

    `prove` writes to the database. `sleep` and `monotonic` are in seconds. `why` is what it holds the ping back for.
    """

    seconds: float
    stillness: Stillness
    signs: Callable[[], Signs]
    prove: Callable[[], Awaitable[None]]
    ping: Callable[[], None]
    sleep: Callable[[float], Awaitable[Any]]
    monotonic: Callable[[], float]
    why: str = field(default="", init=False)

    async def keep(self) -> None:
        """Look and ping until cancelled."""
        while True:
            await self.look()
            await self.sleep(self.seconds / _LOOKS)

    async def look(self) -> None:
        """Look once. A database that takes no write, or none in time, holds the ping back like anything that stands."""
        still = self.stillness.look(self.signs(), self.monotonic())
        self._hold_back(f"{still} stands still" if still else await self._unwritten())
        if not self.why:
            self.ping()

    async def _unwritten(self) -> str:
        try:
            async with asyncio.timeout(self.seconds / _LOOKS):
                await self.prove()
        except DiskFull:  # it waits for room and says so; a new process would have no more room
            return ""
        except TimeoutError:
            return "the database takes no write in time"
        except StoreError as error:
            return str(error)
        return ""

    def _hold_back(self, why: str) -> None:
        if why and why != self.why:
            log.error("watchdog.held_back", why=why)
        elif self.why and not why:
            log.info("watchdog.resumed")
        self.why = why

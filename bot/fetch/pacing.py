"""When a host may be asked: not sooner than it wishes, and in the order in which requests came.

Everything is counted in monotonic seconds, so that a clock that is set makes nobody wait, or hurry.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.ports import Clock

_NEVER = float("-inf")


@dataclass(slots=True)
class _Lane:
    last: float = _NEVER
    waiting: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Turns:
    """At least so long between the starts of two requests with one name."""

    clock: Clock
    lanes: dict[str, _Lane] = field(default_factory=dict)

    def rest(self, name: str, delay: float) -> float:
        """Say in how many seconds somebody who came now would have their turn, everybody before them served."""
        lane = self.lanes.get(name)
        if lane is None or not delay:
            return 0.0
        return self._left(lane, delay) + lane.waiting * delay

    async def take(self, name: str, delay: float) -> None:
        """Wait for one's turn, and begin it."""
        if not delay:
            return
        lane = self.lanes.setdefault(name, _Lane())
        lane.waiting += 1
        try:
            async with lane.lock:
                while rest := self._left(lane, delay):  # once more, where the turn before began late
                    await self.clock.sleep(rest)
                lane.last = self.clock.monotonic()
        finally:
            lane.waiting -= 1

    def begin(self, name: str, delay: float) -> None:
        """Begin a turn that was taken, and that something else has held up since, only now."""
        if delay:
            self.lanes[name].last = self.clock.monotonic()

    def _left(self, lane: _Lane, delay: float) -> float:
        now = self.clock.monotonic()
        lane.last = min(lane.last, now)  # whatever a clock does, nobody waits for longer than the delay
        return max(lane.last + delay - now, 0.0)


@dataclass(slots=True)
class Pauses:
    """Until when a host is left alone, because it said so."""

    clock: Clock
    until: dict[str, float] = field(default_factory=dict)

    def begin(self, host: str, seconds: float) -> None:
        """Leave a host alone for so long, or for as long as it asked before."""
        self.until[host] = max(self.clock.monotonic() + seconds, self.until.get(host, 0.0))

    def rest(self, host: str) -> float:
        """Say for how many more seconds the host is to be left alone."""
        until = self.until.get(host)
        if until is None:
            return 0.0
        if (rest := until - self.clock.monotonic()) <= 0:
            del self.until[host]
            return 0.0
        return rest

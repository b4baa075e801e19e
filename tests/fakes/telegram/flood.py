"""Telegram's limits, enforced over any window, as the strictest reading of its FAQ has them."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Window:
    count: int
    seconds: float
    accepted: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Say for how long one more message would break this limit."""
        while self.accepted and self.accepted[0] + self.seconds <= now:
            self.accepted.popleft()
        return self.accepted[0] + self.seconds - now if len(self.accepted) >= self.count else 0.0


class Flood:
    """30/s overall, 1/s a chat, 20/min a group or channel. `scale` is real seconds per second of Telegram's."""

    def __init__(self, *, scale: float = 1.0, overall: int = 30, per_chat: int = 1, per_group: int = 20) -> None:
        self.scale = scale
        self._overall = _Window(overall, scale)
        self._chats: dict[int, list[_Window]] = defaultdict(list)
        self._counts = (per_chat, per_group)
        self._closed: dict[int, float] = {}

    def accept(self, chat: int, now: float) -> int:
        """Count a message, or say in how many of its seconds Telegram would take it (0: accepted)."""
        windows = [self._overall, *self._windows(chat)]
        wait = max(window.wait(now) for window in windows)
        if wait > 0:
            return math.ceil(wait / self.scale)
        for window in windows:
            window.accepted.append(now)
        return 0

    def close(self, chat: int, seconds: float, now: float) -> None:
        """Refuse a chat for so many of Telegram's seconds."""
        self._closed[chat] = now + seconds * self.scale

    def closed(self, chat: int, now: float) -> int:
        """Say for how many more seconds a chat is refused."""
        return max(0, math.ceil((self._closed.get(chat, now) - now) / self.scale))

    def _windows(self, chat: int) -> list[_Window]:
        if not self._chats[chat]:
            per_chat, per_group = self._counts
            self._chats[chat] = [_Window(per_chat, self.scale)]
            if chat < 0:
                self._chats[chat].append(_Window(per_group, 60 * self.scale))
        return self._chats[chat]

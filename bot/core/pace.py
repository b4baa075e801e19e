"""How fast a platform may be spoken to: sliding windows that hold over *any* window, seen from the server.

A message occupies its place from the moment it is sent until one window after its answer came, since the
server may have accepted it at any moment in between. Token buckets are not enough: they burst first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat

from bot.core.model import Chat


def waits() -> Iterator[float]:
    """Give the seconds to wait after each attempt in vain to reach a platform: 1, 2, 4 … and then 30, for ever."""
    return chain((1.0, 2.0, 4.0, 8.0, 16.0), repeat(30.0))


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` messages in any `window`."""

    count: int
    window: timedelta


@dataclass(slots=True)
class _Window:
    limit: Limit
    in_flight: int = 0
    done: deque[datetime] = field(default_factory=deque)

    def wait(self, now: datetime) -> timedelta | None:
        """Say how long to wait for a free place; None: until something in flight is answered."""
        if (
            self.done and max(self.done[0], self.done[-1]) > now
        ):  # the clock was set back: nobody waits longer than a window for that
            self.done = deque(min(at, now) for at in self.done)
        while self.done and self.done[0] + self.limit.window <= now:
            self.done.popleft()
        surplus = len(self.done) + self.in_flight - self.limit.count
        if surplus < 0:
            return timedelta(0)
        if surplus >= len(self.done):
            return None
        return self.done[surplus] + self.limit.window - now


class Pace:
    """The limits of one platform: overall, and those that `per_chat` names for a chat (threads share their chat's).

    Where a platform has workspaces, `overall` holds in each of them.
    """

    def __init__(self, overall: Limit, per_chat: Callable[[Chat], tuple[Limit, ...]]) -> None:
        self._limit = overall
        self._per_chat = per_chat
        self._overall: dict[str, _Window] = {}
        self._chats: dict[tuple[str, str], tuple[_Window, ...]] = {}
        self._queues: dict[tuple[str, str], AbstractAsyncContextManager[object]] = {}

    def _windows(self, chat: Chat) -> tuple[_Window, ...]:
        key = (chat.workspace, chat.id)
        if key not in self._chats:
            self._chats[key] = tuple(_Window(limit) for limit in self._per_chat(chat))
        return (self._overall.setdefault(chat.workspace, _Window(self._limit)), *self._chats[key])

    def wait(self, chat: Chat, now: datetime) -> timedelta | None:
        """Say how long a message to `chat` must wait; None: until some message in flight is answered."""
        return _longest(self._windows(chat), now)

    def wait_in_chat(self, chat: Chat, now: datetime) -> timedelta | None:
        """Say the same as `wait` for the chat's own limits alone."""
        return _longest(self._windows(chat)[1:], now)

    def queue(
        self, chat: Chat, make: Callable[[], AbstractAsyncContextManager[object]]
    ) -> AbstractAsyncContextManager[object]:
        """Give what those who wait for `chat` stand in line by; made once by `make`. A chat without an id: for all."""
        key = (chat.workspace, chat.id)
        if key not in self._queues:
            self._queues[key] = make()
        return self._queues[key]

    def rest(self, chat: Chat, now: datetime) -> timedelta:
        """Say how long the chat's own windows (not the overall one) stay closed after what was sent so far."""
        waits = [window.wait(now) for window in self._windows(chat)[1:]]
        return max((wait for wait in waits if wait is not None), default=timedelta(0))

    def begin(self, chat: Chat) -> None:
        """Take a place for a message that is about to be sent."""
        for window in self._windows(chat):
            window.in_flight += 1

    def end(self, chat: Chat, now: datetime) -> None:
        """Note the answer, good or bad, to a message that took a place."""
        for window in self._windows(chat):
            window.in_flight -= 1
            window.done.append(now)

    def recall(self, chat: Chat, at: datetime) -> None:
        """Note a message sent by an earlier run of this program. To be called in order of time."""
        for window in self._windows(chat):
            window.done.append(at)

    def clock_was_set(self, by: timedelta) -> None:
        """Move with a clock that was set, so that every window stays as long as it is."""
        for window in (*self._overall.values(), *(one for windows in self._chats.values() for one in windows)):
            window.done = deque(at + by for at in window.done)

    def tidy(self, now: datetime) -> None:
        """Forget chats whose windows are empty, so that memory follows traffic and not history."""
        for key, windows in list(self._chats.items()):
            if all(window.wait(now) == timedelta(0) and not window.done and not window.in_flight for window in windows):
                del self._chats[key]
                self._queues.pop(key, None)


def _longest(windows: Sequence[_Window], now: datetime) -> timedelta | None:
    waits = [window.wait(now) for window in windows]
    known = [wait for wait in waits if wait is not None]
    return max(known, default=timedelta(0)) if len(known) == len(waits) else None

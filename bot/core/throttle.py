"""How often one chat may ask: so many commands in any minute, then one word about it, then silence.

Only commands that were taken count, so a chat that hammers is heard again as soon as its window frees a place.
Memory is bounded: a chat is remembered for one window after its last command, and only so many chats at once.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.model import Chat

COMMANDS_A_MINUTE = 20  # of one chat
WINDOW = timedelta(minutes=1)
CHATS = 10_000  # remembered at once: about 20 MB when all of them are at their limit


class Hearing(StrEnum):
    """What is done with a command: it is taken, refused with a word, or passed over."""

    TAKEN = "taken"
    REFUSED = "refused"
    IGNORED = "ignored"


@dataclass(slots=True)
class _Heard:
    taken: deque[datetime] = field(default_factory=deque)
    told_at: datetime | None = None


@dataclass(slots=True)
class Throttle:
    """Remembers who asked when. `chats` is the most that it remembers; beyond, the longest silent is let go."""

    limit: int = COMMANDS_A_MINUTE
    window: timedelta = WINDOW
    chats: int = CHATS
    _heard: OrderedDict[Chat, _Heard] = field(default_factory=OrderedDict)

    def hear(self, chat: Chat, now: datetime) -> Hearing:
        """Decide on one command. Threads of one chat count as one: whoever floods could open many."""
        chat = Chat(chat.platform, chat.workspace, chat.id)
        self._let_go(now)
        heard = self._heard.setdefault(chat, _Heard())
        self._heard.move_to_end(chat)
        while len(self._heard) > self.chats:
            self._heard.popitem(last=False)
        while heard.taken and not self._is_recent(heard.taken[0], now):
            heard.taken.popleft()
        if len(heard.taken) < self.limit:
            heard.taken.append(now)
            return Hearing.TAKEN
        if heard.told_at is not None and self._is_recent(heard.told_at, now):
            return Hearing.IGNORED
        heard.told_at = now
        return Hearing.REFUSED

    def wait(self, chat: Chat, now: datetime) -> timedelta:
        """Say how long it is until the chat is heard again."""
        heard = self._heard.get(Chat(chat.platform, chat.workspace, chat.id))
        if heard is None or len(heard.taken) < self.limit:
            return timedelta(0)
        return max(timedelta(0), heard.taken[0] + self.window - now)

    def __len__(self) -> int:
        return len(self._heard)

    def _is_recent(self, at: datetime, now: datetime) -> bool:
        """Say whether a moment lies in the window. One ahead of `now` does not: the clock was set back."""
        return timedelta(0) <= now - at < self.window

    def _let_go(self, now: datetime) -> None:
        """Forget whoever has been silent for a window, the longest silent first."""
        while self._heard:
            chat, heard = next(iter(self._heard.items()))
            if self._is_recent(heard.taken[-1], now):
                return
            del self._heard[chat]

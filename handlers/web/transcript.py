"""What is on the chat page, and who is looking: every open tab gets the same items.

The transcript remembers what was said since the start, so that tabs agree and a reload loses nothing. Alerts from
before are the store's to remember: the page asks the door for them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_REMEMBERED = 200
_STREAMS = 4  # a browser opens six connections to one host, and pages need some of them


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on the page. `id` is the same in every tab, after a reload, and when it is sent again."""

    id: str
    html: str


class Signal(StrEnum):
    """What a stream is told besides items."""

    CLEAR = "clear"  # the conversation was deleted
    REST = "rest"  # enough other tabs look: be quiet until this one is looked at again
    END = "end"  # the server stops


Stream = asyncio.Queue[Item | Signal]


class Transcript:
    """The conversation since the start, and the open streams that follow it."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=_REMEMBERED)
        self._said = 0
        self._streams: list[Stream] = []

    def new_id(self, now: datetime) -> str:
        """Name something that is being said: different from all that was, also before a restart."""
        self._said += 1
        return f"x{int(now.timestamp() * 1000)}-{self._said}"

    def add(self, item: Item) -> None:
        """Put an item at the end, for every tab. An alert that comes again keeps its place."""
        if any(item.id == known.id for known in self._items):
            return
        self._items.append(item)
        self._tell(item)

    def clear(self) -> None:
        """Forget what was said, and empty every open tab."""
        self._items.clear()
        self._tell(Signal.CLEAR)

    def close(self) -> None:
        """End every open stream."""
        self._tell(Signal.END)

    def after(self, past: Iterable[Item], last_id: str) -> tuple[Item, ...]:
        """Give what comes after the item `last_id`: all there is where that is unknown.

        `past` are alerts as the store remembers them; some are in the transcript too.
        """
        here = {item.id for item in self._items}
        items = (*(item for item in past if item.id not in here), *self._items)
        seen = next((place for place, item in enumerate(items, start=1) if item.id == last_id), 0)
        return items[seen:]

    @contextmanager
    def follow(self) -> Iterator[Stream]:
        """Open a stream of what is added from now on. Only the newest few stay open."""
        for stream in self._streams[: 1 - _STREAMS]:
            stream.put_nowait(Signal.REST)
        stream = Stream()
        self._streams.append(stream)
        try:
            yield stream
        finally:
            self._streams.remove(stream)

    def _tell(self, what: Item | Signal) -> None:
        for stream in self._streams:
            stream.put_nowait(what)

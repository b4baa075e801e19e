"""What a store remembers of sources that people add while the bot runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.added import Added, Refusal, Wanted
from bot.core.model import Voice
from bot.errors import SourceError


@dataclass(frozen=True, slots=True)
class Offer:
    """A feed that was found. `items` counts what it holds, where it was read already."""

    url: str
    title: str
    items: int | None = None


Discover = Callable[[str], Awaitable[tuple[Offer, ...] | SourceError]]


class Adding(Protocol):
    """Adding and dropping. A chat that is forgotten takes its sources along; one that moves keeps them."""

    async def add_source(self, wanted: Wanted, voice: Voice, now: datetime) -> Added | Refusal:
        """Add a source, unless a limit forbids it. A chat that was unknown becomes known, with this voice."""
        ...

    async def added_sources(self) -> tuple[Added, ...]:
        """All that was added, the oldest first."""
        ...

    async def drop_source(self, source_id: str) -> bool:
        """Drop a source, with its cursor; False where none has this id. It is not due any more from now on."""
        ...

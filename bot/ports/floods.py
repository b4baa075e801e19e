"""What the flood guard holds, as a store keeps it. A part of `bot.ports.Store`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.core.floods import Flood
from bot.core.model import Delivery, Verdict


class Floods(Protocol):
    """Held documents: a commit holds them, with the cursor; an operator's word or their time ends it."""

    async def floods(self) -> tuple[Flood, ...]:
        """What is held, one entry for each source, by its id."""
        ...

    async def held_of(self, source_id: str) -> tuple[Verdict, ...]:
        """The held documents of a source as they were decided, in order."""
        ...

    async def release_flood(self, source_id: str, at: datetime) -> int:
        """Let what is held of a source go from `at` on, unless it goes before. Return how much that is."""
        ...

    async def discard_flood(self, source_id: str) -> int:
        """Hold a source's items no more and send them to nobody; the decisions say so. Return how many."""
        ...

    async def end_flood(self, verdicts: Sequence[Verdict], deliveries: Sequence[Delivery]) -> None:
        """Hold these documents no more, write why, and write their deliveries: all or nothing.

        What is not held any more is left alone, and so are its deliveries.
        """
        ...

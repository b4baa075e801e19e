"""What is known of the habits of sources, looked up once an hour: they change slowly, and the archive is large."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.habit import REMEMBERED, Behavior, behavior_of
from bot.ports import Clock, Store

EVERY = timedelta(hours=1)


class Habits:
    """Gives habits by the ids of sources; of one of which too little is known, its newest item."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: Mapping[str, Behavior] = {}
        self._looked_at: datetime | None = None

    async def known(self) -> Mapping[str, Behavior]:
        """Say what is known. Errors: `StoreError`."""
        now = self._clock.now()
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at < EVERY:
            rhythms = await self._store.rhythms(now - REMEMBERED)
            found = {source_id: behavior_of(rhythm, now) for source_id, rhythm in rhythms.items()}
            self._known = {source_id: habit for source_id, habit in found.items() if habit is not None}
            self._looked_at = now
        return self._known

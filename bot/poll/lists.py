"""What is remembered of each source's last list between two polls: in memory alone, and never of an unsaved poll."""

from __future__ import annotations

from datetime import datetime

from bot.core.intake import SourceSpec
from bot.core.listed import Listed

ENTRIES_AT_MOST = 20_000  # kept of all sources together, at about 1.3 kB each


class LastLists:
    """What is remembered of each source's last list, in memory alone. What was taken comes back with a commit only."""

    def __init__(self, at_most: int = ENTRIES_AT_MOST) -> None:
        self._at_most = at_most
        self._lists: dict[str, Listed] = {}
        self._entries = 0

    def take(self, source: SourceSpec, now: datetime) -> Listed | None:
        """Give out what is remembered, and forget it: whatever happens until the commit, the next list is whole."""
        listed = self._lists.pop(source.id, None)
        if listed is None:
            return None
        self._entries -= len(listed.drafts)
        return listed if listed.holds(source, now) else None

    def keep(self, listed: Listed) -> None:
        """Remember a list that was committed. Where it gets too much, what was kept first is forgotten."""
        self.take(listed.source, listed.read_at)
        self._lists[listed.source.id] = listed
        self._entries += len(listed.drafts)
        while self._entries > self._at_most:
            self._entries -= len(self._lists.pop(next(iter(self._lists))).drafts)

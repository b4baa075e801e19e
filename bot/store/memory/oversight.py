"""For operators, as the memory store keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.alarms import Waiting
from bot.core.intake import Cursor
from bot.core.model import DeliveryState
from bot.oversight import COUNTED, Audited, Vitals
from bot.store.memory.people import People
from bot.store.memory.rows import Row


@dataclass(slots=True)
class Overseen:
    """What operators left: paused sources, and their commands in order."""

    paused: dict[str, datetime] = field(default_factory=dict)
    audited: list[Audited] = field(default_factory=list)

    def pause(self, source_id: str, now: datetime) -> bool:
        is_new = source_id not in self.paused
        self.paused.setdefault(source_id, now)
        return is_new


def sooner(cursor: Cursor, at: datetime) -> Cursor:
    """Plan the next poll for `at`, unless an earlier one is planned."""
    planned = cursor.next_poll_at
    return cursor if planned is None or planned <= at else replace(cursor, next_poll_at=at)


def vitals(rows: Collection[Row], people: People) -> Vitals:
    """Count."""
    waiting: dict[str, list[datetime]] = {}
    for row in rows:
        if row.state is DeliveryState.PENDING:
            waiting.setdefault(row.delivery.chat.platform, []).append(row.waiting_since)
    states = Counter(row.state for row in rows)
    filters = Counter(chat.platform for chat, home in people.homes.items() for _ in home.subscriptions)
    return Vitals(
        waiting={platform: Waiting(len(since), min(since)) for platform, since in waiting.items()},
        chats=_chats(people),
        filters=dict(filters),
        rows={state: states[state] for state in COUNTED},
        untold=sum(row.state is DeliveryState.EXPIRED and not row.delivery.receipt for row in rows),
    )


def _chats(people: People) -> Mapping[tuple[str, str], int]:
    return Counter((chat.platform, "gone" if home.gone else "active") for chat, home in people.homes.items())

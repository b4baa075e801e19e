"""For operators, as the memory store keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.alarms import Waiting
from bot.core.habit import Rhythm
from bot.core.intake import Cursor, Trouble
from bot.core.model import Chat, DeliveryState, Document
from bot.ports import Census
from bot.ports.oversight import COUNTED, Audited, Vitals
from bot.store import rules
from bot.store.memory.people import NEVER, People
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


def revived(cursor: Cursor) -> Cursor:
    """Ask a source again that said it is gone."""
    return replace(
        cursor, retired_at=None, trouble=Trouble.NONE, trouble_since=None, trouble_polls=0, next_poll_at=None
    )


def with_address(cursor: Cursor, known: Cursor) -> Cursor:
    """Keep an address that was followed since the poll of `cursor` began."""
    if cursor.address or not known.address:
        return cursor
    return replace(
        cursor, address=known.address, address_instead_of=known.address_instead_of, address_at=known.address_at
    )


def vitals(rows: Collection[Row], people: People, now: datetime) -> Vitals:
    """Count."""
    waiting = Counter(row.delivery.chat.platform for row in rows if row.state is DeliveryState.PENDING)
    oldest = _oldest(rows, people, now)
    states = Counter(row.state for row in rows)
    filters = Counter(chat.platform for chat, home in people.homes.items() for _ in home.subscriptions)
    return Vitals(
        waiting={platform: Waiting(number, oldest.get(platform)) for platform, number in waiting.items()},
        chats=_chats(people),
        filters=dict(filters),
        rows={state: states[state] for state in COUNTED},
        untold=sum(row.state is DeliveryState.EXPIRED and not row.delivery.receipt for row in rows),
    )


def rhythms(documents: Iterable[Document], since: datetime) -> Mapping[str, Rhythm]:
    """Say when each source had news."""
    by_source: dict[str, list[Document]] = {}
    for document in documents:
        by_source.setdefault(document.source_id, []).append(document)
    return {source_id: _rhythm(of, since) for source_id, of in by_source.items()}


def _rhythm(documents: Collection[Document], since: datetime) -> Rhythm:
    first, last = min(one.seen_at for one in documents), max(one.seen_at for one in documents)
    days = tuple(sorted({_made(one).date() for one in documents if _made(one) >= since}))
    dated_at = max((_made(one) for one in documents if one.claimed_at), default=None)
    return Rhythm(days, max(map(_made, documents)), last if last > first else None, dated_at)


def _made(document: Document) -> datetime:
    return min(document.claimed_at or document.seen_at, document.seen_at)


def census(rows: Collection[Row], people: People, documents: int) -> Census:
    """Count for everybody."""
    states = [row.state for row in rows]
    waiting = [row.waiting_since for row in rows if row.state is DeliveryState.PENDING]
    return Census(
        deliveries={state: states.count(state) for state in DeliveryState},
        oldest_pending_at=min(waiting, default=None),
        documents=documents,
        chats=sum(not home.gone for home in people.homes.values()),
        subscriptions=sum(len(home.subscriptions) for home in people.homes.values()),
    )


def _oldest(rows: Collection[Row], people: People, now: datetime) -> Mapping[str, datetime]:
    """Say for each platform since when the head of a lane waits that could go."""
    busy = {row.delivery.chat for row in rows if row.state is DeliveryState.SENDING}
    heads: dict[Chat, Row] = {}
    for row in sorted(rows, key=lambda row: row.age):
        if row.state is DeliveryState.PENDING and row.delivery.chat not in busy:
            heads.setdefault(row.delivery.chat, row)
    oldest: dict[str, datetime] = {}
    for chat, row in heads.items():
        home = people.homes[chat]
        if home.gone or (home.mute is not None and home.mute.holds(now)):
            continue
        rest = max(home.not_before, (home.mute and home.mute.until) or NEVER, row.delivery.due_at)
        if (since := rules.waits_since(row.delivery, row.waiting_since, rest, now)) is not None:
            oldest[chat.platform] = min(oldest.get(chat.platform, since), since)
    return oldest


def _chats(people: People) -> Mapping[tuple[str, str], int]:
    return Counter((chat.platform, "gone" if home.gone else "active") for chat, home in people.homes.items())

"""What its age takes away, as the memory store does it."""

from __future__ import annotations

from datetime import datetime

from bot.core.model import DeliveryState
from bot.core.retention import Cutoffs, Pruned
from bot.store.memory.archive import Archive
from bot.store.memory.outbox import Outbox
from bot.store.memory.oversight import Overseen
from bot.store.memory.rows import UNSETTLED, Row

_DEAD = frozenset({DeliveryState.DEAD, DeliveryState.MAYBE})


def prune(archive: Archive, outbox: Outbox, overseen: Overseen, cutoffs: Cutoffs, limit: int) -> Pruned:
    """Take away at most `limit` of each kind."""
    audited = [one for one in overseen.audited if one.at < cutoffs.audit][:limit]
    for one in audited:
        overseen.audited.remove(one)
    return Pruned(
        items=archive.empty(cutoffs.items, limit, of_everything=True),
        texts=archive.empty(cutoffs.texts, limit, of_everything=False),
        deliveries=_delete(outbox, cutoffs, limit),
        chats=_forget(outbox, cutoffs.chats, limit),
        audit=len(audited),
    )


def _delete(outbox: Outbox, cutoffs: Cutoffs, limit: int) -> int:
    settled = [row for row in outbox.rows.values() if row.state not in UNSETTLED]
    old = [row for row in settled if _end(row) < (cutoffs.dead_letters if row.state in _DEAD else cutoffs.deliveries)]
    for row in old[:limit]:
        del outbox.rows[row.delivery.id]
    return len(old[:limit])


def _end(row: Row) -> datetime:
    return max(row.settled_at, row.delivery.due_at)


def _forget(outbox: Outbox, before: datetime, limit: int) -> int:
    gone = [chat for chat, home in outbox.people.homes.items() if home.gone and home.gone_since < before][:limit]
    for chat in gone:
        outbox.forget(chat)
    return len(gone)

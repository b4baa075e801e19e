"""Everything that is kept about one chat, by the names of docs/data.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from bot.core.model import Chat, Delivery, Mute
from bot.store.memory.people import NEVER, Home

Row = Mapping[str, object]


def kept(
    names: Iterable[Chat], home: Home, deliveries: Iterable[Delivery], added: Iterable[Row]
) -> Mapping[str, Sequence[Row]]:
    """Lay out a chat with its former names, what it follows and added, and what was written for it."""
    found: dict[str, list[Row]] = {
        "chats": [_chat(name, home) for name in names],
        "queries": [{"id": one.query_id, "text": one.query} for one in home.subscriptions],
        "subscriptions": [
            {"id": one.id, "query_id": one.query_id, "label": one.label, **_silence(one.mute)}
            for one in home.subscriptions
        ],
        "deliveries": [_delivery(row) for row in deliveries],
        "added_sources": [_stamped(row) for row in added],
    }
    return {table: rows for table, rows in found.items() if rows}


def _chat(name: Chat, home: Home) -> Row:
    return {
        "platform": name.platform,
        "workspace": name.workspace,
        "chat": name.id,
        "thread": name.thread,
        "language": home.voice.language,
        "zone": home.voice.zone,
        "created_at": _stamp(home.since),
        "not_before": None if home.not_before == NEVER else _stamp(home.not_before),
        **_silence(home.mute),
    }


def _stamped(row: Row) -> Row:
    return {name: _stamp(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _silence(mute: Mute | None) -> Row:
    since, until = (mute.since, mute.until) if mute else (None, None)
    return {"muted_since": since and _stamp(since), "muted_until": until and _stamp(until)}


def _delivery(row: Delivery) -> Row:
    why = [
        {"query_id": one.query_id, "label": one.label, "hits": [[hit.field, hit.start, hit.end] for hit in one.hits]}
        for one in row.alert.why
    ]
    return {
        "id": row.id,
        "story": row.alert.story.number,
        "document_id": row.alert.story.lead.id,
        "reason": row.alert.reason.value,
        "delay": row.alert.delay.value,
        "why": why,
        "state": row.state.value,
        "due_at": _stamp(row.due_at),
        "attempt": row.attempt,
        "unsure": int(row.unsure),
        "plain": int(row.plain),
        "receipt": row.receipt,
        "last_error": row.last_error,
    }


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

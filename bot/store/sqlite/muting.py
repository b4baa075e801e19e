"""Silences: who wants none of what matches, until when, and what was held back."""

from __future__ import annotations

from datetime import datetime

from bot.core.model import Chat, Mute
from bot.ports import Missed
from bot.store.rules import MUTED, muted
from bot.store.sqlite import chats
from bot.store.sqlite.holding import hold_back
from bot.store.sqlite.rows import (
    Connection,
    deliveries_of,
    mute_of,
    plain,
    stamp,
    stamp_or_null,
)


def mute(connection: Connection, chat: Chat, query: str | None, until: datetime | None, now: datetime) -> bool:
    """Begin or change a silence, and cancel what waits and is held back by it."""
    chat_id = chats.find(connection, chat)
    if chat_id is None or not _write(connection, chat_id, query, muted(_mute(connection, chat_id, query), until, now)):
        return False
    hold_back(connection, chat_id, now)
    return True


def unmute(connection: Connection, chat: Chat, query: str | None, now: datetime) -> Mute | None:
    """End a silence; return it where it still held."""
    chat_id = chats.find(connection, chat)
    old = None if chat_id is None else _mute(connection, chat_id, query)
    if chat_id is None or old is None:
        return None
    _write(connection, chat_id, query, None)
    return old if old.holds(now) else None


def missed(connection: Connection, chat: Chat, since: datetime, limit: int) -> Missed:
    """Read what was held back from a chat since then."""
    held_back = (chats.find(connection, chat), MUTED, stamp(since))
    (total,) = connection.execute(
        """SELECT count(*) FROM deliveries
        WHERE chat_id = ? AND state = 'cancelled' AND last_error = ? AND settled_at >= ?""",
        held_back,
    ).fetchone()
    rows = connection.execute(
        """SELECT * FROM deliveries_with_chat
        WHERE chat_id = ? AND state = 'cancelled' AND last_error = ? AND settled_at >= ?
        ORDER BY settled_at DESC, seq DESC LIMIT ?""",
        (*held_back, limit),
    ).fetchall()
    return Missed(total, deliveries_of(connection, rows))


def _mute(connection: Connection, chat_id: int, query: str | None) -> Mute | None:
    row = (
        connection.execute("SELECT muted_since, muted_until FROM chats WHERE id = ?", (chat_id,))
        if query is None
        else connection.execute(
            """SELECT muted_since, muted_until FROM subscriptions
            WHERE chat_id = ? AND query_id = (SELECT id FROM queries WHERE text = ?)""",
            (chat_id, plain(query)),
        )
    ).fetchone()
    return mute_of(row) if row else None


def _write(connection: Connection, chat_id: int, query: str | None, mute: Mute | None) -> bool:
    since, until = (None, None) if mute is None else (stamp(mute.since), stamp_or_null(mute.until))
    if query is None:
        written = connection.execute(
            "UPDATE chats SET muted_since = ?, muted_until = ? WHERE id = ?", (since, until, chat_id)
        )
    else:
        written = connection.execute(
            """UPDATE subscriptions SET muted_since = ?, muted_until = ?
            WHERE chat_id = ? AND query_id = (SELECT id FROM queries WHERE text = ?)""",
            (since, until, chat_id, plain(query)),
        )
    return written.rowcount == 1

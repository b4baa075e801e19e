"""Sources that people added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.core.added import OF_A_CHAT, OF_EVERYBODY, Added, Refusal, Wanted, is_added, why_not
from bot.core.model import Changes, Chat, Voice
from bot.store.rules import still_there
from bot.store.sqlite import chats
from bot.store.sqlite.rows import Connection, Row, chat_of, plain, stamp


def add_source(connection: Connection, wanted: Wanted, voice: Voice, now: datetime) -> Added | Refusal:
    """Add a source, unless a limit forbids it. A chat that was unknown becomes known."""
    if wanted.chat is not None:
        wanted = replace(wanted, chat=_present_name(connection, wanted.chat))
    if refusal := why_not(added_sources(connection), wanted):
        return refusal
    chat_id = chats.find_or_add(connection, wanted.chat, voice, now) if wanted.chat else None
    row = connection.execute(
        "INSERT INTO added_sources (kind, url, name, chat_id, added_at) VALUES (?, ?, ?, ?, ?)",
        (wanted.kind, plain(wanted.url), plain(wanted.name), chat_id, stamp(now)),
    )
    assert row.lastrowid is not None
    return Added(row.lastrowid, wanted.kind, wanted.url, wanted.name, wanted.chat)


def added_sources(connection: Connection) -> tuple[Added, ...]:
    """Read all that was added, the oldest first."""
    rows = connection.execute(
        """SELECT number, kind, url, name, chat_id, platform, workspace, chat, thread
        FROM added_sources LEFT JOIN chats ON chats.id = chat_id ORDER BY number"""
    )
    return tuple(_added(row) for row in rows)


def drop_source(connection: Connection, source_id: str) -> bool:
    """Drop a source; False where there is none. Its documents stay until they are old."""
    dropped = next((one for one in added_sources(connection) if one.id == source_id), None)
    if dropped is not None:
        _drop(connection, dropped.number)
    return dropped is not None


def without_dropped(connection: Connection, changes: Sequence[Changes]) -> Sequence[Changes]:
    """Leave out polls of added sources that were dropped meanwhile."""
    if not any(is_added(one.cursor.source_id) for one in changes):
        return changes
    return still_there(added_sources(connection), changes)


def drop_those_of(connection: Connection, chat_id: int | None) -> None:
    """Drop all that a chat added."""
    numbers = connection.execute("SELECT number FROM added_sources WHERE chat_id = ?", (chat_id,)).fetchall()
    for (number,) in numbers:
        _drop(connection, number)


def _drop(connection: Connection, number: int) -> None:
    """Delete a source, and what its row and its cursor say of it: an address may hold somebody's key."""
    ids = (f"{OF_A_CHAT}{number}", f"{OF_EVERYBODY}{number}")
    connection.execute("DELETE FROM added_sources WHERE number = ?", (number,))
    connection.execute("DELETE FROM cursors WHERE source_id IN (?, ?)", ids)
    connection.execute("UPDATE sources SET dormant = 1, url = '', name = '' WHERE id IN (?, ?)", ids)


def _present_name(connection: Connection, chat: Chat) -> Chat:
    row = connection.execute("SELECT * FROM chats WHERE id = ?", (chats.find(connection, chat),)).fetchone()
    return chat if row is None else chat_of(row)


def _added(row: Row) -> Added:
    chat = None if row["chat_id"] is None else chat_of(row)
    return Added(row["number"], row["kind"], row["url"], row["name"], chat)

"""Everything that is kept about one chat, read from the schema itself, so that no new table is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from bot.core.model import Chat
from bot.store.sqlite import chats

_OF_A_CHAT = "chat_id"


def kept(db: Database, chat: Chat) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Read the chat under all its names, and every row of every table that points at it."""
    chat_id = chats.find(db.conn, chat)
    if chat_id is None:
        return {}
    found: dict[str, list[Mapping[str, object]]] = {
        "chats": _rows(db, "chats", "id = ? OR moved_to = ?", chat_id, chat_id),
        "queries": _rows(db, "queries", "id IN (SELECT query_id FROM subscriptions WHERE chat_id = ?)", chat_id),
    }
    for table in sorted(db.table_names()):
        if _OF_A_CHAT in {column.name for column in db[table].columns}:
            found[table] = _rows(db, table, "chat_id = ?", chat_id)
    return {table: rows for table, rows in found.items() if rows}


def _rows(db: Database, table: str, where: str, *values: int) -> list[Mapping[str, object]]:
    rows = db.table(table).rows_where(where, values)
    return [row | ({"why": json.loads(row["why"])} if "why" in row else {}) for row in rows]

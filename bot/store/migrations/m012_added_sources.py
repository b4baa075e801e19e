"""Step 12: sources that people add while the bot runs."""

from __future__ import annotations

from sqlite_utils import Database


def added_sources(db: Database) -> None:
    """Remember what was added, and by which chat; without a chat an operator added it for everybody."""
    db.execute("""
        CREATE TABLE added_sources (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            url TEXT NOT NULL,
            name TEXT NOT NULL,
            chat_id INTEGER REFERENCES chats (id),
            added_at TEXT NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX added_sources_of_chat ON added_sources (chat_id)")

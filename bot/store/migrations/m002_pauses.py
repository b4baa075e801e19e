"""Step 2: chats that want silence for a while, altogether or from one subscription."""

from __future__ import annotations

from sqlite_utils import Database


def pauses(db: Database) -> None:
    """Give chats and subscriptions a silence: since when, and until when; without an end, somebody's word ends it."""
    db.execute("ALTER TABLE chats ADD COLUMN muted_since TEXT")
    db.execute("ALTER TABLE chats ADD COLUMN muted_until TEXT CHECK (muted_until IS NULL OR muted_since IS NOT NULL)")
    db.execute("ALTER TABLE subscriptions ADD COLUMN muted_since TEXT")
    db.execute(
        "ALTER TABLE subscriptions ADD COLUMN muted_until TEXT CHECK (muted_until IS NULL OR muted_since IS NOT NULL)"
    )

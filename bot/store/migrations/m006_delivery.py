"""Step 6: what a platform refused, and which platforms an operator has paused."""

from __future__ import annotations

from sqlite_utils import Database


def delivery(db: Database) -> None:
    """Remember the hash of a refused message beside its row, and pauses of deliveries across restarts."""
    db.execute("ALTER TABLE deliveries ADD COLUMN refused TEXT NOT NULL DEFAULT ''")
    db.execute("""
        CREATE TABLE holds (
            platform TEXT PRIMARY KEY,
            since TEXT NOT NULL
        ) STRICT""")

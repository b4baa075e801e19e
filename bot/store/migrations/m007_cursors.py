"""Step 7: what is remembered of a source's troubles, moves and habits."""

from __future__ import annotations

from sqlite_utils import Database


def cursors(db: Database) -> None:
    """Remember troubles, permanent redirects, the last full answer, and how much is usually unseen."""
    for column in (
        "full_at TEXT",
        "trouble TEXT NOT NULL DEFAULT ''",
        "trouble_since TEXT",
        "trouble_polls INTEGER NOT NULL DEFAULT 0",
        "moved_to TEXT NOT NULL DEFAULT ''",
        "moved_since TEXT",
        "moved_polls INTEGER NOT NULL DEFAULT 0",
        "retired_at TEXT",
        "unseen_recent TEXT NOT NULL DEFAULT '[]'",
    ):
        db.execute(f"ALTER TABLE cursors ADD COLUMN {column}")

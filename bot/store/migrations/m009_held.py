"""Step 9: what the flood guard holds, and why an alert comes late."""

from __future__ import annotations

from sqlite_utils import Database


def held(db: Database) -> None:
    """Keep held documents until they are let go or discarded, and beside a delivery what made it late."""
    db.execute("""
        CREATE TABLE held (
            document_id TEXT PRIMARY KEY REFERENCES documents (id),
            source_id TEXT NOT NULL REFERENCES sources (id),
            held_at TEXT NOT NULL,
            release_at TEXT NOT NULL,
            may_repeat INTEGER NOT NULL DEFAULT 0 CHECK (may_repeat IN (0, 1))
        ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX held_by_source ON held (source_id, held_at)")
    db.execute("""
        ALTER TABLE deliveries ADD COLUMN delay TEXT NOT NULL DEFAULT ''
        CHECK (delay IN ('', 'posted late', 'posted late with others', 'held', 'missed'))""")

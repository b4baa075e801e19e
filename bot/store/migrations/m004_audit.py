"""Step 4: what operators did, and which sources they paused."""

from __future__ import annotations

from sqlite_utils import Database


def audit(db: Database) -> None:
    """Remember operator commands without saying who gave them in the clear, and pauses of sources across restarts."""
    db.execute("""
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            verb TEXT NOT NULL,
            args TEXT NOT NULL,
            outcome TEXT NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX audit_by_time ON audit (at)")
    db.execute("ALTER TABLE sources ADD COLUMN paused_at TEXT")

"""Step 8: what is remembered of pages that are watched for change."""

from __future__ import annotations

from sqlite_utils import Database


def pages(db: Database) -> None:
    """Remember a page's sections, what was told of them, and a version that was not believed."""
    db.execute("""
        CREATE TABLE pages (
            source_id TEXT PRIMARY KEY REFERENCES sources (id),
            asked TEXT NOT NULL,
            sections TEXT NOT NULL,
            updated TEXT NOT NULL,
            changes INTEGER NOT NULL,
            told TEXT NOT NULL,
            doubt_version TEXT NOT NULL,
            doubt_since TEXT,
            doubt_polls INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX sources_dormant ON sources (dormant) WHERE dormant = 1")

"""Step 5: what stays when rows grow old, who was forgotten, and what a restored backup does not know."""

from __future__ import annotations

from sqlite_utils import Database


def retention(db: Database) -> None:
    """Count deliveries that are deleted, mark documents that are emptied, remember what a restore must heed."""
    db.execute("""
        CREATE TABLE delivery_counts (
            day TEXT NOT NULL,
            platform TEXT NOT NULL,
            state TEXT NOT NULL,
            deliveries INTEGER NOT NULL,
            PRIMARY KEY (day, platform, state)
        ) STRICT, WITHOUT ROWID""")
    db.execute("ALTER TABLE documents ADD COLUMN told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1))")
    db.execute("ALTER TABLE documents ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0 CHECK (pruned IN (0, 1, 2))")
    db.execute("UPDATE documents SET told = 1 WHERE id IN (SELECT document_id FROM deliveries)")
    db.execute("CREATE INDEX documents_by_age ON documents (told, pruned, seen_at)")
    db.execute("CREATE INDEX chats_gone ON chats (gone_at) WHERE gone_at IS NOT NULL")
    db.execute("""
        CREATE TABLE forgotten (
            hash TEXT PRIMARY KEY,
            forgotten_at TEXT
        ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX forgotten_by_time ON forgotten (forgotten_at)")
    db.execute("""
        CREATE TABLE restored_sources (
            source_id TEXT PRIMARY KEY REFERENCES sources (id),
            restored_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""")

"""Step 11: where a source that has moved is read."""

from __future__ import annotations

from sqlite_utils import Database


def addresses(db: Database) -> None:
    """Remember the address that was followed, instead of which configured one, and since when."""
    for column in (
        "address TEXT NOT NULL DEFAULT ''",
        "address_instead_of TEXT NOT NULL DEFAULT ''",
        "address_at TEXT",
    ):
        db.execute(f"ALTER TABLE cursors ADD COLUMN {column}")

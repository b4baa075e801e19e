"""Which steps a schema has taken, read from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from bot.errors import StoreError
from bot.store.migrations import migrations
from bot.store.sqlite.failures import sentence


def schema_steps(path: Path) -> tuple[tuple[str, str], ...]:
    """Name each step with when it was taken, an empty text where it was not; of no database, none was."""
    if not path.exists():
        return _steps(":memory:")
    how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    try:
        return _steps(f"{path.absolute().as_uri()}?{how}")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {sentence(error)}") from error


def _steps(uri: str) -> tuple[tuple[str, str], ...]:
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        db = Database(connection, execute_plugins=False)
        taken = tuple((step.name, step.applied_at) for step in migrations.applied(db))
        return (*taken, *((step.name, "") for step in migrations.pending(db)))

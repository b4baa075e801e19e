"""What is remembered, behind one door: `open_store` chooses by the scheme of a URL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.retention import FORGOTTEN
from bot.errors import StoreError
from bot.ports import Store
from bot.store.memory import MemoryStore
from bot.store.sqlite.restoring import Restored, restore
from bot.store.sqlite.steps import schema_steps
from bot.store.sqlite.store import SqliteStore

__all__ = ["Restored", "open_store", "restore_database", "schema_steps"]


def open_store(url: str, make_room: Callable[[], bool] = lambda: False) -> Store:
    """Open a store: `sqlite:///relative/path`, `sqlite:////absolute/path`, or `memory:`, which keeps nothing.

    Where a disk is full, `make_room` is asked for some before a change is given up.
    Raises `StoreError` with what to do next. Opening checks the database first, so it takes about 3 s a gigabyte.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        return SqliteStore(Path(rest.removeprefix("///")), make_room)
    if url == "memory:":
        return MemoryStore()
    raise StoreError(f"{url!r} names no database. Write sqlite:///PATH, or memory: to keep nothing.")


def restore_database(file: Path, database: Path, now: datetime, known_for: timedelta = FORGOTTEN) -> Restored:
    """Put a backup in place of a database that nobody uses: the caller holds its lock. `StoreError` says why not.

    `known_for` is for how long it is known who was forgotten.
    """
    return restore(file, database, now, known_for)

"""What is remembered, behind one door: `open_store` chooses by the scheme of a URL."""

from __future__ import annotations

from pathlib import Path

from bot.errors import StoreError
from bot.ports import Store
from bot.store.memory import MemoryStore
from bot.store.sqlite.store import SqliteStore


def open_store(url: str) -> Store:
    """Open a store: `sqlite:///relative/path`, `sqlite:////absolute/path`, or `memory:`, which keeps nothing.

    Raises `StoreError` with what to do next. Opening checks the database first, so it takes about 3 s a gigabyte.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        return SqliteStore(Path(rest.removeprefix("///")))
    if url == "memory:":
        return MemoryStore()
    raise StoreError(f"{url!r} names no database. Write sqlite:///PATH, or memory: to keep nothing.")

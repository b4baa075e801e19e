"""The same contract without a disk: for tests, trials, and as a second opinion on the SQLite store."""

from __future__ import annotations

from bot.store.memory.store import MemoryStore

__all__ = ["MemoryStore"]

"""A touch reaches the disk: it would tell of a disk that takes no write."""

from __future__ import annotations

from pathlib import Path

from bot.store import open_store


async def test_a_touch_writes_a_page(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'policybell.db'}")
    log = tmp_path / "policybell.db-wal"
    before = log.stat().st_size
    await store.touch()
    await store.touch()
    assert log.stat().st_size > before
    await store.close()

"""Backups of a live database: whole, checked, private, and nobody who writes waits for one."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from isal import igzip

from bot.core.model import Chat
from bot.errors import StoreError
from bot.store import open_store
from bot.store.sqlite.store import SqliteStore
from tests.builders import a_chat, a_document, a_source, a_story, at, some_changes
from tests.fakes.mounts import small_disk
from tests.storing import follow, publish

SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
MEGABYTES, SECONDS = (300, 20) if SOAK else (20, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "policybell.db"


def unpacked(backup: Path) -> Path:
    with igzip.open(backup, "rb") as packed:
        target = backup.with_suffix(".unpacked")
        target.write_bytes(packed.read())
    return target


async def test_a_backup_is_one_sound_private_file_with_everything_in_it(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    await follow(store, a_chat(1))
    await publish(store, a_story(1))
    target = tmp_path / "backups" / "one.db.gz"
    await store.backup(target)
    await publish(store, a_story(2))
    assert [file.name for file in target.parent.iterdir()] == ["one.db.gz"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700
    copy = unpacked(target)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (1,)
    await store.close()


async def test_a_file_that_is_there_is_never_written_over(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    target = tmp_path / "mine.db.gz"
    target.write_text("mine")
    with pytest.raises(StoreError, match=r"exists already. Name another file"):
        await store.backup(target)
    assert target.read_text() == "mine"
    with pytest.raises(StoreError, match="could not be written"):
        await store.backup(tmp_path / "mine.db.gz" / "below.gz")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data", "mine.db.gz"]
    await store.close()


async def test_a_store_without_a_disk_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="keeps nothing on disk"):
        await open_store("memory:").backup(tmp_path / "x.gz")


async def test_a_copy_whose_pages_are_damaged_is_no_backup_either(path: Path, tmp_path: Path) -> None:
    store = await a_large_one(path, 1)
    await store.writer.aside(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    size = path.stat().st_size
    with path.open("r+b") as file:
        for page in range(2, size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(4096))
    await store.writer.aside(lambda db: db.execute("PRAGMA shrink_memory").fetchone())  # nothing of it is remembered
    with pytest.raises(StoreError, match=r"not sound|could not be made"):
        await store.backup(tmp_path / "x.gz")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data"]
    await store.close()


async def test_a_damaged_database_makes_no_backup(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    await follow(store, a_chat(1))

    await store.writer.aside(lambda db: db.execute("PRAGMA foreign_keys = 0"))
    await store.writer.run(lambda connection: connection.execute("DELETE FROM queries"))
    with pytest.raises(StoreError, match=r"not sound.*keep the older backups"):
        await store.backup(tmp_path / "x.gz")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data"]
    await store.close()


async def test_what_is_written_meanwhile_is_acknowledged_meanwhile_and_is_in_the_copy(
    path: Path, tmp_path: Path
) -> None:
    store = await a_large_one(path, 40)
    copying = asyncio.create_task(store.backup(tmp_path / "x.gz"))
    rough = tmp_path / ".x.gz.copy"
    while not rough.exists() or rough.stat().st_size < 100_000:
        await asyncio.sleep(0)
    await follow(store, a_chat(7))
    forgotten = Chat("telegram", "", "-1009998887776")
    await follow(store, forgotten)
    await store.forget(forgotten)
    assert rough.stat().st_size < path.stat().st_size, "the copy was over before anything else was written"
    await copying
    copy = unpacked(tmp_path / "x.gz")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT chat FROM chats").fetchall() == [(a_chat(7).id,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert forgotten.id.encode() not in copy.read_bytes()
    await store.close()


async def test_closing_does_not_wait_for_a_copy(path: Path, tmp_path: Path) -> None:
    store = await a_large_one(path, 20)
    copying = asyncio.create_task(store.backup(tmp_path / "x.gz"))
    while not (tmp_path / ".x.gz.copy").exists():
        await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StoreError, match="being closed"):
        await copying
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data"]


async def test_a_backup_that_is_cancelled_leaves_nothing_and_holds_nobody_up(path: Path, tmp_path: Path) -> None:
    store = await a_large_one(path, 40)
    copying = asyncio.create_task(store.backup(tmp_path / "x.gz"))
    while not (tmp_path / ".x.gz.part").exists():  # it is being packed
        await asyncio.sleep(0)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    await asyncio.get_running_loop().shutdown_default_executor()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data"]
    await store.close()


async def test_what_would_fill_the_disk_is_not_begun(path: Path, tmp_path: Path) -> None:
    store = await a_large_one(path, 10)
    with small_disk(tmp_path / "disk", 4096) as disk:
        with pytest.raises(StoreError, match=r"too little room for a backup.*MB are needed, 4 MB are free"):
            await store.backup(disk / "x.gz")
        assert list(disk.iterdir()) == []
    await store.close()


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_writers_hardly_wait_for_a_backup(path: Path, tmp_path: Path) -> None:
    """A hundred writes a second; the figure of a plain `make test` proves only that nobody waits for the whole."""
    store = await a_large_one(path, MEGABYTES)
    waits: list[float] = []
    stop = False

    async def write(number: int) -> None:
        began = time.perf_counter()
        await follow(store, a_chat(number % 50), f"topic:{number % 200}")
        waits.append(time.perf_counter() - began)

    async def keep_writing() -> None:
        writes = set()
        while not stop:
            writes.add(asyncio.create_task(write(len(writes))))
            await asyncio.sleep(0.01)
        await asyncio.gather(*writes)

    writing = asyncio.create_task(keep_writing())
    rounds, began = 0, time.perf_counter()
    while rounds == 0 or time.perf_counter() - began < SECONDS:
        await store.backup(tmp_path / f"{rounds}.gz")
        rounds += 1
    took = (time.perf_counter() - began) / rounds
    stop = True
    await writing
    waits.sort()
    p99 = waits[int(len(waits) * 0.99)]
    size = sum(file.stat().st_size for file in path.parent.glob("policybell.db*"))
    print(
        f"\nbackup of {size / 1e6:.0f} MB: {took:.1f} s; {len(waits)} writes meanwhile waited "
        f"{waits[len(waits) // 2] * 1000:.1f} ms at the median, {p99 * 1000:.1f} ms at p99, "
        f"{waits[-1] * 1000:.0f} ms at most"
    )
    if SOAK:
        assert p99 <= 0.25
    await store.close()


async def a_large_one(path: Path, megabytes: int) -> SqliteStore:
    """Fill a database with so much text."""
    store = SqliteStore(path)
    await store.register((a_source(1),))
    for start in range(0, megabytes * 10, 100):
        stories = [
            a_story(number, a_document(number, text=f"{number} " * 16_000, seen_at=at(seconds=number)))
            for number in range(start + 1, min(start + 100, megabytes * 10) + 1)
        ]
        await store.commit((some_changes(*stories),))
    return store

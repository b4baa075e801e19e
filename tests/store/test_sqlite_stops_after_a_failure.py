from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest

from bot.errors import DiskFull, StoreError
from bot.store.sqlite.store import SqliteStore
from bot.store.sqlite.writer import TIDY_AFTER
from tests.builders import a_chat, a_document, a_story, some_changes
from tests.storing import follow, in_memory_directory

LONG = "long " * 20_000


async def fill_the_disk(store: SqliteStore, _: Path) -> None:
    """Let the database grow no further: SQLite then answers as for a full disk."""
    await store.writer.aside(lambda db: db.execute("PRAGMA max_page_count = 1").fetchone())


def unplug(end: str) -> Callable[[SqliteStore, Path], object]:
    """Make writes to the log fail in earnest: its open file becomes `end`."""

    async def work(_: SqliteStore, path: Path) -> None:
        log = f"{path}-wal"
        (opened,) = [int(fd.name) for fd in open_files() if str(fd.readlink()) == log]
        other = os.open(end, os.O_RDWR)
        os.dup2(other, opened)
        os.close(other)

    return work


@contextmanager
def log_goes_to(end: str, path: Path) -> Iterator[None]:
    """Let every write to the log meet `end` for a while."""
    (opened,) = [int(fd.name) for fd in open_files() if str(fd.readlink()) == f"{path}-wal"]
    kept, other = os.dup(opened), os.open(end, os.O_RDWR)
    os.dup2(other, opened)
    try:
        yield
    finally:
        os.dup2(kept, opened)
        for fd in (kept, other):
            os.close(fd)


def open_files() -> list[Path]:
    return [fd for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]


FAILURES = [
    pytest.param(unplug("/dev/ptmx"), "could not be read or written", id="input-output error"),
]


@pytest.mark.parametrize("where", ["file", "log"])
async def test_a_full_disk_undoes_what_it_hit_and_the_same_connection_goes_on_once_there_is_room(where: str) -> None:
    with in_memory_directory() as directory:
        path = directory / "policybell.db"
        store = SqliteStore(path)
        await follow(store, a_chat(1))
        change = some_changes(a_story(1, a_document(1, text=LONG)))
        if where == "file":
            await fill_the_disk(store, path)
        with log_goes_to("/dev/full", path) if where == "log" else nullcontext():
            for _ in range(3):
                with pytest.raises(DiskFull, match=r"The disk is full.*goes on by itself"):
                    await store.commit((change,))
            assert (await store.census()).documents == 0  # looking needs no room
        if where == "file":
            await store.writer.aside(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone())
        await store.commit((change,))
        assert not await store.writer.aside(lambda db: db.conn.in_transaction)
        await store.close()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT count(*) FROM documents").fetchone() == (1,)


async def test_a_checkpoint_that_fails_ends_the_work_too() -> None:
    """SQLite would drop the error of a checkpoint of its own, and the next one would seem to succeed."""
    with in_memory_directory() as directory:
        path = directory / "policybell.db"
        store = SqliteStore(path)
        await follow(store, a_chat(1))
        (opened,) = [int(fd.name) for fd in open_files() if str(fd.readlink()) == str(path)]
        kept, other = os.dup(opened), os.open("/dev/ptmx", os.O_RDWR)
        os.dup2(other, opened)
        for number in range(2, 2 + TIDY_AFTER):
            with suppress(StoreError):
                await follow(store, a_chat(number))
        with pytest.raises(StoreError, match="could not be read or written"):
            await store.census()
        os.dup2(kept, opened)
        with pytest.raises(StoreError, match="could not be read or written"):
            await store.census()
        await store.close()
        for fd in (kept, other):
            os.close(fd)
        store = SqliteStore(path)
        assert (await store.census()).chats >= TIDY_AFTER - 1
        await store.close()


@pytest.mark.parametrize(("fail", "says"), FAILURES)
async def test_a_failing_disk_is_told_in_a_sentence_and_the_connection_is_left_alone(fail: object, says: str) -> None:
    assert callable(fail)
    with in_memory_directory() as directory:
        path = directory / "policybell.db"
        store = SqliteStore(path)
        await follow(store, a_chat(1))
        told: list[str] = []
        await store.writer.aside(lambda db: db.conn.set_trace_callback(told.append))
        await fail(store, path)
        document = a_document(1, text=LONG)
        with pytest.raises(StoreError) as failure:
            await store.commit((some_changes(a_story(1, document)),))
        assert says in str(failure.value)
        assert "start again" in str(failure.value)
        assert "INSERT" not in str(failure.value)

        told.clear()
        for again in (store.census(), follow(store, a_chat(2)), store.forget(a_chat(1))):
            with pytest.raises(StoreError, match=says):
                await again
        assert told == []
        await store.close()

        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store = SqliteStore(path)
        census = await store.census()
        assert (census.chats, census.documents) == (1, 0)
        await store.commit((some_changes(a_story(1, document)),))
        await store.close()


async def test_everybody_who_waited_for_a_commit_that_failed_is_told() -> None:
    with in_memory_directory() as directory:
        store = SqliteStore(directory / "policybell.db")
        await fill_the_disk(store, directory)
        stories = [some_changes(a_story(number, a_document(number, text=LONG))) for number in range(1, 9)]
        answers = await asyncio.gather(*(store.commit((one,)) for one in stories), return_exceptions=True)
        assert [type(answer) for answer in answers] == [DiskFull] * 8
        await store.close()


async def test_a_database_held_by_another_program_is_told_in_a_sentence() -> None:
    with in_memory_directory() as directory:
        path = directory / "policybell.db"
        store = SqliteStore(path)
        await store.writer.aside(lambda db: db.execute("PRAGMA busy_timeout = 1").fetchone())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="Another program holds the database"):
                await follow(store, a_chat(1))
        await store.close()

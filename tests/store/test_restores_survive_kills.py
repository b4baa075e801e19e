"""Whenever a restore is cut short, there is a whole database under its name: the old one, or the backup's."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.sqlite.opening import open_database
from bot.store.sqlite.restoring import restore
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_story
from tests.storing import follow, in_memory_directory, publish

ROOT = Path(__file__).parents[2]
KILLS = 300 if os.environ.get("POLICYBELL_SOAK") else 12
OLD, NEW = ["1001", "1002"], ["1001"]

pytestmark = pytest.mark.soak


async def two_versions(folder: Path) -> None:
    """Leave a database whose last words are in its log still, and a backup of what it was before."""
    path = folder / "first" / "policybell.db"
    store = SqliteStore(path)
    await follow(store, a_chat(1))
    for number in range(1, 60):
        await publish(store, a_story(number))
    await store.backup(folder / "base" / "backup.gz")
    await follow(store, a_chat(2))
    for file in path.parent.glob("policybell.db*"):
        shutil.copy(file, folder / "base" / file.name)  # as a kill leaves it: with its log
    await store.close()


def followers(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [chat for (chat,) in connection.execute("SELECT chat FROM chats ORDER BY id")]


def test_killed_at_random_moments_a_restore_leaves_one_whole_database_or_the_other() -> None:
    with in_memory_directory() as folder:
        asyncio.run(two_versions(folder))
        assert (folder / "base" / "policybell.db-wal").stat().st_size > 0
        command = [sys.executable, "-m", "tests.restoring", folder / "base", "7", str(KILLS)]
        subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        found = []
        for killed in sorted(folder.glob("killed-???")):
            path = killed / "policybell.db"
            assert path.exists(), "for a moment there was no database, and a start would have made a new one"
            copy = shutil.copytree(killed, folder / "copy") / "policybell.db"
            found.append(followers(copy))
            shutil.rmtree(folder / "copy")
            restore(killed / "backup.gz", path, NOW.replace(hour=13))
            assert followers(path) == NEW
            open_database(path).close()
        old = sum(chats != NEW for chats in found)
        print(
            f"\n{KILLS} kill -9 in a restore: {old} times the old database was there, {KILLS - old} times the new one"
        )
        assert all(chats in {tuple(OLD), tuple(NEW)} for chats in map(tuple, found))
        if KILLS > 100:
            assert {tuple(OLD), tuple(NEW)} == set(map(tuple, found)), "no kill came in between"

"""The plug is pulled (R4): what was acknowledged is there, whole. With `NORMAL` the same test must fail."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.store.sqlite.store import SqliteStore
from tests.crashing import CHATS, begin
from tests.fakes.powerloss import losing_disk

ROOT = Path(__file__).parents[2]
SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
ROUNDS = 30 if SOAK else 2

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900 if SOAK else 120)]


class Found(NamedTuple):
    """What one cut came to: how many acknowledged polls and messages are not there, and how many were acknowledged."""

    lost: int
    acknowledged: int


def one_cut(folder: Path, base: bytes, synchronous: tuple[str, ...], chance: random.Random) -> Found:
    """Let a process write polls and deliveries to the disk, kill it, pull the plug, and look."""
    folder.mkdir()
    with losing_disk(folder / "disk") as disk:
        disk.put("policybell.db", base)
        command = [sys.executable, "-m", "tests.crashing", "loop", folder / "disk" / "policybell.db", *synchronous]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(chance.randrange(10, 120))]
            process.kill()
            lines += process.stdout
        after = folder / "after"
        after.mkdir()
        disk.cut(after, chance)
    told = [line.split() for line in lines if line.endswith("\n")]
    polls = {int(number) for what, number in told if what == "poll"}
    sent = {row for what, row in told if what == "sent"}
    assert polls, "nothing was acknowledged"
    path = after / "policybell.db"
    (path.with_name("policybell.db-shm")).unlink(missing_ok=True)  # memory, not disk
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        ((last, documents, rows),) = connection.execute(
            "SELECT (SELECT etag FROM cursors), (SELECT count(*) FROM documents), (SELECT count(*) FROM deliveries)"
        ).fetchall()
        kept = {row for (row,) in connection.execute("SELECT id FROM deliveries WHERE state = 'sent'")}
    assert (documents, rows) == (int(last), int(last) * CHATS), "a poll is there by half"
    return Found(len([number for number in polls if number > int(last)]) + len(sent - kept), len(polls) + len(sent))


def cuts(tmp_path: Path, *synchronous: str) -> list[Found]:
    """Cut again and again; the store has its own setting, or the one that is named."""
    asyncio.run(begin(tmp_path / "base.db"))
    base, chance = (tmp_path / "base.db").read_bytes(), random.Random(20231005)
    return [one_cut(tmp_path / f"round-{number}", base, synchronous, chance) for number in range(ROUNDS)]


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    found = cuts(tmp_path)
    print(f"\nFULL: {len(found)} power cuts, {sum(one.acknowledged for one in found)} acknowledged commits, lost 0")
    assert [one.lost for one in found] == [0] * ROUNDS


def test_with_less_care_the_same_cuts_lose_commits_or_this_would_prove_nothing(tmp_path: Path) -> None:
    found = cuts(tmp_path, "NORMAL")
    losing = sum(one.lost > 0 for one in found)
    print(
        f"\nNORMAL: {len(found)} power cuts, {sum(one.acknowledged for one in found)} acknowledged commits, "
        f"lost {sum(one.lost for one in found)}, in {losing} of the rounds"
    )
    assert losing > ROUNDS / 2


async def test_the_store_asks_for_full_care(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "policybell.db")
    assert await store.writer.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone()[0]) == 2
    await store.close()

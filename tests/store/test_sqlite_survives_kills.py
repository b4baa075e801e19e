"""Whenever the process dies, a poll is there with all that belongs to it, or not at all."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.crashing import CHATS, begin

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]
KILLS = 200 if os.environ.get("POLICYBELL_SOAK") else 4


def run(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.crashing", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def content(path: Path) -> dict[str, list[Any]]:
    """Read what is on disk, and that it is sound."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        lanes, heads = (
            connection.execute(sql).fetchall()
            for sql in ("SELECT * FROM lanes ORDER BY chat_id", "SELECT * FROM lane_heads ORDER BY chat_id")
        )
        assert lanes == heads
        questions = {
            "cursor": "SELECT etag FROM cursors",
            "documents": "SELECT count(*) FROM documents",
            "stories": "SELECT count(*) FROM stories",
            "decisions": "SELECT count(*) FROM decisions",
            "rows": "SELECT count(*), count(DISTINCT id), count(DISTINCT chat_id || '-' || story) FROM deliveries",
            "states": "SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state",
            "sent": "SELECT id FROM deliveries WHERE state = 'sent'",
            "busy": "SELECT chat_id FROM deliveries WHERE state = 'sending'",
            "chats": "SELECT chat, moved_to FROM chats ORDER BY id",
            "subscriptions": "SELECT chat_id, query_id FROM subscriptions ORDER BY id",
        }
        return {name: connection.execute(sql).fetchall() for name, sql in questions.items()}


@pytest.mark.parametrize(("work", "commits"), [("poll", 1), ("deliver", 1 + CHATS), ("move", 1), ("forget", 1)])
def test_dying_at_any_statement_leaves_all_of_a_transaction_or_nothing(tmp_path: Path, work: str, commits: int) -> None:
    base = tmp_path / "base.db"
    asyncio.run(begin(base))
    before = content(base)
    with run("statements", base, work) as process:
        assert process.wait(100) == 0
    copies = sorted(tmp_path.glob(f"{work}-???.db"))
    found = [content(copy) for copy in copies]
    assert found[0] == before
    assert found[-1] != before
    assert sum(one != other for one, other in pairwise(found)) == commits
    assert len(copies) > 4 * commits, "too few statements were counted to prove anything"


async def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    path = tmp_path / "policybell.db"
    await begin(path)
    chance = random.Random(11)
    polled, sent = 1, set()
    for _ in range(KILLS):
        with run("loop", path) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(chance.randrange(1, 40))]
            await asyncio.sleep(chance.random() / 50)
            process.kill()
            lines += process.stdout
        told = [line.split() for line in lines if line.endswith("\n")]
        polled = max([polled, *(int(number) for what, number in told if what == "poll")])
        sent |= {row for what, row in told if what == "sent"}
        kept = content(path)
        number = int(kept["cursor"][0][0])
        assert number >= polled
        assert kept["documents"] == kept["stories"] == kept["decisions"] == [(number,)]
        assert kept["rows"] == [(number * CHATS,) * 3]
        assert sent <= {row for (row,) in kept["sent"]}
        assert len(kept["busy"]) == len(set(kept["busy"]))
    assert polled > KILLS
    assert len(sent) > KILLS

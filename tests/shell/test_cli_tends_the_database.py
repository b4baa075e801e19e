"""`backup`, `restore` and `db` as an operator types them, without a running bot and beside one."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import cli
from bot.cli.database import say
from bot.control import SOCKET_NAME, Answered, ControlServer, DataLock
from bot.core.backups import made_at
from bot.store import Restored, open_store, schema_steps
from bot.store.sqlite.opening import open_database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bot.toml").write_text(f"[bot]\ndata_dir = '{tmp_path / 'data'}'\n")
    return tmp_path


def policybell(folder: Path, *argv: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bot", *argv, "--config", str(folder / "bot.toml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "TZ": "UTC"},
    )
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


def chats(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "data" / "policybell.db")) as connection:
        return [chat for (chat,) in connection.execute("SELECT chat FROM chats ORDER BY id")]


def test_there_and_back_again(folder: Path) -> None:
    assert policybell(folder, "follow", "--chat", "telegram:5", "tps")[0] == 0
    code, said = policybell(folder, "backup")
    assert (code, said[:13]) == (0, "Backed up to ")
    (backup,) = (folder / "data" / "backups").iterdir()
    assert made_at(backup.name) is not None
    with closing(sqlite3.connect(folder / "data" / "policybell.db")) as connection, connection:
        connection.execute("UPDATE chats SET chat = '6'")
    code, said = policybell(folder, "restore", str(backup))
    assert code == 0
    assert "Restored: 1 chat, 0 stories." in said
    assert "marked as possible repeats" in said
    assert chats(folder) == ["5"]
    (aside,) = (folder / "data").glob("policybell-replaced-*.db")
    assert str(aside) in said


def test_a_restore_says_of_an_old_backup_that_chats_that_were_forgotten_may_be_back(folder: Path) -> None:
    assert policybell(folder, "follow", "--chat", "telegram:5", "tps")[0] == 0
    with closing(sqlite3.connect(folder / "data" / "policybell.db")) as connection, connection:
        ago = (datetime.now(UTC) - timedelta(days=31)).isoformat()
        connection.execute("UPDATE chats SET created_at = ?", (ago,))
        connection.execute("UPDATE audit SET at = ?", (ago,))
    assert policybell(folder, "backup", str(folder / "old.gz"))[0] == 0
    for keep, warns in ((7, True), (60, False)):
        settings = f"[bot]\ndata_dir = '{folder / 'data'}'\n[ops]\nbackup = {{ keep = {keep} }}\n"
        (folder / "bot.toml").write_text(settings)
        code, said = policybell(folder, "restore", str(folder / "old.gz"))
        assert code == 0
        assert ("cannot say of everybody who asked to be forgotten since" in said) is warns


def test_no_backup_comes_over_a_running_bot_or_from_what_is_none(folder: Path) -> None:
    assert policybell(folder, "backup", str(folder / "mine.gz"))[0] == 0
    with DataLock(folder / "data"):
        code, said = policybell(folder, "restore", str(folder / "mine.gz"))
    assert code == 5
    assert "already running" in said
    assert "Stop it first" in said
    code, said = policybell(folder, "restore", str(folder / "none.gz"))
    assert (code, "cannot be read: No such file" in said) == (1, True)
    code, said = policybell(folder, "restore", str(folder / "bot.toml"))
    assert code == 4
    assert "not a backup of a Policybell database" in said


def some(number: int) -> Restored:
    return Restored(number, number, None, number, number, number)


def test_what_a_restore_came_to_is_counted_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    say(some(1))
    one = capsys.readouterr().out
    say(some(2000))
    many = capsys.readouterr().out
    assert "1 chat, 1 story." in one
    assert (one.count("1 alert."), one.count("1 chat.")) == (2, 1)
    assert "2,000 chats, 2,000 stories." in many
    assert (many.count("2,000 alerts."), many.count("2,000 chats.")) == (2, 1)


async def test_a_backup_in_the_way_is_no_broken_database_with_a_daemon_as_without(folder: Path) -> None:
    there = folder / "mine.gz"
    there.touch()
    assert policybell(folder, "backup", str(there))[0] == 1
    store = open_store(f"sqlite:///{folder / 'data' / 'policybell.db'}")

    async def serve(argv: list[str]) -> Answered:
        await store.backup(Path(argv[1]))
        return Answered("")

    server = ControlServer(folder / "data" / SOCKET_NAME, serve)
    await server.start()
    try:
        assert (await asyncio.to_thread(policybell, folder, "backup", str(there)))[0] == 1
    finally:
        await server.close()
        await store.close()
    assert there.read_bytes() == b""


def test_the_steps_of_the_schema_are_listed_and_taken(folder: Path) -> None:
    code, said = policybell(folder, "db", "migrate", "--list", "--json")
    assert code == 0
    steps = json.loads(said)
    assert {step["taken"] for step in steps} == {""}
    assert not (folder / "data").exists(), "looking makes no database"
    assert policybell(folder, "db", "migrate") == (0, "The schema is up to date.\n")
    assert [name for name, at in schema_steps(folder / "data" / "policybell.db") if at] == [s["step"] for s in steps]


def test_pruning_and_vacuuming_by_hand(folder: Path) -> None:
    open_database(folder / "data" / "policybell.db").close()
    with closing(sqlite3.connect(folder / "data" / "policybell.db")) as connection, connection:
        old = ("2020-01-01T00:00:00.000000Z",)
        connection.execute("INSERT INTO audit (at, actor, verb, args, outcome) VALUES (?, '', '', '', '')", old)
    assert policybell(folder, "db", "prune", "--older-than", "90d") == (0, "1 audit\n")
    assert policybell(folder, "db", "vacuum") == (0, "The database was written anew, without its empty pages.\n")


@pytest.mark.parametrize("age", ["90x", "1h", "-3d", ""])
def test_an_age_that_is_none_is_wrong_use(folder: Path, age: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["db", "prune", "--older-than", age, "--config", str(folder / "bot.toml")]) == 2
    assert "--older-than" in capsys.readouterr().err

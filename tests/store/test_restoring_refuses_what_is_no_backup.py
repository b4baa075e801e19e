"""What is no sound backup of ours, or more than that, is refused before anything is touched."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.store.sqlite.restoring import restore
from bot.store.sqlite.store import SqliteStore
from tests.builders import a_chat, a_source, a_story, at
from tests.storing import follow, publish


def a_bomb(real: Path, bomb: Path) -> None:
    """A database that says its true size, with a hundred times as much behind it."""
    bomb.write_bytes(gzip.compress(gzip.decompress(real.read_bytes()) + bytes(100_000_000)))


def a_boast(real: Path, boast: Path) -> None:
    """A header that asks for 17 TB."""
    raw = bytearray(gzip.decompress(real.read_bytes()))
    raw[28:32] = b"\xff\xff\xff\xff"
    boast.write_bytes(gzip.compress(bytes(raw)))


def cut_short(real: Path, cut: Path) -> None:
    cut.write_bytes(real.read_bytes()[:-5000])


def flipped(real: Path, bad: Path) -> None:
    raw = bytearray(real.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    bad.write_bytes(raw)


def half_a_database(real: Path, half: Path) -> None:
    raw = gzip.decompress(real.read_bytes())
    half.write_bytes(raw[: len(raw) // 2])


def scrambled(real: Path, bad: Path) -> None:
    raw = bytearray(gzip.decompress(real.read_bytes()))
    raw[4096 * 3 : 4096 * 12] = os.urandom(4096 * 9)
    bad.write_bytes(raw)


def somebody_elses(_: Path, other: Path) -> None:
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE songs (title)")


def newer(real: Path, new: Path) -> None:
    new.write_bytes(gzip.decompress(real.read_bytes()))
    with closing(sqlite3.connect(new)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('policybell', 'm999_later', 'x')"
        )


def with_more(*statements: str) -> Callable[[Path, Path], None]:
    """A whole backup, with something in its schema that is not ours."""

    def spoil(real: Path, bad: Path) -> None:
        bad.write_bytes(gzip.decompress(real.read_bytes()))
        with closing(sqlite3.connect(bad)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return spoil


BAD: list[tuple[Callable[[Path, Path], object], str]] = [
    (a_bomb, "holds more than the database in it"),
    (a_boast, "there is room for"),
    (cut_short, "cut short or damaged"),
    (flipped, "damaged"),
    (half_a_database, "cut short or damaged"),
    (scrambled, "holds (a|no) (damaged|sound) database"),
    (somebody_elses, "not a backup of a Policybell database"),
    (newer, "written by a newer Policybell"),
    (with_more("CREATE TRIGGER evil AFTER INSERT ON subscriptions BEGIN DELETE FROM chats; END"), "look at 'evil'"),
    (with_more("CREATE VIEW evil AS SELECT * FROM chats"), "look at 'evil'"),
    (with_more('CREATE TABLE "evil\x1b[2J" (x)'), r"look at 'evil\\x1b\[2J'"),
    (with_more("DROP VIEW lane_heads", "CREATE VIEW lane_heads AS SELECT * FROM lanes"), "look at 'lane_heads'"),
    (
        with_more(
            "PRAGMA writable_schema = 1",
            "CREATE TRIGGER evil AFTER INSERT ON subscriptions BEGIN DELETE FROM chats; END",
            "UPDATE sqlite_master SET name = 'sqlite_evil', sql = replace(sql, 'evil', 'sqlite_evil') "
            "WHERE name = 'evil'",
        ),
        "look at 'sqlite_evil'",
    ),
    (lambda _, file: file.write_text("just words, and long ones at that " * 10), "not a backup"),
    (lambda _, file: file.write_bytes(b""), "not a backup"),
    (lambda _, file: os.mkfifo(file), "not a regular file"),
    (lambda _, file: file.mkdir(), "not a regular file"),
    (lambda _, __: None, "cannot be read: No such file"),
]


@pytest.mark.parametrize(("spoil", "says"), BAD)
async def test_what_is_no_sound_backup_is_refused_and_nothing_is_touched(
    tmp_path: Path, spoil: Callable[[Path, Path], object], says: str
) -> None:
    path, backup = tmp_path / "data" / "policybell.db", tmp_path / "backup.db.gz"
    store = SqliteStore(path)
    await store.register((a_source(1),))
    for number in (1, 2, 3):
        await follow(store, a_chat(number))
    await publish(store, a_story(1))
    await store.backup(backup)
    await store.close()
    before = path.read_bytes()
    bad = tmp_path / "bad"
    spoil(backup, bad)
    with pytest.raises(StoreError, match=says):
        restore(bad, path, at(hours=9))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["policybell.db"]

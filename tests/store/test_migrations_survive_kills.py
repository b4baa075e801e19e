"""Every step is taken whole or not at all, and a second start takes the rest: nothing is lost on the way up (R8)."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from isal import igzip
from sqlite_utils import Database

from bot.errors import StoreError, exit_code
from bot.store.migrations import migrations
from bot.store.sqlite.opening import open_database
from tests.migrating import a_database_of
from tests.storing import in_memory_directory

ROOT = Path(__file__).parents[2]
SOAK = bool(os.environ.get("POLICYBELL_SOAK"))

STEPS = [step.name for step in migrations._migrations]
"""Every release left its schema after one of these."""

pytestmark = pytest.mark.soak


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """What is killed here is a process and not the machine: nothing has to reach a disk."""
    with in_memory_directory() as directory:
        yield directory


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
    return list(map(tuple, rows))


def steps_of(connection: sqlite3.Connection) -> list[str]:
    return [step.name for step in migrations.applied(Database(connection))]


def contents(connection: sqlite3.Connection, columns: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
    """Count and hash the rows of every table, in the columns that it once had."""
    found = {}
    for table, names in columns.items():
        rows = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY rowid").fetchall()
        found[table] = (len(rows), sha256(repr(list(map(tuple, rows))).encode()).hexdigest())
    return found


def columns_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql LIKE '%STRICT'"
    ).fetchall()
    return {
        table: [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
        for (table,) in tables
    }


def schemas_by_step(directory: Path) -> dict[str, list[tuple[str, str]]]:
    """Say what the schema is once each step was taken."""
    found = {}
    for number, step in enumerate(STEPS):
        with closing(sqlite3.connect(directory / f"{step}.db", isolation_level=None)) as connection:
            following = STEPS[number + 1] if number + 1 < len(STEPS) else None
            migrations.apply(Database(connection), stop_before=following)
            found[step] = schema(connection)
    return found


@pytest.mark.parametrize("behind", STEPS[1:])
def test_killed_at_random_points_an_upgrade_is_whole_after_the_next_start(tmp_path: Path, behind: str) -> None:
    kills = 500 if SOAK else 50 if behind == STEPS[1] else 3
    base = tmp_path / "base.db"
    a_database_of(base, behind)
    after = schemas_by_step(tmp_path)
    with closing(sqlite3.connect(base)) as connection:
        columns = columns_of(connection)
        before = contents(connection, columns)
        taken_before = steps_of(connection)
    assert all(
        count for table, (count, _) in before.items() if table in {"documents", "deliveries", "chats", "queries"}
    )
    subprocess.run([sys.executable, "-m", "tests.migrating", base, "11", str(kills)], cwd=ROOT, check=True)
    reached: dict[int, int] = {}
    for killed in sorted(tmp_path.glob("killed-???.db")):
        with closing(sqlite3.connect(killed)) as connection:
            taken = steps_of(connection)
            reached[len(taken)] = reached.get(len(taken), 0) + 1
            assert taken == STEPS[: len(taken)]
            assert schema(connection) == after[taken[-1]], "a step was taken by half"
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert contents(connection, columns) == before
        backups = tmp_path / f"{killed.stem}-backups"
        if taken != taken_before:
            assert (backups / f"policybell-before-{behind}.db.gz").exists()
        db = open_database(killed, backups=backups)
        assert steps_of(db.conn) == STEPS
        assert schema(db.conn) == after[STEPS[-1]]
        assert contents(db.conn, columns) == before
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        lanes, heads = (db.execute(f"SELECT * FROM {it} ORDER BY chat_id").fetchall() for it in ("lanes", "lane_heads"))
        assert list(map(tuple, lanes)) == list(map(tuple, heads))
        db.close()
    print(
        f"\n{kills} kill -9 in the upgrade from before {behind}: "
        f"steps then taken {dict(sorted(reached.items()))}; lost 0"
    )


def test_the_backup_before_an_upgrade_is_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "policybell.db"
    a_database_of(path, STEPS[1])
    with closing(sqlite3.connect(path)) as connection:
        columns = columns_of(connection)
        before = contents(connection, columns)
    open_database(path, backups=tmp_path / "backups").close()
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.name == f"policybell-before-{STEPS[1]}.db.gz"
    with igzip.open(backup, "rb") as packed:
        (tmp_path / "copy.db").write_bytes(packed.read())
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert steps_of(connection) == STEPS[:1]
        assert contents(connection, columns) == before
    open_database(path, backups=tmp_path / "backups").close()
    open_database(tmp_path / "new.db", backups=tmp_path / "backups").close()
    assert list((tmp_path / "backups").iterdir()) == [backup], "a new database, or one up to date, needs none"


def test_without_room_for_the_backup_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "policybell.db"
    a_database_of(path, STEPS[1])
    (tmp_path / "backups").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written") as refused:
        open_database(path, backups=tmp_path / "backups")
    assert exit_code(refused.value) == 4, "it is the database that cannot be brought up to date"
    with closing(sqlite3.connect(path)) as connection:
        assert steps_of(connection) == STEPS[:1]

"""Looking at a database from outside: read only, beside whoever runs, and without repairing or migrating anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import StoreError
from bot.store.sqlite.failures import sentence
from bot.store.sqlite.opening import SAFE_SQLITE
from bot.store.sqlite.rows import moment_or_none


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look found. `problem` is what SQLite's quick check and the check of references complain of, or nothing.

    `polled` sources have been read at least once, `failing` ones could not be the last time.
    """

    problem: str
    bytes: int
    sources: int
    polled: int
    failing: int
    last_success_at: datetime | None


def sqlite_version() -> tuple[str, bool]:
    """Return the version of SQLite, and whether it is free of the bug that two checkpoints at once bring out."""
    return sqlite3.sqlite_version, sqlite3.sqlite_version_info >= SAFE_SQLITE


def examine(path: Path) -> Examined:
    """Check the file and read how its sources do; raise `StoreError` where it cannot be read at all."""
    try:
        with _opened(path) as connection:
            sources, polled, failing, last = connection.execute(
                """SELECT count(*), count(last_success_at), coalesce(sum(failures > 0), 0), max(last_success_at)
                FROM cursors JOIN sources ON sources.id = source_id WHERE dormant = 0"""
            ).fetchone()
            return Examined(_problem(connection), path.stat().st_size, sources, polled, failing, moment_or_none(last))
    except sqlite3.Error as error:
        raise StoreError(sentence(error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open read only: so there is no checkpoint beside the writer's, which SQLite before 3.51.3 must not have.

    A database that nobody has open has no log beside it; then no file is made for us either.
    """
    how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5)) as connection:
        connection.execute("PRAGMA query_only = 1")
        yield connection


def _problem(connection: sqlite3.Connection) -> str:
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        return str(said)
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    return f"a row of {broken[0]} refers to something that is not there" if broken else ""

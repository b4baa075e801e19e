"""Putting a backup in the place of the database, and what it cannot know: what happened since it was made.

Rows that wait in it may have gone out since, so each is marked: it comes at most once more, and says so. One that was
to be repeated already is not sent again but listed, since it may have arrived twice. What sources published since is
new to it: alerts of their next reading are marked too (`restored_sources`). Whoever was forgotten since is forgotten.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from bot.core.retention import FORGOTTEN
from bot.errors import BackupError, StoreError
from bot.store.migrations import migrations
from bot.store.sqlite import people
from bot.store.sqlite.copying import sync_directory, unpack
from bot.store.sqlite.failures import sentence, told
from bot.store.sqlite.forgetting import Names, forgotten_in, remember
from bot.store.sqlite.opening import open_database
from bot.store.sqlite.rows import Connection, chat_of, stamp

RESTORED = "a backup was restored: this may have arrived since it was made"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to. `aside` is the database that was replaced, None where there was none.

    `forgotten` chats were deleted again; None where the replaced database could not say who asked for it. `is_old`
    where it could not say so of all, since hashes of those who were forgotten soon after the backup are gone.
    """

    chats: int
    stories: int
    aside: Path | None
    marked: int
    unsure: int
    forgotten: int | None
    is_old: bool = False


def restore(file: Path, database: Path, now: datetime, known_for: timedelta = FORGOTTEN) -> Restored:
    """Put a backup in place of a database that nobody uses: the caller holds the lock. `StoreError` says why not.

    Until the last step the old database stays where it is, and afterwards it lies beside. `known_for` is for how long
    it is known who was forgotten.
    """
    fresh = database.with_name(f"{database.name}.restoring")
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove(fresh)
        unpack(file, fresh)
        replaced = _read_replaced(database)
        restored = _prepare(file, fresh, Names(database.parent), replaced, now)
        is_old = _is_older(fresh, now - known_for)
        return replace(restored, aside=_put_in_place(fresh, database, now), is_old=is_old)
    except sqlite3.Error as error:
        raise told(error) from error
    except OSError as error:
        raise BackupError(f"{file} could not be put in place: {error.strerror}. The database is as it was.") from error
    finally:
        _remove(fresh)


def _prepare(file: Path, fresh: Path, names: Names, replaced: _Replaced | None, now: datetime) -> Restored:
    """Check the unpacked database, bring it up to date, and tell it what it cannot know."""
    _check(file, fresh)
    db = open_database(fresh, backups=None)
    try:
        _check_schema(file, db.conn)
        with db.atomic():
            marked, unsure = _mark_waiting(db.conn, now)
            _mark_sources(db.conn, now)
            forgotten = None if replaced is None else _forget_again(db.conn, names, replaced)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        chats, stories = db.execute(
            "SELECT (SELECT count(*) FROM chats WHERE moved_to IS NULL), (SELECT count(*) FROM stories)"
        ).fetchone()
        return Restored(chats, stories, None, marked, unsure, forgotten)
    finally:
        db.close()


def _check(file: Path, fresh: Path) -> None:
    """Refuse what is no database of ours, before it is changed in any way."""
    try:
        with closing(sqlite3.connect(fresh)) as connection:
            connection.execute("PRAGMA trusted_schema = 0")
            ours = bool(migrations.applied(Database(connection, execute_plugins=False)))
            (sound,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{file} holds no sound database. {sentence(error)}") from error
    if not ours:
        raise StoreError(f"{file} is not a backup of a Policybell database.")
    if sound != "ok":
        raise StoreError(f"{file} holds a damaged database ({sound}). Take another backup.")


def _check_schema(file: Path, connection: Connection) -> None:
    """Refuse a schema that is not ours to the letter: a trigger or a view of somebody else's would act in the bot."""
    with closing(sqlite3.connect(":memory:")) as nothing:
        migrations.apply(Database(nothing, execute_plugins=False))
        other = _schema(connection) ^ _schema(nothing)
    if other:
        name = min(repr(name) for _, name, _, _ in other)  # somebody else's words, for a terminal
        raise StoreError(
            f"{file} has a schema other than Policybell's (look at {name}), and what it would do is not known. "
            "Take another backup, or drop what was added to this one."
        )


def _schema(connection: Connection) -> frozenset[tuple[str, str, str, str]]:
    """Read all that is in a schema, but for the statistics of ANALYZE, and the words of a library's own table."""
    return frozenset(
        (kind, name, table, "" if name == "_sqlite_migrations" else sql or "")
        for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        if (kind, name) not in {("table", "sqlite_stat1"), ("table", "sqlite_stat4")}
    )


def _is_older(fresh: Path, before: datetime) -> bool:
    """Tell whether nothing in the backup was written after a moment. One that has no chats brings nobody back."""
    with closing(_opened(fresh, "ro")) as connection:
        (newest,) = connection.execute(
            """SELECT max(at) FROM (SELECT max(created_at) AS at FROM chats UNION ALL
            SELECT max(seen_at) FROM documents UNION ALL SELECT max(last_success_at) FROM cursors UNION ALL
            SELECT max(at) FROM audit)"""
        ).fetchone()
    return newest is not None and newest < stamp(before)


def _mark_waiting(connection: Connection, now: datetime) -> tuple[int, int]:
    """Mark what waits as what may have arrived; what was marked before may have arrived twice, and is only listed."""
    unsure = connection.execute(
        """UPDATE deliveries SET state = 'maybe', lease_until = NULL, last_error = ?, settled_at = ?
        WHERE state IN ('pending', 'sending') AND unsure = 1""",
        (RESTORED, stamp(now)),
    ).rowcount
    connection.execute("UPDATE held SET may_repeat = 1")
    marked = connection.execute(
        """UPDATE deliveries SET state = 'pending', lease_until = NULL, unsure = 1, last_error = ?
        WHERE state IN ('pending', 'sending')""",
        (RESTORED,),
    ).rowcount
    return marked, unsure


def _mark_sources(connection: Connection, now: datetime) -> None:
    connection.execute(
        """INSERT INTO restored_sources (source_id, restored_at) SELECT id, ? FROM sources WHERE true
        ON CONFLICT (source_id) DO UPDATE SET restored_at = excluded.restored_at""",
        (stamp(now),),
    )


@dataclass(frozen=True, slots=True)
class _Replaced:
    """What the database that is to be replaced knows: hashes of who was forgotten, and the `_CHATS` that it has."""

    forgotten: frozenset[str] = frozenset()
    chats: frozenset[tuple[str, ...]] = frozenset()


_CHATS = "SELECT platform, workspace, chat, thread, created_at FROM chats"


def _read_replaced(database: Path) -> _Replaced | None:
    """Ask the database that is to be replaced who was forgotten; None where it cannot say.

    A sound one takes its log in, so that it is whole without it when the files are swapped; a damaged one is left.
    """
    if not database.exists():
        return _Replaced()
    try:
        with closing(_opened(database, "ro")) as connection:
            gone = forgotten_in(connection)
            known = frozenset(map(tuple, connection.execute(_CHATS))) if gone else frozenset()
            (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if sound == "ok":
            with closing(_opened(database, "rw")) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return None
    else:
        return _Replaced(gone, known)
    finally:  # a reader leaves these behind
        log, index = Path(f"{database}-wal"), Path(f"{database}-shm")
        index.unlink(missing_ok=True)
        if log.exists() and not log.stat().st_size:
            log.unlink()


def _opened(database: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode={mode}", uri=True)


def _forget_again(connection: Connection, names: Names, replaced: _Replaced) -> int:
    """Delete every chat that was forgotten after the backup was made.

    Who is forgotten and comes back becomes known anew, at another time: one that was known since the same time to the
    end was forgotten before the backup, if ever.
    """
    remember(connection, sorted(replaced.forgotten))
    rows = connection.execute(_CHATS).fetchall() if replaced.forgotten else []
    back = [
        chat
        for row in rows
        if tuple(row) not in replaced.chats and names.hash_of(chat := chat_of(row)) in replaced.forgotten
    ]
    for chat in back:
        people.forget(connection, chat)
    return len(back)


def _put_in_place(fresh: Path, database: Path, now: datetime) -> Path | None:
    """Swap the files so that whenever it is cut short there is a whole database under the name."""
    aside = None
    if database.exists():
        stem = f"{database.stem}-replaced-{now:%Y-%m-%dT%H-%M-%SZ}"
        names = (f"{stem}{number}{database.suffix}" for number in ("", *range(-1, -100, -1)))
        aside = next(place for place in map(database.with_name, names) if not place.exists())
        aside.hardlink_to(database)
        log = Path(f"{database}-wal")
        if log.exists():  # a log that stays would be taken for that of the new file
            log.replace(f"{aside}-wal")
        Path(f"{database}-shm").unlink(missing_ok=True)
        sync_directory(database.parent)
    fresh.replace(database)
    sync_directory(database.parent)
    return aside


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)

"""Opening the database: where it may lie, how its connection is set, and what is checked before it is trusted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlite_utils import Database

from bot.errors import BackupError, StoreError
from bot.store.migrations import migrations, unknown_steps
from bot.store.sqlite.copying import back_up_at_once
from bot.store.sqlite.failures import sentence

log = structlog.get_logger()

OLDEST_SQLITE = (3, 38, 0)  # STRICT tables need 3.37; the JSON functions are always there from 3.38
SAFE_SQLITE = (3, 51, 3)  # before it, two connections that checkpoint at once may corrupt a WAL database

CHECKPOINT_PATIENCE_MS = 100

# What every connection has, each read back. FULL: with NORMAL a power cut lost commits that had
# been acted upon in 15 of 15 trials. No mmap: it hides I/O errors and played its part in known corruptions. Temporary
# journals in memory: a third off a fan-out, and no copy of a row in a file of its own. No checkpoint but by our own
# word: SQLite drops the error of one that it makes by itself, and after a failed fsync the next one seems to succeed.
PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("PRAGMA busy_timeout = 5000", "PRAGMA busy_timeout", 5000),
    ("PRAGMA trusted_schema = 0", "PRAGMA trusted_schema", 0),
    ("PRAGMA mmap_size = 0", "PRAGMA mmap_size", 0),
    ("PRAGMA journal_mode = wal", "PRAGMA journal_mode", "wal"),
    ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2),
    ("PRAGMA foreign_keys = 1", "PRAGMA foreign_keys", 1),
    ("PRAGMA secure_delete = 1", "PRAGMA secure_delete", 1),
    ("PRAGMA temp_store = MEMORY", "PRAGMA temp_store", 2),
    ("PRAGMA wal_autocheckpoint = 0", "PRAGMA wal_autocheckpoint", 0),
)

# File systems whose locks and shared memory cannot be relied upon, as /proc/mounts names them.
NETWORK_FILE_SYSTEMS = frozenset({
    "afs", "beegfs", "ceph", "cifs", "coda", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb2", "smb3",
    "smbfs",
})  # fmt: skip


def open_database(path: Path, *, backups: Path | None = None) -> Database:
    """Open or make the database, check it, and bring its schema up to date; `StoreError` says what to do instead.

    Before the schema of a database in use changes, a backup is put into `backups`, where one is named.
    A file that fails a check is kept as it is. The file is its owner's alone, and so are the two beside it, to which
    SQLite gives the same rights; a directory that has to be made is closed to others too.
    """
    _check_versions()
    check_place(path)
    with _explained(path):
        _make_private(path)
        # isolation_level=None: no transaction begins but by our own word
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    try:
        with _explained(path):
            set_pragmas(connection)
            return check_and_migrate(Database(connection, execute_plugins=False), path, backups)
    except BaseException:
        connection.close()
        raise


def set_pragmas(connection: sqlite3.Connection) -> None:
    """Set what a connection needs, and read it back: SQLite answers a pragma that it cannot obey with silence."""
    for statement, question, wanted in PRAGMAS:
        connection.execute(statement)
        (got,) = connection.execute(question).fetchone() or (0,)  # no answer: built without that feature
        if got != wanted:
            raise StoreError(
                f"SQLite could not be made safe here ({statement[7:]} was not obeyed). "
                "Put the data directory on a local disk of this machine."
            )


def checkpoint(db: Database) -> bool:
    """Move the write-ahead log into the file and empty it; False where another program kept it from that.

    It waits for other programs no longer than a message may: whoever asks can ask again.
    """
    (patience,) = db.conn.execute("PRAGMA busy_timeout").fetchone()
    db.conn.execute(f"PRAGMA busy_timeout = {min(patience, CHECKPOINT_PATIENCE_MS)}")
    try:
        busy, _, _ = db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.conn.execute(f"PRAGMA busy_timeout = {patience}")
    return not busy


def tidy_log(connection: sqlite3.Connection) -> None:
    """Move what can be moved of the write-ahead log into the file, waiting for nobody."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def file_system_of(path: Path, mounts: str) -> str:
    """Name the type of file system that holds an absolute `path`, given the text of /proc/mounts."""
    kind, depth = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, place, type
            continue
        place = Path(fields[1].encode().decode("unicode_escape"))  # a blank is written \040 there
        if path.is_relative_to(place) and len(place.parts) >= depth:
            kind, depth = fields[2], len(place.parts)
    return kind


def check_place(path: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Refuse a network file system: write-ahead logging needs memory shared within one machine."""
    if not mounts.exists():
        return
    kind = file_system_of(path.absolute().resolve(), mounts.read_text(errors="replace"))
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"The database may not lie on a network file system, and {path.parent} is on one ({kind}). "
            "Put the data directory on a local disk of this machine."
        )


def _check_versions() -> None:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {version} is too old: 3.38 or newer is needed. Use a newer Python or system.")
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        log.warning(
            "store.old_sqlite",
            version=version,
            fixed_in="3.51.3",
            advice="its WAL-reset bug needs a second connection that checkpoints: open the live database read-only",
        )


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def check_and_migrate(db: Database, path: Path, backups: Path | None = None) -> Database:
    """Check a database that nobody uses yet, and take the steps that its schema is behind."""
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _damaged(path, "its pages do not fit together")
    if unknown := unknown_steps(db):
        raise StoreError(
            f"{path} was written by a newer Policybell (it knows {unknown[-1]}). "
            "Install that version again, or put a backup from this one in its place."
        )
    pending = migrations.pending(db)
    if backups is not None and pending and migrations.applied(db):
        try:
            back_up_at_once(db.conn, backups / f"policybell-before-{pending[0].name}.db.gz")
        except BackupError as error:  # so it cannot be migrated
            raise StoreError(str(error)) from error
    migrations.apply(db)
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise _damaged(path, "it has rows that belong to nothing")
    checkpoint(db)
    db.conn.row_factory = sqlite3.Row
    return db


def _damaged(path: Path, how: str) -> StoreError:
    return StoreError(
        f"The database {path} is damaged: {how}. Nothing was sent, and the file is kept as it is. "
        "To restore: `policybell restore FILE` with your newest backup; the damaged database is then kept beside it."
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _damaged(path, str(error)) from error
        raise StoreError(f"{path}: {sentence(error)}") from error
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be opened: {error.strerror}. Check the path and its rights."
        ) from error

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import StoreError
from bot.store import open_store
from bot.store.sqlite.opening import SAFE_SQLITE, check_place, file_system_of, open_database, set_pragmas
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_cursor, a_source, a_story, at, some_changes
from tests.storing import claim_one, follow, publish

MOUNTS = """
/dev/vda / ext4 rw,relatime 0 0
tmpfs /dev/shm tmpfs rw 0 0
devtmpfs /dev devtmpfs rw 0 0
server:/export /srv/data nfs4 rw 0 0
//nas/share /mnt/nas\\040share cifs rw 0 0
/dev/vdb /srv/data/local xfs rw 0 0
broken line
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "policybell.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("PRAGMA journal_mode", {"wal"}),
        ("PRAGMA synchronous", {2}),
        ("PRAGMA foreign_keys", {1}),
        ("PRAGMA busy_timeout", {5000}),
        ("PRAGMA secure_delete", {1}),
        ("PRAGMA trusted_schema", {0}),
        ("PRAGMA mmap_size", {0}),
        ("PRAGMA temp_store", {2}),
        ("PRAGMA wal_autocheckpoint", {0}),
    ],
)
async def test_the_connection_has_every_safe_setting(store: SqliteStore, question: str, answers: set[object]) -> None:
    assert await store.writer.run(lambda connection: connection.execute(question).fetchone()[0]) in answers


def test_a_setting_that_is_not_obeyed_is_noticed() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(StoreError, match="journal_mode"):
        set_pragmas(connection)  # a database in memory has no write-ahead log


async def test_files_and_directory_are_closed_to_others(store: SqliteStore, path: Path) -> None:
    await follow(store, a_chat())
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["policybell.db", "policybell.db-shm", "policybell.db-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_others_could_read_is_closed_and_a_directory_that_was_there_is_left(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "policybell.db"
    path.touch(0o644)
    await SqliteStore(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib/policybell", "ext4"),
        ("/dev/shm/x", "tmpfs"),
        ("/srv/data", "nfs4"),
        ("/srv/data/policybell", "nfs4"),
        ("/srv/database", "ext4"),
        ("/srv/data/local/x", "xfs"),
        ("/mnt/nas share/x", "cifs"),
    ],
)
def test_the_file_system_of_a_place_is_that_of_its_innermost_mount(place: str, kind: str) -> None:
    assert file_system_of(Path(place), MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path}/net nfs rw 0 0\n")
    check_place(tmp_path / "here" / "policybell.db", mounts)
    with pytest.raises(StoreError, match=r"network file system.*local disk"):
        check_place(tmp_path / "net" / "policybell.db", mounts)
    (tmp_path / "link").symlink_to(tmp_path / "net")
    with pytest.raises(StoreError, match="nfs"):
        check_place(tmp_path / "link" / "policybell.db", mounts)


def test_a_system_that_lists_no_mounts_is_trusted(tmp_path: Path) -> None:
    check_place(tmp_path, tmp_path / "no such file")


async def test_a_sqlite_with_the_log_reset_bug_is_named_once_when_opening(path: Path) -> None:
    with capture_logs() as logs:
        store = SqliteStore(path)
        await follow(store, a_chat())
        await store.close()
    warnings = [log["version"] for log in logs if log["event"] == "store.old_sqlite"]
    assert warnings == ([sqlite3.sqlite_version] if sqlite3.sqlite_version_info < SAFE_SQLITE else [])


async def test_what_was_committed_is_there_after_opening_again(path: Path) -> None:
    store = SqliteStore(path)
    await store.register((a_source(1),))
    await follow(store, a_chat())
    (row,) = await publish(store, a_story(1))
    cursor = a_cursor(1, etag='"v2"', next_poll_at=at(minutes=1))
    await store.commit((some_changes(cursor=cursor),))
    claimed = await claim_one(store)
    await store.close()

    store = SqliteStore(path)
    assert await store.cursors() == (cursor,)
    assert await store.delivery(row.id) == claimed
    assert await store.recover(NOW, every_lease=True) == 1
    assert (await claim_one(store)).unsure
    await store.close()


def damaged(path: Path) -> bytes:
    """Make a database with a page that is rubbish."""
    db = open_database(path)
    db.execute("CREATE TABLE filler (x TEXT)")
    db.execute("INSERT INTO filler SELECT hex(zeroblob(2000)) FROM (SELECT 1 FROM sqlite_master LIMIT 20)")
    db.close()
    data = bytearray(path.read_bytes())
    data[-3 * 4096 : -4096] = b"\xff" * 2 * 4096
    path.write_bytes(data)
    return bytes(data)


def orphaned(path: Path) -> bytes:
    """Make a database with a row that belongs to nothing, as a tool without foreign keys leaves it."""
    open_database(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO document_keys VALUES ('url:x', 'nobody')")
    return path.read_bytes()


def foreign(path: Path) -> bytes:
    path.parent.mkdir()
    path.write_text("Dear diary,\n" * 999)
    return path.read_bytes()


@pytest.mark.parametrize("spoil", [damaged, orphaned, foreign])
def test_a_database_that_fails_its_check_is_kept_and_the_way_back_is_told(path: Path, spoil: object) -> None:
    assert callable(spoil)
    before = spoil(path)
    with pytest.raises(StoreError, match=r"kept as it is\. To restore: .* newest backup"):
        SqliteStore(path)
    assert path.read_bytes() == before


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    open_database(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            """INSERT INTO _sqlite_migrations (migration_set, name, applied_at)
            VALUES ('policybell', 'm999_from_the_future', '2030-01-01')"""
        )
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer Policybell .*m999_from_the_future"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_a_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "policybell.db")


@pytest.mark.parametrize("url", ["", "sqlite:", "sqlite:///", "postgresql://x/y", "memory", "policybell.db"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///PATH"):
        open_store(url)


async def test_after_closing_nothing_is_answered_and_closing_again_is_harmless(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.census()

"""A restored backup does not know what happened since: it repeats nothing silently and brings back nobody."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.core.intake import Cursor
from bot.core.model import Changes, Chat, DeliveryState
from bot.core.outcome import Sent, Unsure
from bot.core.retention import Ages, cutoffs
from bot.errors import StoreError
from bot.store.migrations import migrations
from bot.store.sqlite.opening import set_pragmas
from bot.store.sqlite.restoring import Restored, restore
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_source, a_story, a_verdict, at, some_changes
from tests.fakes.mounts import fill, small_disk
from tests.migrating import a_database_of
from tests.storing import addressed, claim, follow, publish

LATER = at(hours=9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "policybell.db"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backup.db.gz"


async def a_town(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    await store.register((a_source(1),))
    for number in (1, 2, 3):
        await follow(store, a_chat(number))
    return store


async def with_rows_in_every_state(path: Path, backup: Path) -> None:
    """Back up with one row sent, one under way, one waiting, and one that waits to be repeated."""
    store = await a_town(path)
    await publish(store, a_story(1))
    first, second, third = await claim(store)
    await store.settle(first, Sent("receipt", NOW), NOW)
    await store.settle(second, Unsure(NOW, "no answer"), NOW)
    await publish(store, a_story(2))  # waits behind each of the three
    assert third.state is DeliveryState.SENDING
    await store.backup(backup)
    await store.close()


async def states(store: SqliteStore) -> dict[tuple[str, int], tuple[str, bool]]:
    rows = await store.outbox(tuple(DeliveryState), 100)
    return {(row.chat.id, row.alert.story.number): (row.state.value, row.unsure) for row in rows}


async def test_what_waits_is_marked_and_what_may_have_come_twice_is_only_listed(path: Path, backup: Path) -> None:
    await with_rows_in_every_state(path, backup)
    restored = restore(backup, path, LATER)
    assert (restored.chats, restored.stories, restored.marked, restored.unsure) == (3, 2, 4, 1)
    store = SqliteStore(path)
    assert await states(store) == {
        ("1001", 1): ("sent", False),
        ("1002", 1): ("maybe", True),
        ("1003", 1): ("pending", True),
        **{(chat, 2): ("pending", True) for chat in ("1001", "1002", "1003")},
    }
    assert all(row.unsure for row in await claim(store, LATER))
    await store.close()


async def test_what_is_held_in_a_backup_may_have_been_let_go_since_and_is_marked(path: Path, backup: Path) -> None:
    store = await a_town(path)
    held = a_verdict(a_story(1).lead, 1, matches=(), held=True)
    await store.commit([Changes(Cursor("source-1", last_success_at=NOW), (held,))])
    await store.backup(backup)
    await store.close()
    restore(backup, path, LATER)
    store = SqliteStore(path)
    await store.end_flood(await store.held_of("source-1"), await addressed(store, a_story(1)))
    assert [row.unsure for row in await claim(store, LATER)] == [True] * 3
    await store.close()


async def test_what_is_held_at_the_first_reading_after_a_restore_may_be_a_repeat_and_later_floods_are_not(
    path: Path, backup: Path
) -> None:
    store = await a_town(path)
    await store.backup(backup)
    await store.close()
    restore(backup, path, LATER)
    store = SqliteStore(path)
    for number in (1, 2):
        held = a_verdict(a_story(number).lead, number, matches=(), held=True)
        await store.commit([Changes(Cursor("source-1", last_success_at=at(hours=10)), (held,))])
    deliveries = [row for number in (1, 2) for row in await addressed(store, a_story(number))]
    await store.end_flood(await store.held_of("source-1"), deliveries)
    assert {story: unsure for (_, story), (_, unsure) in (await states(store)).items()} == {1: True, 2: False}
    await store.close()


async def test_what_a_source_says_at_its_first_reading_may_be_a_repeat_and_later_news_is_not(
    path: Path, backup: Path
) -> None:
    store = await a_town(path)
    await store.backup(backup)
    await publish(store, a_story(1))  # is sent, and then lost with the database
    await store.close()
    restore(backup, path, LATER)
    store = SqliteStore(path)
    failed = Cursor("source-1", failures=1, last_error="x", last_success_at=NOW)
    await store.commit((some_changes(cursor=failed),))
    read = Cursor("source-1", last_success_at=at(hours=10))
    again = some_changes(a_story(1), deliveries=await addressed(store, a_story(1)), cursor=read)
    await store.commit((again,))
    news = some_changes(a_story(2), deliveries=await addressed(store, a_story(2)), cursor=read)
    await store.commit((news,))
    assert {story: unsure for (_, story), (_, unsure) in (await states(store)).items()} == {1: True, 2: False}
    await store.close()


async def test_a_list_that_did_not_change_since_the_backup_makes_the_next_news_plain_news(
    path: Path, backup: Path
) -> None:
    store = await a_town(path)
    await store.backup(backup)
    await store.close()
    restore(backup, path, LATER)
    store = SqliteStore(path)
    await store.commit((some_changes(cursor=Cursor("source-1", last_success_at=at(hours=10))),))
    await publish(store, a_story(1))
    assert {unsure for _, unsure in (await states(store)).values()} == {False}
    await store.close()


async def test_who_was_forgotten_since_the_backup_stays_forgotten(path: Path, backup: Path) -> None:
    her = Chat("telegram", "", "-1009998887776")
    store = await a_town(path)
    await follow(store, her, "herownwords")
    await store.forget(a_chat(2))  # before the backup, and back again since
    await follow(store, a_chat(2))
    await store.backup(backup)
    await store.forget(her)
    await store.close()
    restored = restore(backup, path, LATER)
    assert (restored.chats, restored.forgotten) == (3, 1)
    store = SqliteStore(path)
    assert await store.preferences(her) is None
    assert len(await store.subscriptions(a_chat(2))) == 1
    await store.close()
    raw = path.read_bytes()
    assert her.id.encode() not in raw
    assert b"herownwords" not in raw
    assert path.with_name("forgotten.key").stat().st_mode & 0o777 == 0o600


HERE, AWAY, NEW = "follow", "forget", "backup"


@pytest.mark.parametrize(
    ("lived", "stays"),
    [
        ([HERE, NEW, AWAY], False),
        ([HERE, AWAY, HERE, NEW, AWAY], False),
        ([HERE, NEW, AWAY, HERE], False),
        ([HERE, AWAY, HERE, NEW, AWAY, HERE], False),
        ([HERE, AWAY, HERE, NEW], True),
        ([HERE, AWAY, NEW, HERE], False),
    ],
)
async def test_how_often_somebody_was_forgotten_before_makes_no_difference(
    path: Path, backup: Path, lived: list[str], stays: object
) -> None:
    store = SqliteStore(path)
    for hour, what in enumerate(lived):
        if what == HERE:
            await follow(store, a_chat(1), now=at(hours=hour))
        elif what == AWAY:
            await store.forget(a_chat(1))
        else:
            await store.backup(backup)
    await store.close()
    for hour in (9, 10):  # the second finds a database that was restored
        restore(backup, path, at(hours=hour))
        store = SqliteStore(path)
        assert bool(await store.subscriptions(a_chat(1))) is stays
        await store.close()


async def test_the_days_count_from_the_last_time_that_somebody_was_forgotten(path: Path, backup: Path) -> None:
    store = SqliteStore(path)
    await follow(store, a_chat(1))
    await store.forget(a_chat(1))
    await store.prune(cutoffs(at(days=1), Ages()), 100)
    await follow(store, a_chat(1), now=at(days=20))
    await store.backup(backup)
    await store.forget(a_chat(1))
    for day in (21, 32):
        await store.prune(cutoffs(at(days=day), Ages()), 100)
    await store.close()
    assert restore(backup, path, at(days=33)).forgotten == 1


async def test_a_backup_from_before_it_is_known_who_was_forgotten_is_told_from_younger_ones(
    path: Path, backup: Path, tmp_path: Path
) -> None:
    store = await a_town(path)
    await store.backup(backup)
    await follow(store, a_chat(4), now=at(days=9))
    await store.backup(tmp_path / "young.gz")
    await store.close()
    for file, day, is_old in (
        (backup, 29, False),
        (backup, 31, True),
        (tmp_path / "young.gz", 32, False),
    ):
        assert restore(file, path, at(days=day)).is_old is is_old
    assert not restore(backup, path, at(days=33), known_for=timedelta(days=34)).is_old


async def test_the_replaced_database_is_kept_with_its_log_and_a_damaged_one_too(path: Path, backup: Path) -> None:
    store = await a_town(path)
    await store.backup(backup)
    await store.close()
    log = path.with_name("policybell.db-wal")
    path.write_bytes(b"damaged " * 1000)
    log.write_bytes(b"log")
    restored = restore(backup, path, LATER)
    assert restored == Restored(3, 0, restored.aside, 0, 0, None)
    assert restored.aside is not None
    assert restored.aside.name == "policybell-replaced-2023-10-05T21-00-00Z.db"
    assert restored.aside.read_bytes() == b"damaged " * 1000
    assert Path(f"{restored.aside}-wal").read_bytes() == b"log"
    assert sorted(file.name for file in path.parent.iterdir()) == [
        restored.aside.name,
        f"{restored.aside.name}-wal",
        "policybell.db",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    await SqliteStore(path).close()


async def test_a_backup_comes_to_an_empty_place_too(path: Path, backup: Path, tmp_path: Path) -> None:
    store = await a_town(path)
    await store.backup(backup)
    await store.close()
    other = tmp_path / "elsewhere" / "policybell.db"
    assert restore(backup, other, LATER) == Restored(3, 0, None, 0, 0, 0)
    unzipped = tmp_path / "plain.db"
    unzipped.write_bytes(gzip.decompress(backup.read_bytes()))
    assert restore(unzipped, other, LATER).chats == 3


async def test_a_backup_of_the_first_schema_is_brought_up_to_date(path: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        set_pragmas(connection)
        migrations.apply(Database(connection), stop_before="m002_pauses")
        connection.execute("PRAGMA journal_mode = DELETE")
    assert restore(old, path, LATER).chats == 0
    store = SqliteStore(path)
    assert (await store.census()).chats == 0
    await store.close()


@pytest.mark.parametrize("behind", [step.name for step in migrations._migrations][1:])
def test_a_backup_of_any_earlier_release_is_restored(path: Path, tmp_path: Path, behind: str) -> None:
    old = tmp_path / "old.db"
    a_database_of(old, behind)
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("ANALYZE")  # is no part of a schema
    assert restore(old, path, LATER).chats == 5


async def test_a_disk_without_room_for_it_is_told_and_the_database_is_as_it_was(backup: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 1280) as disk:
        path = disk / "policybell.db"
        store = await a_town(path)
        await store.backup(backup)
        await store.close()
        before = path.read_bytes()
        fill(disk, leave=len(before) // 2)
        with pytest.raises(StoreError, match="there is room for 0 MB"):
            restore(backup, path, LATER)
        assert path.read_bytes() == before
        assert sorted(file.name for file in disk.iterdir()) == ["filler", "policybell.db"]

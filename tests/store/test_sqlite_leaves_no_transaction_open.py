from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import DeliveryState
from bot.core.outcome import Gone, Later, Moved, Sent, Unsure
from bot.errors import StoreError
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_source, a_story, at, some_changes
from tests.storing import claim, follow, in_memory_directory, publish


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    with in_memory_directory() as directory:
        opened = SqliteStore(directory / "policybell.db")
        yield opened
        await opened.close()


async def in_transaction(store: SqliteStore) -> bool:
    return await store.writer.aside(lambda db: db.conn.in_transaction)


async def some_operation(store: SqliteStore, chance: random.Random, number: int) -> None:
    chat, other = a_chat(chance.randrange(3)), a_chat(chance.randrange(3))
    outcomes = [Sent("r", NOW), Later(NOW, "x"), Unsure(NOW, "x"), Moved(other), Gone("x")]

    async def deliver() -> None:
        for row in await claim(store, limit=2):
            await store.settle(row, chance.choice(outcomes), NOW)

    async def break_a_rule() -> None:
        with pytest.raises(StoreError, match="nothing of it was saved"):
            await store.writer.run(lambda connection: connection.execute("INSERT INTO document_keys VALUES ('a', 'b')"))

    async def make_a_mistake() -> None:
        with pytest.raises(ZeroDivisionError):
            await store.writer.run(
                lambda connection: connection.execute("UPDATE decisions SET because = ''").rowcount / 0
            )

    await chance.choice(
        [
            lambda: follow(store, chat),
            lambda: store.unfollow(chat, None, NOW),
            lambda: publish(store, a_story(number)),
            deliver,
            lambda: store.move(chat, other, NOW),
            lambda: store.forget(chat),
            lambda: store.register((a_source(number % 3),)),
            lambda: store.recover(NOW, every_lease=True),
            lambda: store.expire(at(days=-1)),
            lambda: store.outbox(list(DeliveryState), 3),
            lambda: store.past(["url:x"]),
            break_a_rule,
            make_a_mistake,
        ]
    )()


async def test_a_thousand_operations_leave_no_transaction_open(store: SqliteStore) -> None:
    chance = random.Random(7)
    for number in range(1, 1001):
        await some_operation(store, chance, number)
        assert not await in_transaction(store)
    reasons = [reason for story in await store.stories(9999) for reason in await store.decisions(story.number)]
    assert reasons
    assert all(reasons), "what a failed unit of work did must be undone"


async def test_there_is_one_connection_and_one_thread_writes(store: SqliteStore) -> None:
    def who(connection: sqlite3.Connection) -> tuple[str, str]:
        (_, _, file) = connection.execute("PRAGMA database_list").fetchone()
        return threading.current_thread().name, file

    seen = await asyncio.gather(*(store.writer.run(who) for _ in range(50)))
    assert len(set(seen)) == 1
    assert seen[0][0].startswith("store")
    opened = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert opened.count(seen[0][1]) == 1


async def statements(store: SqliteStore, work: object) -> list[str]:
    """Run `work` and list what SQLite was told, transactions' ends among it."""
    told: list[str] = []
    await store.writer.aside(lambda db: db.conn.set_trace_callback(told.append))
    assert asyncio.iscoroutine(work)
    await work
    await store.writer.aside(lambda db: db.conn.set_trace_callback(None))
    return told


async def test_what_waits_together_shares_one_commit(store: SqliteStore) -> None:
    async def many() -> None:
        await asyncio.gather(*(follow(store, a_chat(number)) for number in range(40)))

    told = await statements(store, many())
    assert told.count("COMMIT") <= 2, "the first may go alone; the others waited for it"
    assert (await store.census()).chats == 40


async def test_of_units_that_share_a_commit_one_that_fails_undoes_itself_alone(store: SqliteStore) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM subscriptions")
        raise LookupError

    await follow(store, a_chat(1))
    results = await asyncio.gather(
        follow(store, a_chat(2)),
        store.writer.run(broken),
        store.commit((some_changes(a_story(1)), some_changes(a_story(1, a_story(2).lead)))),
        follow(store, a_chat(3)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [bool, LookupError, StoreError, bool]
    census = await store.census()
    assert (census.subscriptions, census.documents) == (3, 0)


async def test_a_call_given_up_before_its_turn_is_not_made(store: SqliteStore) -> None:
    holding, hold = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        holding.set()
        hold.wait(10)
        connection.execute("SELECT 1")

    first = asyncio.create_task(store.writer.run(slow))
    await asyncio.to_thread(holding.wait, 10)
    second = asyncio.create_task(follow(store, a_chat(1)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    hold.set()
    await first
    assert (await store.census()).chats == 0

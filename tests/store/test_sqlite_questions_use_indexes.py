"""No hot question reads a whole table: asked for their plans, the very statements that the store runs say so."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.lateness import Patience
from bot.core.model import Chat, Voice
from bot.core.outcome import Later, Moved, Sent
from bot.core.retention import Ages, cutoffs
from bot.store.rules import LANES_OF_WORKSPACE
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_source, a_story, at, some_changes
from tests.storing import EVERYWHERE, LEASE, addressed, claim, follow, in_memory_directory, publish


@pytest.fixture
async def path() -> AsyncIterator[Path]:
    with in_memory_directory() as directory:
        yield directory / "policybell.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path)
    await opened.register([a_source(number) for number in range(3)])
    for number in range(3):
        await follow(opened, a_chat(number))
    await publish(opened, a_story(1))
    await publish(opened, a_story(2))
    yield opened
    await opened.close()


async def settle_one(store: SqliteStore) -> None:
    (row,) = await claim(store, limit=1)
    await store.settle(row, Later(NOW, "x"), NOW)


async def claim_late(store: SqliteStore) -> None:
    (row, *_) = await store.claim(at(days=4), limit=9, platforms=EVERYWHERE, lease=LEASE, patience=Patience())
    assert row.also


async def claim_side_by_side(store: SqliteStore) -> None:
    for number in range(6):
        await follow(store, Chat("slack", "T1", str(number)))
    await publish(store, a_story(4))
    assert len(await claim(store, limit=16, platforms=["slack"])) == LANES_OF_WORKSPACE
    assert await claim(store, limit=16, platforms=["slack"]) == ()


async def move_by_answer(store: SqliteStore) -> None:
    (row,) = await claim(store, limit=1)
    await store.settle(row, Moved(a_chat(9)), NOW)


async def commit_one(store: SqliteStore) -> None:
    await store.commit((some_changes(a_story(3), deliveries=await addressed(store, a_story(3))),))


# What may be read whole: the values that were handed in, and what a subquery found by an index.
SMALL = re.compile(r"SCAN (json_each VIRTUAL TABLE|\(subquery-\d+\)|CONSTANT ROW)")

QUESTIONS: dict[str, Callable[[SqliteStore], Awaitable[object]]] = {
    "past": lambda store: store.past(["url:x", "url:y"]),
    "due": lambda store: store.due(NOW),
    "subscribers": lambda store: store.subscribers([1, 2]),
    "subscribers of a private source": lambda store: store.subscribers([1, 2], "own-1"),
    "queries": lambda store: store.queries_since(1),
    "commit": commit_one,
    "claim": claim,
    "claim what is late": claim_late,
    "claim side by side": claim_side_by_side,
    "told": lambda store: store.told(a_chat(1), 1),
    "settle": settle_one,
    "recover": lambda store: store.recover(NOW),
    "expire": lambda store: store.expire(at(days=-3)),
    "attempts": lambda store: store.attempted_since(NOW),
    "follow": lambda store: store.follow(a_chat(7), Voice(), "topic:daca", "DACA", NOW),
    "unfollow": lambda store: store.unfollow(a_chat(1), None, NOW),
    "subscriptions": lambda store: store.subscriptions(a_chat(1)),
    "preferences": lambda store: store.preferences(a_chat(1)),
    "voice": lambda store: store.set_voice(a_chat(1), Voice(), NOW),
    "pause": lambda store: store.mute(a_chat(1), None, None, NOW),
    "mute": lambda store: store.mute(a_chat(1), "topic:tps", at(hours=1), NOW),
    "unmute": lambda store: store.unmute(a_chat(1), "topic:tps", NOW),
    "missed": lambda store: store.missed(a_chat(1), NOW, 9),
    "move": lambda store: store.move(a_chat(1), a_chat(2), NOW),
    "moved": move_by_answer,
    "wake": lambda store: store.wake(a_chat(1)),
    "part": lambda store: store.part(a_chat(1), "x", NOW),
    "forget": lambda store: store.forget(a_chat(1)),
    "prune": lambda store: store.prune(cutoffs(at(days=9), Ages()), 100),
    "story": lambda store: store.story(1),
    "story with key": lambda store: store.story_with_key("url:x"),
    "decisions": lambda store: store.decisions(1),
    "history": lambda store: store.history(a_chat(1), 9),
    "delivery": lambda store: store.delivery("x"),
    "retry": lambda store: store.retry("x", NOW),
    "discard": lambda store: store.discard("x", NOW),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_hot_question_scans_no_table(store: SqliteStore, path: Path, question: str) -> None:
    told: list[str] = []
    await store.writer.aside(lambda db: db.conn.set_trace_callback(told.append))
    await QUESTIONS[question](store)
    await store.writer.aside(lambda db: db.conn.set_trace_callback(None))
    asked = {sql for sql in told if sql.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}}
    assert asked
    with closing(sqlite3.connect(path)) as connection:
        for sql in asked:
            plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert [step for step in plan if step.startswith("SCAN") and not SMALL.match(step)] == [], sql


async def test_a_claim_costs_what_it_claims_and_not_what_waits(store: SqliteStore) -> None:
    """Steps of SQLite's machine, counted: a resting chat with a long queue must not be walked through."""

    async def steps_of_a_claim() -> int:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        await store.writer.aside(lambda db: db.conn.set_progress_handler(step, 1))
        assert await claim(store, platforms=["slack"]) == ()
        await store.writer.aside(lambda db: db.conn.set_progress_handler(None, 1))
        return steps

    resting = a_chat(50, platform="slack")
    await follow(store, resting)
    await publish(store, a_story(3))
    (row,) = await claim(store, platforms=["slack"])
    await store.settle(row, Sent("r", at(hours=12)), NOW)
    await publish(store, a_story(4))
    few = await steps_of_a_claim()
    stories = [a_story(number) for number in range(5, 205)]
    await store.commit([some_changes(one, deliveries=await addressed(store, one)) for one in stories])
    assert await steps_of_a_claim() == few

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.core.model import Chat, Voice
from bot.core.outcome import Gone, Later, Sent, Unsure
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_story
from tests.storing import addressed, claim, follow, in_memory_directory, publish

CANARY = "-1009998887776"
FORMER = "-700112233445"
WORDS = "wordsthatonlyshewouldwrite"


@pytest.fixture
async def path() -> AsyncIterator[Path]:
    with in_memory_directory() as directory:
        yield directory / "policybell.db"


def hits(path: Path, *secrets: str) -> int:
    """Count the secrets in the raw bytes of the database, its log and its index."""
    return sum(file.read_bytes().count(secret.encode()) for file in path.parent.iterdir() for secret in secrets)


async def a_life(store: SqliteStore) -> Chat:
    """Let a chat have rows in every state, a former name, words of its own; and many others beside it."""
    her, then = Chat("telegram", "", CANARY, "5"), Chat("telegram", "", FORMER, "5")
    for number in range(40):
        await follow(store, a_chat(number))
    await store.follow(then, Voice(), WORDS, f"Filter: {WORDS}", NOW)
    outcomes = [Sent(f"{FORMER}/17", NOW), Unsure(NOW, f"{CANARY} did not answer"), Unsure(NOW, "x"), Later(NOW, "x")]
    for number, outcome in enumerate(outcomes, 1):
        await publish(store, a_story(number))
        for row in await claim(store):
            await store.settle(row, outcome if row.chat == then else Sent("r", NOW), NOW)
    await store.move(then, her, NOW)
    await publish(store, a_story(9))
    return her


async def test_a_forgotten_chat_is_in_no_byte_of_the_files(path: Path) -> None:
    store = SqliteStore(path)
    her = await a_life(store)
    assert hits(path, CANARY) > 0
    assert hits(path, FORMER) > 0
    assert hits(path, WORDS) > 0
    await store.forget(her)
    assert hits(path, CANARY, FORMER, WORDS) == 0
    assert (await store.census()).chats == 40
    await store.close()
    assert hits(path, CANARY, FORMER, WORDS) == 0


async def test_forgetting_while_a_message_is_on_its_way_leaves_nothing_either(path: Path) -> None:
    store = SqliteStore(path)
    her = await a_life(store)
    planned = await addressed(store, a_story(10))
    (row,) = [row for row in await claim(store) if row.chat == her]
    await store.forget(her)
    await store.settle(row, Gone(f"{CANARY} was not found"), NOW)
    await store.recover(NOW, every_lease=True)
    assert {row.chat for row in planned} > {her}
    assert hits(path, CANARY, FORMER, WORDS) == 0
    await store.close()


async def test_a_reader_that_keeps_the_log_alive_is_named_and_the_rows_are_gone(path: Path) -> None:
    store = SqliteStore(path)
    her = await a_life(store)
    await store.writer.aside(lambda db: db.execute("PRAGMA busy_timeout = 1").fetchone())
    reader = SqliteStore(path)
    await reader.writer.aside(lambda db: db.execute("BEGIN").fetchone())
    await reader.writer.aside(lambda db: db.execute("SELECT count(*) FROM chats").fetchone())
    with capture_logs() as logs:
        await store.forget(her)
    assert [log["event"] for log in logs] == ["store.log_kept"]
    assert (await store.census()).chats == 40
    await reader.close()
    await store.close()
    await SqliteStore(path).close()
    assert hits(path, CANARY, FORMER, WORDS) == 0

"""Whatever people and feeds write is text, never SQL, and comes back as it went in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.core.intake import Cursor
from bot.core.model import Chat, DeliveryState, Story, Voice
from bot.core.outcome import Later
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_document, some_changes
from tests.storing import addressed, claim, in_memory_directory

pytestmark = pytest.mark.soak


class Shelf:
    """One database for all examples, emptied of chats in between."""

    def __init__(self, store: SqliteStore, runner: asyncio.Runner) -> None:
        self.store = store
        self.run = runner.run
        self.number = 0


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    with in_memory_directory() as directory, asyncio.Runner() as runner:
        store = SqliteStore(directory / "policybell.db")
        yield Shelf(store, runner)
        runner.run(store.close())


async def there_and_back(store: SqliteStore, number: int, text: str) -> None:
    chat = Chat("telegram", text, text, text)
    await store.follow(chat, Voice(text, text), text, text, NOW)
    (line,) = await store.subscriptions(chat)
    assert (line.query, line.label) == (text, text)
    document = a_document(
        id=f"{number} {text}",
        keys=(f"{number} {text}", text),
        title=text,
        text=text,
        url=text,
        agency=text,
        date_note=text,
        facts={text: text},
    )
    story = Story(number, document, NOW)
    cursor = Cursor("source-1", etag=text, last_modified=text, last_error=text)
    deliveries = await addressed(store, story)
    await store.commit((some_changes(story, deliveries=deliveries, cursor=cursor),))
    assert await store.story(number) == story
    assert await store.story_with_key(f"{number} {text}") == story
    assert number in [one.story for one in (await store.past([text])).fingerprints]
    (row,) = await claim(store)
    assert row.alert.why == deliveries[0].alert.why
    assert await store.settle(row, Later(NOW, text), NOW) is DeliveryState.PENDING
    kept = await store.delivery(row.id)
    assert kept is not None
    assert (kept.last_error, kept.chat, kept.alert.voice) == (text, chat, Voice(text, text))
    assert len(await store.unfollow(chat, text, NOW)) == 1
    await store.forget(chat)


async def check(store: SqliteStore) -> list[object]:
    """Read every JSON column, and that the database is sound."""
    invalid = """SELECT id FROM documents WHERE NOT json_valid(facts)
        UNION ALL SELECT id FROM deliveries WHERE NOT json_valid(why)"""
    return await store.writer.run(
        lambda connection: [
            *connection.execute(invalid),
            *(row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"),
        ]
    )


# A long proof takes 10,000; `make test` takes a share, always the same.
@settings(
    max_examples=10_000 if os.environ.get("POLICYBELL_SOAK") else 150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
@example("'; DROP TABLE chats; --")
@example('" OR ""="')
@example("?1 :name @name $name %s {0} {x.__class__}")
@example("*/ UNION SELECT * FROM queries /*")
@example("\x01\x7f\u2028\ufeff\U0010ffff")
@example("[]{}\"\\u0000\\'")
@example("NULL")
@example("")
def test_any_text_comes_back_as_it_went_in(shelf: Shelf, text: str) -> None:
    shelf.number += 1
    shelf.run(there_and_back(shelf.store, shelf.number, text))


def test_after_all_that_text_the_database_is_sound(shelf: Shelf) -> None:
    shelf.run(there_and_back(shelf.store, 999_999, "the last one"))
    assert shelf.run(check(shelf.store)) == []

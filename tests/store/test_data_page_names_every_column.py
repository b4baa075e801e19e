from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from bot.core.added import Wanted
from bot.core.model import Voice
from bot.store.sqlite.opening import open_database
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_story
from tests.storing import follow, in_memory_directory, publish

PAGE = Path(__file__).parents[2] / "docs" / "data.md"

# What is never kept of people. Words, not parts of words: `agency` is no age.
FORBIDDEN = re.compile(r"(^|_)(user|username|first_name|last_name|phone|email|ip|message_text|member|clicked)(_|$)")


def documented() -> dict[str, list[str]]:
    """Read the page: a section a table, a line a column."""
    tables: dict[str, list[str]] = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        lines = re.findall(r"^\| (\w+) \| (.+) \|$", body, re.MULTILINE)
        tables[name] = [column for column, meaning in lines if column != "column"]
        assert all(meaning.endswith(".") for column, meaning in lines if column != "column"), name
    return tables


def kept(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Read the schema; a view of everything of a table names only what it adds."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name <> ?", SEQUENCE)
    columns = {
        name: [column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))]
        for (name,) in names
    }
    view = columns["deliveries_with_chat"]
    columns["deliveries_with_chat"] = [column for column in view if column not in columns["deliveries"]]
    return columns


SEQUENCE = ("sqlite_sequence",)  # SQLite's own, for ids that are never given twice


def test_every_column_is_described_and_every_description_has_its_column(tmp_path: Path) -> None:
    db = open_database(tmp_path / "policybell.db")
    schema = kept(db.conn)
    db.close()
    assert documented() == schema


def test_no_column_is_about_a_person(tmp_path: Path) -> None:
    db = open_database(tmp_path / "policybell.db")
    schema = kept(db.conn)
    db.close()
    assert not [column for columns in schema.values() for column in columns if FORBIDDEN.search(column)]


# What leads to a chat: its number in our own tables, or its name.
POINTERS = {"chat_id", "chat"}
VIEWS = {"deliveries_with_chat", "lane_heads"}  # they hold nothing of their own


async def test_a_chat_is_given_every_column_that_is_about_a_chat() -> None:
    """`/mydata` against this page: a table that points at chats is given, row by row, with every column."""
    pages = documented()
    about = {table for table, columns in pages.items() if POINTERS.intersection(columns)} - VIEWS
    with in_memory_directory() as directory:
        store = SqliteStore(directory / "policybell.db")
        for number in (1, 2):
            await follow(store, a_chat(number), f"topic:tps AND word{number}")
            await store.add_source(Wanted("feed", "https://example.org/feed", "x", a_chat(number)), Voice(), NOW)
        await publish(store, a_story(1))
        given = await store.kept(a_chat(1))
        await store.close()
    assert set(given) == about | {"queries"}
    for table, rows in given.items():
        assert [list(row) for row in rows] == [pages[table]], table

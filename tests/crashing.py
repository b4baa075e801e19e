"""Processes that write to a database and die of it: `python -m tests.crashing loop|statements PATH [CARE|WORK]`.

`loop` writes poll after poll, delivers each, and says so on stdout when it is on disk; its parent kills it.
`statements` does one piece of work again and again, each time on a copy of the database and in a process of its own,
which kills itself as SQLite begins the first, second, third … statement; the last copy has all of the work.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from bot.core.intake import Cursor
from bot.core.outcome import Sent
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_source, a_story, some_changes
from tests.storing import addressed, claim, follow

CHATS = 3


async def begin(path: Path) -> None:
    """Make a database in which three chats follow, and the first story waits for them."""
    store = SqliteStore(path)
    await store.register((a_source(1),))
    for number in range(CHATS):
        await follow(store, a_chat(number))
    await poll(store, 1)
    await store.close()


async def poll(store: SqliteStore, number: int) -> None:
    """Write one poll: its number is in the cursor, the document, the story and the deliveries."""
    story = a_story(number)
    changes = some_changes(story, deliveries=await addressed(store, story), cursor=Cursor("source-1", etag=str(number)))
    await store.commit((changes,))


async def deliver(store: SqliteStore) -> None:
    for row in await claim(store):
        await store.settle(row, Sent(f"receipt of {row.id}", NOW), NOW)
        print("sent", row.id, flush=True)


async def loop(path: Path, synchronous: str = "") -> None:
    store = SqliteStore(path)
    if synchronous:  # else as the store itself has it
        await store.writer.aside(lambda db: db.execute(f"PRAGMA synchronous = {synchronous}").fetchone())
    await store.recover(NOW, every_lease=True)
    (cursor,) = await store.cursors()
    number = int(cursor.etag)
    while True:
        number += 1
        await poll(store, number)
        print("poll", number, flush=True)
        await deliver(store)


WORKS: dict[str, Callable[[SqliteStore], Awaitable[object]]] = {
    "poll": lambda store: poll(store, 2),
    "deliver": deliver,
    "move": lambda store: store.move(a_chat(0), a_chat(1), NOW),
    "forget": lambda store: store.forget(a_chat(0)),
}


async def die_at(path: Path, work: str, statement: int) -> None:
    """Do one piece of work, and die as its statement of this number begins."""
    store = SqliteStore(path)
    left = statement

    def count(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    await store.writer.aside(lambda db: db.conn.set_trace_callback(count))
    await WORKS[work](store)
    await store.writer.aside(lambda db: db.conn.set_trace_callback(None))
    await store.close()


def statements(path: Path, work: str) -> None:
    """Fork a process for each statement, until one lives to the end. This one has no threads, so it may fork."""
    killed, number = True, 0
    while killed:
        number += 1
        copy = path.with_name(f"{work}-{number:03}.db")
        shutil.copy(path, copy)
        if (child := os.fork()) == 0:
            asyncio.run(die_at(copy, work, number))
            os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if sys.argv[1] == "loop":
        asyncio.run(loop(Path(sys.argv[2]), *sys.argv[3:]))
    statements(Path(sys.argv[2]), sys.argv[3])

"""The SQLite store: every method is one unit of work on the writer's thread. The doors are described in `bot.ports`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import structlog

from bot.core.model import Chat
from bot.core.retention import Cutoffs, Pruned
from bot.errors import DiskFull, StoreError
from bot.store.sqlite import (
    adding,
    archive,
    chats,
    committing,
    delivering,
    flooding,
    keeping,
    muting,
    oversight,
    pages,
    people,
    polling,
    retention,
    waiting,
)
from bot.store.sqlite.copying import back_up, size_of
from bot.store.sqlite.forgetting import Names, remember
from bot.store.sqlite.opening import checkpoint, open_database
from bot.store.sqlite.rows import Connection
from bot.store.sqlite.writer import Writer
from bot.store.threaded import threaded

log = structlog.get_logger()

BACKUPS = "backups"  # beside the database: where the schema's changes are preceded by a copy
EMPTY_AGAIN_SECONDS = 2.0


def _forget(connection: Connection, names: Names, chat: Chat) -> None:
    remember(connection, [names.hash_of(name) for name in people.forget_with_threads(connection, chat)])


class SqliteStore:
    """Satisfies `bot.ports.Store` on one SQLite file."""

    def __init__(self, path: Path, make_room: Callable[[], bool] = lambda: False) -> None:
        self.writer = Writer(partial(open_database, path, backups=path.parent / BACKUPS), make_room)
        self._names = Names(path.parent)
        self._emptying: asyncio.Task[None] | None = None
        self._one_backup = asyncio.Lock()

    register = threaded(polling.register)
    cursors = threaded(polling.cursors)
    due = threaded(polling.due)
    earliest_claim = threaded(polling.earliest_claim)
    past = threaded(polling.past)
    page = threaded(pages.page)
    subscribers = threaded(polling.subscribers)
    queries_since = threaded(polling.queries_since)
    commit = threaded(committing.commit)

    claim = threaded(delivering.claim)
    settle = threaded(delivering.settle)
    recover = threaded(delivering.recover)
    expire = threaded(delivering.expire)
    attempted_since = threaded(delivering.attempted_since)
    hold = threaded(waiting.hold)
    release = threaded(waiting.release)
    held = threaded(waiting.held)
    clock_was_set = threaded(waiting.clock_was_set)
    pull_back = threaded(waiting.pull_back)

    floods = threaded(flooding.floods)
    held_of = threaded(flooding.held_of)
    release_flood = threaded(flooding.release_flood)
    discard_flood = threaded(flooding.discard_flood)
    end_flood = threaded(committing.end_flood)

    add_source = threaded(adding.add_source)
    added_sources = threaded(adding.added_sources)
    drop_source = threaded(adding.drop_source)

    follow = threaded(people.follow)
    unfollow = threaded(people.unfollow)
    subscriptions = threaded(people.subscriptions)
    preferences = threaded(chats.preferences)
    set_voice = threaded(chats.set_voice)
    mute = threaded(muting.mute)
    unmute = threaded(muting.unmute)
    missed = threaded(muting.missed)
    wake = threaded(chats.wake)
    part = threaded(chats.part)
    move = threaded(chats.move)
    _forget = threaded(_forget)
    _prune = threaded(retention.prune)

    stories = threaded(archive.stories)
    story = threaded(archive.story)
    story_with_key = threaded(archive.story_with_key)
    decisions = threaded(archive.decisions)
    history = threaded(archive.history)

    outbox = threaded(delivering.outbox)
    delivery = threaded(delivering.delivery)
    told = threaded(delivering.told)
    retry = threaded(delivering.retry)
    discard = threaded(delivering.discard)
    census = threaded(archive.census)
    touch = threaded(archive.touch)
    pause_source = threaded(oversight.pause_source)
    resume_source = threaded(oversight.resume_source)
    move_source = threaded(oversight.move_source)
    paused_sources = threaded(oversight.paused_sources)
    poll_next = threaded(oversight.poll_next)
    vitals = threaded(oversight.vitals)
    rhythms = threaded(oversight.rhythms)
    note = threaded(oversight.note)
    audit = threaded(oversight.audit)

    async def forget(self, chat: Chat) -> None:
        """Delete all that is kept about a chat, and empty the log, which holds the pages as they were before.

        Where another program reads just then, the log is emptied as soon as that has ended.
        """
        await self._forget(self._names, chat)
        await self._empty_log_soon()

    async def prune(self, cutoffs: Cutoffs, limit: int) -> Pruned:
        """Take away what is too old, at most `limit` rows of each kind; forget chats as `forget` does."""
        pruned = await self._prune(cutoffs, limit)
        if pruned.chats:
            await self._empty_log_soon()
        return pruned

    async def vacuum(self) -> None:
        """Write the file anew without its empty pages. Everybody waits for it."""
        async with self._one_backup:
            await self.writer.aside(lambda db: db.conn.execute("VACUUM"))
            await self.writer.aside(checkpoint)

    async def _empty_log_soon(self) -> None:
        if await self._empty_log():
            return
        log.warning("store.log_kept", advice="another program reads the database; its log is emptied after that")
        if self._emptying is None or self._emptying.done():
            self._emptying = asyncio.create_task(self._keep_emptying_log())

    async def _keep_emptying_log(self) -> None:
        with contextlib.suppress(StoreError):  # whoever writes next is told
            while True:
                await asyncio.sleep(EMPTY_AGAIN_SECONDS)
                if await self._empty_log():
                    return

    async def _empty_log(self) -> bool:
        with contextlib.suppress(DiskFull):
            return await self.writer.aside(checkpoint)
        return False

    async def backup(self, file: Path) -> None:
        """Write everything to a new file, checked and compressed; all else goes on meanwhile."""
        async with self._one_backup:
            await back_up(self.writer.copy, await self.writer.run(size_of), file)

    async def kept(self, chat: Chat) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """Read everything about a chat, between two transactions."""
        return await self.writer.aside(partial(keeping.kept, chat=chat))

    async def close(self) -> None:
        """Finish what was asked, then close the file."""
        if self._emptying is not None:
            self._emptying.cancel()
        await self.writer.close()

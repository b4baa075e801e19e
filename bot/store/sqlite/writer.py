"""The one thread that owns the one connection.

Units of work that are waiting together share a transaction, each within a savepoint of its own: a commit to disk is
what costs, and with many lanes open the next acknowledgement often waits already. A lone unit waits for nobody.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from sqlite_utils import Database

from bot.errors import StoreError
from bot.store.sqlite.failures import ends_the_connection, sentence

R = TypeVar("R")

TOGETHER = 100  # units in one transaction: the gain flattens out between 50 and 100


@dataclass(slots=True)
class _Job(Generic[R]):
    unit: Callable[[sqlite3.Connection], R]
    answer: Future[R] = field(default_factory=Future)
    tell: Callable[[], None] = lambda: None

    def work(self, db: Database) -> None:
        """Do the unit within its savepoint, and note what to tell once the transaction is on disk.

        An error that is this unit's own undoes it alone; one of the database is raised.
        """
        try:
            with db.atomic():
                result = self.unit(db.conn)
        except sqlite3.Error as error:
            if ends_the_connection(error):
                raise
            refusal = StoreError(sentence(error))
            refusal.__cause__ = error
            self.tell = partial(self.answer.set_exception, refusal)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller that waits shall see it as it is
            self.tell = partial(self.answer.set_exception, error)
        else:
            self.tell = partial(self.answer.set_result, result)


class Writer:
    """Runs units of work in order. After the database failed once, it does nothing more and says why."""

    def __init__(self, open_database: Callable[[], Database]) -> None:
        self._jobs: deque[_Job[Any]] = deque()
        self._failure = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            self._db = self._thread.submit(open_database).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def run(self, unit: Callable[[sqlite3.Connection], R]) -> R:
        """Do `unit` in a transaction, and return its result once that is on disk."""
        job = _Job(unit)
        self._jobs.append(job)
        self._send(self._work)
        return await asyncio.wrap_future(job.answer)

    async def aside(self, work: Callable[[Database], R]) -> R:
        """Do `work` outside any transaction: for housekeeping that SQLite allows only there."""
        return await asyncio.wrap_future(self._send(partial(self._alone, work)))

    async def close(self) -> None:
        """Finish what was asked, then close. Closing twice is harmless."""
        try:
            await asyncio.wrap_future(self._send(self._db.close))
        except StoreError:
            return
        self._thread.shutdown()

    def _send(self, work: Callable[[], R]) -> Future[R]:
        try:
            return self._thread.submit(work)
        except RuntimeError as error:
            raise StoreError("The database is closed.") from error

    def _alone(self, work: Callable[[Database], R]) -> R:
        if self._failure:
            raise StoreError(self._failure)
        try:
            return work(self._db)
        except sqlite3.Error as error:
            raise StoreError(sentence(error)) from error

    def _work(self) -> None:
        """Do all that waits, up to a limit, in one transaction; calls whose work that was find nothing left."""
        jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), TOGETHER))]
        jobs = [job for job in jobs if job.answer.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            self._transact(jobs)
        except BaseException as error:  # noqa: BLE001 - callers wait for an answer, whatever happened
            self._fail(error)
            for job in jobs:
                failure = StoreError(self._failure)
                failure.__cause__ = error
                job.answer.set_exception(failure)
        else:
            for job in jobs:
                job.tell()

    def _transact(self, jobs: list[_Job[Any]]) -> None:
        if self._failure:
            raise StoreError(self._failure)
        connection = self._db.conn
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            job.work(self._db)
        connection.execute("COMMIT")
        assert not connection.in_transaction, "a unit of work left a transaction open"

    def _fail(self, error: BaseException) -> None:
        """Note the failure for good: the connection is not tried again.

        After a failed fsync, SQLite and the system disagree on what is on disk, and only opening the file anew tells.
        """
        if not self._failure:
            self._failure = sentence(error) if isinstance(error, sqlite3.Error) else f"The store broke: {error!r}."
        with suppress(sqlite3.Error):
            self._db.rollback()

"""The one thread that owns the one connection.

Units of work that are waiting together share a transaction, each within a savepoint of its own: a commit to disk is
what costs, and with many lanes open the next acknowledgement often waits already. A lone unit waits for nobody.
A copy of the database is made on the same connection, step by step, and between two steps all else is done.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlite_utils import Database

from bot.errors import StoreError
from bot.store.sqlite.failures import ends_the_connection, is_full, is_of_the_disk, sentence, told
from bot.store.sqlite.opening import tidy_log

R = TypeVar("R")

TOGETHER = 100  # units in one transaction: the gain flattens out between 50 and 100
TIDY_AFTER = 50  # transactions: at 20 kB each, the log is moved into the file at about 1 MB, as SQLite does by itself
TIDY_AFTER_ROWS = 2_000  # or so many rows: a fan-out to many chats is one transaction
COPY_PAGES = 64  # a step of a copy, 256 kB: nobody waited longer than 7 ms for one (495 MB, 100 writes a second)


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
    """Runs units of work in order. After the database failed once, it does nothing more and says why.

    A full disk is no such failure: `make_room` is asked for some, and without it the units that it hit are told
    `DiskFull`, and the next ones are tried.
    """

    def __init__(self, open_database: Callable[[], Database], make_room: Callable[[], bool] = lambda: False) -> None:
        self._make_room = make_room
        self._jobs: deque[_Job[Any]] = deque()
        self._asides: deque[Callable[[], None]] = deque()
        self._failure = ""
        self._closing = False
        self._untidied = self._rows_tidied = 0  # transactions since the log was moved into the file, rows until then
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
        answer: Future[R] = Future()
        self._asides.append(partial(self._alone, work, answer))
        self._send(self._work_aside)
        return await asyncio.wrap_future(answer)

    async def copy(self, target: Path) -> None:
        """Copy the database, as it is at the end of the copying, to a new file; all else goes on meanwhile.

        What changes under way is changed in the copy too. No lock is held between two steps, so nothing waits long,
        and no other connection is needed. Raises `StoreError` where the copy cannot be written; the file is left.
        """
        await asyncio.wrap_future(self._send(partial(self._copy, target)))

    async def close(self) -> None:
        """Finish what was asked, but for copies, then close. Closing twice is harmless."""
        self._closing = True
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

    def _work_aside(self) -> None:
        """Do what waits to be done outside of transactions; calls whose work that was find nothing left."""
        while self._asides:
            self._asides.popleft()()

    def _alone(self, work: Callable[[Database], R], answer: Future[R]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            if self._failure:
                raise StoreError(self._failure)  # noqa: TRY301 - the caller gets it like any other error
            answer.set_result(work(self._db))
        except sqlite3.Error as error:
            if is_of_the_disk(error):
                self._fail(error)
            failure = told(error)
            failure.__cause__ = error
            answer.set_exception(failure)
        except BaseException as error:  # noqa: BLE001 - the caller waits for an answer, whatever happened
            answer.set_exception(error)

    def _copy(self, target: Path) -> None:
        self._check_that_copies_may_go_on()
        try:
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                copy.execute("PRAGMA journal_mode = OFF")
                copy.execute("PRAGMA synchronous = OFF")  # the caller makes it durable, away from this thread
                self._db.conn.backup(copy, pages=COPY_PAGES, progress=self._between_steps)
        except sqlite3.Error as error:
            raise StoreError(f"The copy could not be made. {sentence(error)}") from error

    def _between_steps(self, status: int, left: int, pages: int) -> None:
        del status, left, pages
        while self._jobs or self._asides:
            self._work()
            self._work_aside()
        self._check_that_copies_may_go_on()

    def _check_that_copies_may_go_on(self) -> None:
        if self._failure or self._closing:
            raise StoreError(self._failure or "The copy was not finished: the database is being closed.")

    def _work(self) -> None:
        """Do all that waits, up to a limit, in one transaction; calls whose work that was find nothing left."""
        jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), TOGETHER))]
        jobs = [job for job in jobs if job.answer.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            self._transact_again_if_full(jobs)
        except BaseException as error:  # noqa: BLE001 - callers wait for an answer, whatever happened
            if not is_full(error):
                self._fail(error)
            self._undo()
            for job in jobs:
                failure = told(error) if isinstance(error, sqlite3.Error) else StoreError(self._failure)
                failure.__cause__ = error
                job.answer.set_exception(failure)
        else:
            for job in jobs:
                job.tell()
            self._tidy()

    def _transact_again_if_full(self, jobs: list[_Job[Any]]) -> None:
        try:
            self._transact(jobs)
        except sqlite3.Error as error:
            self._undo()
            if not is_full(error) or not self._make_room():
                raise
            self._transact(jobs)

    def _transact(self, jobs: list[_Job[Any]]) -> None:
        if self._failure:
            raise StoreError(self._failure)
        connection = self._db.conn
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            job.work(self._db)
        connection.execute("COMMIT")
        assert not connection.in_transaction, "a unit of work left a transaction open"

    def _tidy(self) -> None:
        """Move the log into the file now and then. Everybody was told already: what fails here is told to the next."""
        self._untidied += 1
        rows = self._db.conn.total_changes
        if self._untidied < TIDY_AFTER and rows - self._rows_tidied < TIDY_AFTER_ROWS:
            return
        self._untidied, self._rows_tidied = 0, rows
        try:
            tidy_log(self._db.conn)
        except sqlite3.Error as error:
            if not is_full(error):
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Note the failure for good: the connection is not tried again.

        After a failed fsync, SQLite and the system disagree on what is on disk, and only opening the file anew tells.
        """
        if not self._failure:
            self._failure = sentence(error) if isinstance(error, sqlite3.Error) else f"The store broke: {error!r}."

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            self._db.rollback()
        if self._db.conn.in_transaction:
            self._fail(StoreError("a change could not be undone"))

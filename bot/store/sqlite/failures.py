"""What a failing database means, in words for people: no SQL, no values, and the next step."""

from __future__ import annotations

import sqlite3

from bot.errors import DiskFull, StoreError

_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk is full: the last change was not saved. Make room; it goes on by itself then.",
    sqlite3.SQLITE_IOERR: (
        "The disk could not be read or written: the last change was not saved. Check the disk, then start again."
    ),
    sqlite3.SQLITE_READONLY: "The database may not be written. Give its file and directory to the user who runs this.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened. Check its path and the rights on its directory.",
    sqlite3.SQLITE_PERM: "The database file cannot be opened. Check its path and the rights on its directory.",
    sqlite3.SQLITE_BUSY: "Another program holds the database. Close what has it open, then start again.",
    sqlite3.SQLITE_LOCKED: "Another program holds the database. Close what has it open, then start again.",
    sqlite3.SQLITE_CORRUPT: "The database is damaged. It is kept; a backup can replace it: `policybell restore FILE`.",
    sqlite3.SQLITE_NOTADB: "The file is not a Policybell database. It is kept; move it aside, or name another file.",
    sqlite3.SQLITE_NOMEM: "There was not enough memory for the database. The last change was not saved.",
    sqlite3.SQLITE_CONSTRAINT: "The database refused a change that would break its own rules; nothing of it was saved.",
}


def sentence(error: sqlite3.Error) -> str:
    """Say what failed and what to do, with SQLite's own name for it."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    known = _SENTENCES.get(_kind(error), "The database did not do its work; the last change was not saved.")
    return f"{known} ({name})"


def told(error: sqlite3.Error) -> StoreError:
    """Make the error that callers see: a full disk is one that passes."""
    return DiskFull(sentence(error)) if is_full(error) else StoreError(sentence(error))


def is_full(error: BaseException) -> bool:
    """Tell a full disk from everything else: SQLite has undone the change, and the connection is as it was before."""
    return _kind(error) == sqlite3.SQLITE_FULL


def is_of_the_disk(error: BaseException) -> bool:
    """Tell that reading or writing itself failed: what is on disk is then known only after opening it anew."""
    return _kind(error) in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _kind(error: BaseException) -> int:
    # The low byte is the kind of error, the rest its variety (SQLITE_IOERR_FSYNC is a SQLITE_IOERR).
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def ends_the_connection(error: sqlite3.Error) -> bool:
    """Tell a failing database (nothing more may be asked of it) from one change that it refused, or our own mistake."""
    refused = sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError | sqlite3.DataError
    return not isinstance(error, refused)

"""A process that dies while it migrates: `python -m tests.migrating BASE SEED KILLS` leaves `killed-000.db` … beside.

Each is a copy of BASE that a process of its own brought up to date until, after a random number of SQLite's own
instructions, it killed itself: in the backup before, in the midst of a statement, or between two.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import structlog
from sqlite_utils import Database

from bot.store.migrations import migrations
from bot.store.sqlite.opening import check_and_migrate, set_pragmas
from tests.builders import NOW

AT = NOW.isoformat(timespec="microseconds").replace("+00:00", "Z")


def a_database_of(path: Path, stop_before: str) -> None:
    """Make a database as an earlier release left it: with all steps before this one, and rows in every table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        set_pragmas(connection)
        db = Database(connection, execute_plugins=False)
        migrations.apply(db, stop_before=stop_before)
        with db.atomic():
            fill(connection)


def fill(connection: sqlite3.Connection) -> None:
    """Write rows with the columns of the first schema."""
    connection.execute(
        """INSERT INTO sources (id, kind, name, url, standing, agency, language, dormant)
        VALUES ('s', 'feed', 'S', 'https://s.example', 'official', '', 'en', 0)"""
    )
    connection.execute(
        """INSERT INTO cursors (source_id, validator_url, etag, last_modified, body_hash, next_poll_at, failures,
            last_error, last_success_at, last_new_at)
        VALUES ('s', '', '"v1"', '', '', ?, 0, '', ?, ?)""",
        (AT, AT, AT),
    )
    for number in range(1, 11):
        document = f"d{number}"
        connection.execute("INSERT INTO stories VALUES (?, ?, ?)", (number, document, AT))
        connection.execute(
            """INSERT INTO documents (id, source_id, story, outlet, standing, agency, language, url, number, title,
                text, claimed_at, precision, date_note, facts, digest, latest_digest, seen_at)
            VALUES (?, 's', ?, 'S', 'official', '', 'en', ?, '', ?, ?, ?, 'time', '', '{"type": "x"}', 'd', 'd', ?)""",
            (document, number, f"https://s.example/{number}", f"News {number}", "long " * 500, AT, AT),
        )
        connection.execute("INSERT INTO document_keys VALUES (?, ?)", (f"url:{number}", document))
        connection.execute(
            "INSERT INTO decisions (story, document_id, digest, state, because, decided_at) "
            "VALUES (?, ?, 'd', 'new', 'unlike all else', ?)",
            (number, document, AT),
        )
        connection.execute(
            "INSERT INTO revisions VALUES (?, 'e', '', 'News', 'longer', NULL, 'none', '', '{}', ?)", (document, AT)
        )
    connection.execute("INSERT INTO queries (text, added_version) VALUES ('topic:tps', 1)")
    for number in range(1, 6):
        connection.execute(
            """INSERT INTO chats (platform, workspace, chat, thread, language, zone, created_at)
            VALUES ('telegram', '', ?, '', 'en', 'UTC', ?)""",
            (str(number), AT),
        )
        connection.execute(
            "INSERT INTO subscriptions (chat_id, query_id, label, created_at) VALUES (?, 1, 'TPS', ?)", (number, AT)
        )
        for story in range(1, 11):
            connection.execute(
                """INSERT INTO deliveries (id, chat_id, story, document_id, reason, why, state, due_at, waiting_since)
                VALUES (?, ?, ?, ?, 'new', '[]', ?, ?, ?)""",
                (f"{number}-{story}", number, story, f"d{story}", "pending" if story > 7 else "sent", AT, AT),
            )


def migrate(path: Path, die_after: int) -> tuple[int, int]:
    """Bring a database up to date as a start does, but die after so many instructions.

    Return how many it took before there was a backup, and in all.
    """
    done, prepared, backups = 0, 0, path.parent / f"{path.stem}-backups"

    def count() -> int:
        nonlocal done, prepared
        done += 1
        if not die_after and not prepared and backups.exists() and any(backups.glob("*.gz")):
            prepared = done
        if done == die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    connection = sqlite3.connect(path, isolation_level=None)
    set_pragmas(connection)
    connection.set_progress_handler(count, 1)
    check_and_migrate(Database(connection, execute_plugins=False), path, backups)
    connection.set_progress_handler(None, 1)
    connection.close()
    return prepared, done


def kill(base: Path, seed: int, kills: int) -> None:
    """Fork a process for each kill. This one has no threads, so it may fork."""
    whole = base.with_name("whole.db")
    shutil.copy(base, whole)
    prepared, instructions = migrate(whole, 0)
    chance = random.Random(seed)
    for number in range(kills):
        copy = base.with_name(f"killed-{number:03}.db")
        shutil.copy(base, copy)
        at = chance.randint(prepared if number % 5 else 1, instructions)
        if (child := os.fork()) == 0:
            migrate(copy, at)
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    kill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

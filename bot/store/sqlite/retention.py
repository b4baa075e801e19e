"""What its age takes away, a limited number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.retention import Cutoffs, Pruned
from bot.store.sqlite import pages, people
from bot.store.sqlite.rows import Connection, as_list, chat_of, stamp

_DEAD = ("dead", "maybe")
_OTHERS = ("sent", "expired", "cancelled")
_CHATS_A_TIME = 10  # each may have thousands of rows


def prune(connection: Connection, cutoffs: Cutoffs, limit: int) -> Pruned:
    """Take away at most `limit` of each kind; where the answer is nothing at all, nothing is left to take."""
    _tidy_forgotten(connection, cutoffs)
    pages.drop_unwatched(connection, cutoffs.texts)
    return Pruned(
        items=_empty_items(connection, cutoffs.items, limit),
        texts=_empty_texts(connection, cutoffs.texts, limit),
        deliveries=_count_and_delete(connection, _DEAD, cutoffs.dead_letters, limit)
        + _count_and_delete(connection, _OTHERS, cutoffs.deliveries, limit),
        chats=_forget_gone(connection, cutoffs.chats),
        audit=_delete_audit(connection, cutoffs.audit, limit),
    )


def _empty_items(connection: Connection, before: datetime, limit: int) -> int:
    """Leave of old documents what a copy would be recognized by, and what it was called."""
    ids = _old_documents(connection, "told IN (0, 1) AND pruned IN (0, 1)", before, limit)
    connection.execute(f"DELETE FROM revisions WHERE document_id IN {_THESE}", (ids,))  # noqa: S608 our own words
    connection.execute(f"DELETE FROM decisions WHERE document_id IN {_THESE}", (ids,))  # noqa: S608
    return connection.execute(
        f"UPDATE documents SET text = '', facts = '{{}}', pruned = 2 WHERE id IN {_THESE}",  # noqa: S608
        (ids,),
    ).rowcount


def _empty_texts(connection: Connection, before: datetime, limit: int) -> int:
    ids = _old_documents(connection, "told = 0 AND pruned = 0", before, limit)
    connection.execute(f"UPDATE revisions SET text = '' WHERE document_id IN {_THESE}", (ids,))  # noqa: S608
    return connection.execute(f"UPDATE documents SET text = '', pruned = 1 WHERE id IN {_THESE}", (ids,)).rowcount  # noqa: S608


_THESE = "(SELECT value FROM json_each(?))"


def _old_documents(connection: Connection, those: str, before: datetime, limit: int) -> str:
    rows = connection.execute(
        f"SELECT id FROM documents WHERE {those} AND seen_at < ? LIMIT ?",  # noqa: S608 our own words
        (stamp(before), limit),
    )
    return as_list(row["id"] for row in rows)


def _count_and_delete(connection: Connection, states: Iterable[str], before: datetime, limit: int) -> int:
    """Count rows by day and delete them. One that was put back since it was due is as old as its end."""
    seqs = as_list(
        row["seq"]
        for row in connection.execute(
            """SELECT seq FROM deliveries
            WHERE state IN (SELECT value FROM json_each(?)) AND due_at < ? AND coalesce(settled_at, due_at) < ?
            LIMIT ?""",
            (as_list(states), stamp(before), stamp(before), limit),
        )
    )
    connection.execute(
        """INSERT INTO delivery_counts (day, platform, state, deliveries)
        SELECT substr(due_at, 1, 10), platform, state, count(*)
        FROM deliveries JOIN chats ON chats.id = deliveries.chat_id
        WHERE seq IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3
        ON CONFLICT (day, platform, state) DO UPDATE SET deliveries = deliveries + excluded.deliveries""",
        (seqs,),
    )
    return connection.execute("DELETE FROM deliveries WHERE seq IN (SELECT value FROM json_each(?))", (seqs,)).rowcount


def _forget_gone(connection: Connection, before: datetime) -> int:
    """Forget chats that have been out of reach for long, wholly."""
    rows = connection.execute(
        "SELECT * FROM chats WHERE gone_at < ? AND moved_to IS NULL LIMIT ?", (stamp(before), _CHATS_A_TIME)
    ).fetchall()
    for row in rows:
        people.forget(connection, chat_of(row))
    return len(rows)


def _delete_audit(connection: Connection, before: datetime, limit: int) -> int:
    return connection.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? LIMIT ?)", (stamp(before), limit)
    ).rowcount


def _tidy_forgotten(connection: Connection, cutoffs: Cutoffs) -> None:
    """Date who was forgotten since the last time, and drop those who are in no backup any more."""
    connection.execute("UPDATE forgotten SET forgotten_at = ? WHERE forgotten_at IS NULL", (stamp(cutoffs.now),))
    connection.execute("DELETE FROM forgotten WHERE forgotten_at < ?", (stamp(cutoffs.forgotten),))

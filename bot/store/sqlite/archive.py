"""Looking back: stories, why they were taken as they were, what chats were sent, how much of everything there is."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.model import Chat, Delivery, DeliveryState, Story
from bot.ports import Census
from bot.store.sqlite import chats
from bot.store.sqlite.rows import Connection, Row, deliveries_of, documents_by_id, moment, moment_or_none, plain

_ABOVE_ALL = 2**63 - 1  # no story has this number


def stories(connection: Connection, limit: int, before: int | None = None) -> tuple[Story, ...]:
    """Read the newest stories (below a number), the newest first; not those of one chat's own sources."""
    return _stories(
        connection,
        connection.execute(
            """SELECT stories.number, lead_document_id, first_seen_at
            FROM stories CROSS JOIN documents ON documents.id = lead_document_id
            WHERE source_id NOT GLOB 'own-[0-9]*' AND stories.number < ? ORDER BY stories.number DESC LIMIT ?""",
            (_ABOVE_ALL if before is None else before, limit),
        ),
    )


def story(connection: Connection, number: int) -> Story | None:
    """Read one story."""
    rows = connection.execute("SELECT number, lead_document_id, first_seen_at FROM stories WHERE number = ?", (number,))
    return next(iter(_stories(connection, rows)), None)


def story_with_key(connection: Connection, key: str) -> Story | None:
    """Read the newest story that has a document with this key."""
    rows = connection.execute(
        """SELECT stories.number, lead_document_id, first_seen_at
        FROM document_keys JOIN documents ON documents.id = document_id JOIN stories ON stories.number = story
        WHERE key = ? ORDER BY stories.number DESC LIMIT 1""",
        (plain(key),),
    )
    return next(iter(_stories(connection, rows)), None)


def decisions(connection: Connection, story: int) -> tuple[str, ...]:
    """Read why each document of a story was taken as it was, oldest first."""
    rows = connection.execute("SELECT because FROM decisions WHERE story = ? ORDER BY id", (story,))
    return tuple(row["because"] for row in rows)


def history(connection: Connection, chat: Chat, limit: int) -> tuple[Delivery, ...]:
    """Read the last messages that a chat was sent, oldest first."""
    rows = connection.execute(
        """SELECT * FROM deliveries_with_chat WHERE chat_id = ? AND state = 'sent'
        ORDER BY settled_at DESC, seq DESC LIMIT ?""",
        (chats.find(connection, chat), limit),
    ).fetchall()
    return deliveries_of(connection, rows[::-1])


def census(connection: Connection) -> Census:
    """Count."""
    counted = dict(connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    numbers = connection.execute(
        """SELECT
            (SELECT min(waiting_since) FROM deliveries WHERE state = 'pending') AS oldest,
            (SELECT count(*) FROM documents) AS documents,
            (SELECT count(*) FROM chats WHERE gone_at IS NULL AND moved_to IS NULL) AS chats,
            (SELECT count(*) FROM subscriptions) AS subscriptions"""
    ).fetchone()
    return Census(
        deliveries={state: counted.get(state, 0) for state in DeliveryState},
        oldest_pending_at=moment_or_none(numbers["oldest"]),
        documents=numbers["documents"],
        chats=numbers["chats"],
        subscriptions=numbers["subscriptions"],
    )


def touch(connection: Connection) -> None:
    """Write the first page as it is: a number that nothing uses. SQLite does not compare, so this reaches the disk."""
    connection.execute("PRAGMA user_version = 0")


def _stories(connection: Connection, rows: Iterable[Row]) -> tuple[Story, ...]:
    found = list(rows)
    leads = documents_by_id(connection, [row["lead_document_id"] for row in found])
    return tuple(Story(row["number"], leads[row["lead_document_id"]], moment(row["first_seen_at"])) for row in found)

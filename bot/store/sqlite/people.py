"""What chats follow."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.core.model import Chat, Reason, Subscription, Voice
from bot.store.rules import UNFOLLOWED, asked_for
from bot.store.sqlite import adding, chats
from bot.store.sqlite.rows import Connection, as_list, chat_of, mute_of, plain, stamp, why_json, why_of


def follow(  # noqa: PLR0917 - the door's own parameters, and the connection
    connection: Connection, chat: Chat, voice: Voice, query: str, label: str, now: datetime
) -> bool:
    """Add a subscription and make the chat active; False where the chat had it already."""
    chat_id = chats.find_or_add(connection, chat, voice, now)
    chats.wake(connection, chat)
    query_id = _query_id(connection, plain(query))
    if connection.execute(
        "SELECT 1 FROM subscriptions WHERE chat_id = ? AND query_id = ?", (chat_id, query_id)
    ).fetchone():
        return False
    connection.execute(
        "INSERT INTO subscriptions (chat_id, query_id, label, created_at) VALUES (?, ?, ?, ?)",
        (chat_id, query_id, plain(label), stamp(now)),
    )
    return True


def unfollow(connection: Connection, chat: Chat, query: str | None, now: datetime) -> tuple[Subscription, ...]:
    """Drop one subscription, or all, and what waits for no other reason."""
    dropped = tuple(one for one in subscriptions(connection, chat) if query is None or one.query == plain(query))
    connection.execute(
        "DELETE FROM subscriptions WHERE id IN (SELECT value FROM json_each(?))", (as_list(one.id for one in dropped),)
    )
    query_ids = {one.query_id for one in dropped}
    _drop_unfollowed(connection, query_ids)
    _drop_reasons(connection, chats.find(connection, chat), query_ids, now)
    return dropped


def subscriptions(connection: Connection, chat: Chat) -> tuple[Subscription, ...]:
    """Read a chat's list, oldest first."""
    rows = connection.execute(
        """SELECT subscriptions.id, query_id, text, label, muted_since, muted_until
        FROM subscriptions JOIN queries ON queries.id = query_id
        WHERE chat_id = ? ORDER BY subscriptions.id""",
        (chats.find(connection, chat),),
    )
    return tuple(Subscription(row["id"], row["query_id"], row["text"], row["label"], mute_of(row)) for row in rows)


def forget(connection: Connection, chat: Chat) -> tuple[Chat, ...]:
    """Delete a chat under all its names, with its subscriptions, sources and rows; return the names."""
    chat_id = chats.find(connection, chat)
    names = tuple(
        map(chat_of, connection.execute("SELECT * FROM chats WHERE id = ? OR moved_to = ?", (chat_id, chat_id)))
    )
    query_ids = {one.query_id for one in subscriptions(connection, chat)}
    adding.drop_those_of(connection, chat_id)
    connection.execute("DELETE FROM deliveries WHERE chat_id = ?", (chat_id,))
    connection.execute("DELETE FROM subscriptions WHERE chat_id = ?", (chat_id,))
    _drop_unfollowed(connection, query_ids)
    connection.execute("DELETE FROM chats WHERE moved_to = ?", (chat_id,))
    connection.execute("DELETE FROM chats WHERE id = ?", (chat_id,))
    return names


def forget_with_threads(connection: Connection, chat: Chat) -> tuple[Chat, ...]:
    """Forget a chat, without a thread also all its threads; return all their names."""
    rows = connection.execute(
        "SELECT * FROM chats WHERE id IN (SELECT value FROM json_each(?)) ORDER BY thread",
        (as_list(chats.find_with_threads(connection, chat)),),
    ).fetchall()
    return tuple(name for row in rows for name in forget(connection, chat_of(row)))


def _query_id(connection: Connection, text: str) -> int:
    known = connection.execute("SELECT id FROM queries WHERE text = ?", (text,)).fetchone()
    if known is not None:
        return int(known["id"])
    added = connection.execute(
        "INSERT INTO queries (text, added_version) VALUES (?, ?)", (text, _next_version(connection))
    )
    assert added.lastrowid is not None
    return added.lastrowid


def _next_version(connection: Connection) -> int:
    (version,) = connection.execute(
        """SELECT 1 + max(coalesce((SELECT max(added_version) FROM queries), 0),
                          coalesce((SELECT max(dropped_version) FROM queries), 0))"""
    ).fetchone()
    return int(version)


def _drop_unfollowed(connection: Connection, query_ids: Collection[int]) -> None:
    """Retire queries that nobody follows any more. Their words go, since they were somebody's own; the id stays."""
    connection.execute(
        """UPDATE queries SET text = NULL, dropped_version = ?
        WHERE id IN (SELECT value FROM json_each(?)) AND dropped_version IS NULL
        AND NOT EXISTS (SELECT 1 FROM subscriptions WHERE query_id = queries.id)""",
        (_next_version(connection), as_list(query_ids)),
    )


def _drop_reasons(connection: Connection, chat_id: int | None, query_ids: Collection[int], now: datetime) -> None:
    """Take reasons off what waits, and cancel what has none left.

    What is being sent cannot be stopped; without a reason it will not wait for a second attempt.
    """
    rows = connection.execute(
        "SELECT seq, why, reason, state FROM deliveries WHERE chat_id = ? AND state IN ('pending', 'sending')",
        (chat_id,),
    ).fetchall()
    for row in rows:
        why = why_of(row["why"])
        followed = {one.query_id for one in why}.difference(query_ids)
        left = asked_for(why, Reason(row["reason"]), followed)
        if left is None and row["state"] == "pending":
            connection.execute(
                "UPDATE deliveries SET state = 'cancelled', last_error = ?, settled_at = ? WHERE seq = ?",
                (UNFOLLOWED, stamp(now), row["seq"]),
            )
        elif left != why:
            connection.execute("UPDATE deliveries SET why = ? WHERE seq = ?", (why_json(left or ()), row["seq"]))

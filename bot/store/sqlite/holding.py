"""What waits for a chat that wants silence is held back: cancelled, and counted as missed."""

from __future__ import annotations

from datetime import datetime

from bot.store.rules import MUTED, Mutes
from bot.store.sqlite.rows import Connection, mute_of, stamp, why_of


def mutes_of(connection: Connection, chat_id: int | None) -> Mutes:
    """Read all silences of a chat."""
    own = connection.execute("SELECT muted_since, muted_until FROM chats WHERE id = ?", (chat_id,)).fetchone()
    lines = connection.execute(
        """SELECT query_id, muted_since, muted_until FROM subscriptions
        WHERE chat_id = ? AND muted_since IS NOT NULL""",
        (chat_id,),
    ).fetchall()
    queries = {line["query_id"]: mute for line in lines if (mute := mute_of(line)) is not None}
    return Mutes(mute_of(own) if own else None, queries)


def hold_back(connection: Connection, chat_id: int, now: datetime) -> None:
    """Cancel what waits for a chat and its silences hold back."""
    mutes = mutes_of(connection, chat_id)
    waiting = connection.execute(
        "SELECT seq, why FROM deliveries WHERE chat_id = ? AND state = 'pending'", (chat_id,)
    ).fetchall()
    connection.executemany(
        "UPDATE deliveries SET state = 'cancelled', last_error = ?, settled_at = ? WHERE seq = ?",
        [(MUTED, stamp(now), row["seq"]) for row in waiting if mutes.hold(why_of(row["why"]), now)],
    )

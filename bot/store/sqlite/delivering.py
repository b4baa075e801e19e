"""Rows on their way: claim → (send) → settle, and what an operator may do with them."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from datetime import datetime, timedelta

from bot.core.model import Chat, Delivery, DeliveryState
from bot.core.outcome import Gone, Moved, Outcome, Unsure
from bot.store.rules import DISCARDABLE, DISCARDED, RETRIABLE, STOPPED, about, held_back, rest_after, retried, settled
from bot.store.sqlite import chats
from bot.store.sqlite.muting import mutes_of
from bot.store.sqlite.rows import (
    Connection,
    Row,
    as_list,
    chat_of,
    deliveries_of,
    delivery_of,
    moment,
    plain,
    stamp,
    stamp_or_null,
)


def claim(
    connection: Connection, now: datetime, *, limit: int, platforms: Collection[str], lease: timedelta
) -> tuple[Delivery, ...]:
    """Lease the head of each lane that may go. The update is conditional, and its rows are counted."""
    heads = heapq.merge(*(_heads(connection, platform, now, limit) for platform in sorted(set(platforms))))
    seqs = [seq for _, seq in heads][:limit]
    # `+state`: by its index SQLite would walk through all that waits to find the few that are named.
    claimed = connection.execute(
        """UPDATE deliveries SET state = 'sending', attempt = attempt + 1, attempted_at = ?, lease_until = ?
        WHERE seq IN (SELECT value FROM json_each(?)) AND +state = 'pending'""",
        (stamp(now), stamp(now + lease), as_list(seqs)),
    )
    assert claimed.rowcount == len(seqs), "a lane offered a row that does not wait"
    rows = connection.execute(
        "SELECT * FROM deliveries_with_chat WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY due_at, seq",
        (as_list(seqs),),
    ).fetchall()
    return deliveries_of(connection, rows)


def _heads(connection: Connection, platform: str, now: datetime, limit: int) -> list[tuple[str, int]]:
    rows = connection.execute(
        """SELECT lanes.due_at, lanes.seq FROM lanes JOIN chats ON chats.id = lanes.chat_id
        WHERE lanes.platform = ? AND lanes.due_at <= ? AND (not_before IS NULL OR not_before <= ?)
        AND (muted_since IS NULL OR muted_until <= ?)
        ORDER BY lanes.due_at, lanes.seq LIMIT ?""",
        (platform, stamp(now), stamp(now), stamp(now), limit),
    )
    return [(due_at, seq) for due_at, seq in rows]


def settle(connection: Connection, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
    """End this lease. A row that is not in `sending` by it (recovered, forgotten) stays as it is."""
    row = connection.execute("SELECT * FROM deliveries_with_chat WHERE id = ?", (plain(delivery.id),)).fetchone()
    if row is None:
        return DeliveryState.CANCELLED
    if row["state"] != DeliveryState.SENDING or row["attempt"] != delivery.attempt:
        return DeliveryState(row["state"])
    fresh = delivery_of(row, delivery.alert.story)
    return _settle(connection, row, fresh, about(fresh, delivery.chat, outcome), now)


def _settle(connection: Connection, row: Row, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
    after = settled(delivery, outcome)
    if (until := rest_after(after, outcome)) is not None:
        chats.rest(connection, delivery.chat, until)
    if after.state is DeliveryState.PENDING:
        after = held_back(after, mutes_of(connection, row["chat_id"]), now)
    _write(connection, after, now)
    match outcome:
        case Moved(to=to):
            chats.move(connection, delivery.chat, to)
            left = connection.execute("SELECT state FROM deliveries WHERE seq = ?", (row["seq"],)).fetchone()
            return DeliveryState.CANCELLED if left is None else DeliveryState(left["state"])
        case Gone(why=why):
            chats.part(connection, delivery.chat, why, now)
    return after.state


def _write(connection: Connection, row: Delivery, now: datetime) -> None:
    connection.execute(
        """UPDATE deliveries SET state = ?, attempt = ?, unsure = ?, plain = ?, receipt = ?, last_error = ?,
            lease_until = NULL, settled_at = ?
        WHERE id = ?""",
        (
            row.state,
            row.attempt,
            row.unsure,
            row.plain,
            plain(row.receipt),
            plain(row.last_error),
            stamp_or_null(None if row.state is DeliveryState.PENDING else now),
            plain(row.id),
        ),
    )


def recover(connection: Connection, now: datetime, *, every_lease: bool = False) -> int:
    """Treat what is in `sending` with its lease over as unsure; at start every lease is over."""
    rows = connection.execute("SELECT * FROM deliveries_with_chat WHERE state = 'sending' ORDER BY seq").fetchall()
    ended = [row for row in rows if every_lease or moment(row["lease_until"]) <= now]
    for row, left in zip(ended, deliveries_of(connection, ended), strict=True):
        _settle(connection, row, left, Unsure(now, STOPPED), now)
    return len(ended)


def expire(connection: Connection, before: datetime) -> int:
    """Give up what has waited since before `before`."""
    return connection.execute(
        "UPDATE deliveries SET state = 'expired' WHERE state = 'pending' AND waiting_since < ?", (stamp(before),)
    ).rowcount


def attempted_since(connection: Connection, since: datetime) -> tuple[Chat, ...]:
    """Read the chat of each row that was tried since then, in order of time."""
    rows = connection.execute(
        """SELECT platform, workspace, chat, thread
        FROM deliveries JOIN chats ON chats.id = deliveries.chat_id
        WHERE attempted_at >= ? ORDER BY attempted_at, seq""",
        (stamp(since),),
    )
    return tuple(map(chat_of, rows))


def outbox(connection: Connection, states: Collection[DeliveryState], limit: int) -> tuple[Delivery, ...]:
    """Read rows in these states, oldest first."""
    rows = connection.execute(
        """SELECT * FROM deliveries_with_chat WHERE seq IN (
            SELECT seq FROM deliveries WHERE state IN (SELECT value FROM json_each(?)) ORDER BY due_at, seq LIMIT ?)
        ORDER BY due_at, seq""",
        (as_list(states), limit),
    ).fetchall()
    return deliveries_of(connection, rows)


def delivery(connection: Connection, delivery_id: str) -> Delivery | None:
    """Read one row."""
    rows = connection.execute("SELECT * FROM deliveries_with_chat WHERE id = ?", (plain(delivery_id),)).fetchall()
    return next(iter(deliveries_of(connection, rows)), None)


def retry(connection: Connection, delivery_id: str, now: datetime) -> bool:
    """Put a row back that was given up; from now on it waits anew."""
    row = delivery(connection, delivery_id)
    if row is None or row.state not in RETRIABLE:
        return False
    _write(connection, retried(row), now)
    connection.execute("UPDATE deliveries SET waiting_since = ? WHERE id = ?", (stamp(now), plain(delivery_id)))
    return True


def discard(connection: Connection, delivery_id: str, now: datetime) -> bool:
    """Cancel a row that is neither sent nor being sent."""
    discarded = connection.execute(
        """UPDATE deliveries SET state = 'cancelled', last_error = ?, settled_at = ?
        WHERE id = ? AND state IN (SELECT value FROM json_each(?))""",
        (DISCARDED, stamp(now), plain(delivery_id), as_list(DISCARDABLE)),
    )
    return discarded.rowcount == 1

"""Rows on their way: claim → (send) → settle, and what an operator may do with them."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.lateness import Patience
from bot.core.model import Chat, Delivery, DeliveryState, Retried
from bot.core.outcome import Gone, Moved, Outcome, Unsure
from bot.store.rules import (
    DISCARDABLE,
    DISCARDED,
    STOPPED,
    about,
    held_back,
    in_turn,
    left_behind,
    rest_after,
    retried,
    settled,
    together,
)
from bot.store.sqlite import chats, people, waiting
from bot.store.sqlite.bundling import bundles
from bot.store.sqlite.holding import mutes_of
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
    why_json,
)

# The heads of lanes that may go, oldest first; of a chat's threads, which its platform limits as one, one.
_MAY_GO = """
    SELECT lanes.due_at, lanes.seq, chats.workspace FROM lanes JOIN chats ON chats.id = lanes.chat_id
    WHERE lanes.platform = ?2 AND lanes.due_at <= ?1 AND (lanes.due_at, lanes.seq) > (?4, ?5)
    AND chats.workspace NOT IN (SELECT value FROM json_each(?6))
    AND (not_before IS NULL OR not_before <= ?1)
    AND (muted_since IS NULL OR muted_until <= ?1)
    AND NOT EXISTS (
        SELECT 1 FROM chats AS other LEFT JOIN lanes AS ahead ON ahead.chat_id = other.id
        WHERE other.platform = chats.platform AND other.workspace = chats.workspace AND other.chat = chats.chat
        AND other.id <> chats.id AND (
            (other.muted_since IS NULL OR other.muted_until <= ?1)
            AND (ahead.due_at, ahead.seq) < (lanes.due_at, lanes.seq)
            OR EXISTS (SELECT 1 FROM deliveries WHERE chat_id = other.id AND state = 'sending')))
    ORDER BY lanes.due_at, lanes.seq LIMIT ?3"""


def claim(
    connection: Connection,
    now: datetime,
    *,
    limit: int,
    platforms: Collection[str],
    lease: timedelta,
    patience: Patience | None = None,
) -> tuple[Delivery, ...]:
    """Lease the head of each lane that may go, with what shares its message.

    The update is conditional, and its rows are counted.
    """
    served = waiting.not_held(connection, platforms)
    heads = heapq.merge(*(_heads(connection, platform, now, limit) for platform in sorted(served)))
    given = bundles(connection, [seq for _, seq in heads][:limit], now, patience)
    seqs = [seq for bundle in given for seq, _ in bundle]
    # `+state`: by its index SQLite would walk through all that waits to find the few that are named.
    claimed = connection.execute(
        """UPDATE deliveries SET state = 'sending', attempt = attempt + 1, attempted_at = ?, lease_until = ?
        WHERE seq IN (SELECT value FROM json_each(?)) AND +state = 'pending'""",
        (stamp(now), stamp(now + lease), as_list(seqs)),
    )
    assert claimed.rowcount == len(seqs), "a lane offered a row that does not wait"
    rows = connection.execute(
        "SELECT * FROM deliveries_with_chat WHERE seq IN (SELECT value FROM json_each(?))", (as_list(seqs),)
    ).fetchall()
    row_of = {row["seq"]: delivery for row, delivery in zip(rows, deliveries_of(connection, rows), strict=True)}
    return tuple(together([replace(row_of[seq], late=late) for seq, late in bundle]) for bundle in given)


def _heads(connection: Connection, platform: str, now: datetime, limit: int) -> list[tuple[str, int]]:
    """Choose the heads of lanes that go next, oldest first: one of each workspace before a second of any."""

    def may_go(without: Collection[str], behind: tuple[str, int] | None) -> list[tuple[tuple[str, int], str]]:
        asked = (stamp(now), platform, limit, *(behind or ("", 0)), as_list(without))
        return [((due_at, seq), workspace) for due_at, seq, workspace in connection.execute(_MAY_GO, asked)]

    # CROSS JOIN: from the few rows that are being sent to their chats, not through all chats.
    under_way = connection.execute(
        """SELECT workspace, count(DISTINCT chat_id) FROM deliveries CROSS JOIN chats ON chats.id = chat_id
        WHERE state = 'sending' AND platform = ? AND workspace <> '' GROUP BY workspace""",
        (platform,),
    )
    return in_turn(may_go, dict(under_way.fetchall()), limit)


def settle(connection: Connection, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
    """End this lease, and those of the rows in the same message; return what became of the first."""
    first, *_ = [_settle_one(connection, row, outcome, now) for row in (delivery, *delivery.also)]
    return first


def _settle_one(connection: Connection, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
    """End one lease. A row that is not in `sending` by it (recovered, forgotten) stays as it is."""
    row = connection.execute("SELECT * FROM deliveries_with_chat WHERE id = ?", (plain(delivery.id),)).fetchone()
    if row is None:
        return DeliveryState.CANCELLED
    if row["state"] != DeliveryState.SENDING or row["attempt"] != delivery.attempt:
        return DeliveryState(row["state"])
    fresh = replace(delivery_of(row, delivery.alert.story), late=delivery.late)
    return _settle(connection, row, fresh, about(fresh, delivery.chat, outcome), now)


def _settle(connection: Connection, row: Row, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
    after = settled(delivery, outcome)
    if (until := rest_after(after, outcome)) is not None:
        chats.rest(connection, delivery.chat, until)
    if after.state is DeliveryState.PENDING:
        after = held_back(after, mutes_of(connection, row["chat_id"]), now)
        after = left_behind(after, chat_is_gone=_is_gone(connection, row["chat_id"]))
    _write(connection, after, now)
    match outcome:
        case Moved(to=to):
            chats.move(connection, delivery.chat, to, now)
            left = connection.execute("SELECT state FROM deliveries WHERE seq = ?", (row["seq"],)).fetchone()
            return DeliveryState.CANCELLED if left is None else DeliveryState(left["state"])
        case Gone(why=why):
            chats.part(connection, delivery.chat, why, now)
    return after.state


def _is_gone(connection: Connection, chat_id: int | None) -> bool:
    (gone_at,) = connection.execute("SELECT gone_at FROM chats WHERE id = ?", (chat_id,)).fetchone()
    return gone_at is not None


def _write(connection: Connection, row: Delivery, now: datetime) -> None:
    connection.execute(
        """UPDATE deliveries SET state = ?, attempt = ?, unsure = ?, plain = ?, receipt = ?, last_error = ?,
            refused = ?, lease_until = NULL, settled_at = ?
        WHERE id = ?""",
        (
            row.state,
            row.attempt,
            row.unsure,
            row.plain,
            plain(row.receipt),
            plain(row.last_error),
            row.refused,
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


def told(connection: Connection, chat: Chat, story: int) -> Delivery | None:
    """Read the row by which a chat is told of a story, whatever the chat was called when it was made."""
    rows = connection.execute(
        "SELECT * FROM deliveries_with_chat WHERE chat_id = ? AND story = ? AND reason <> 'test' ORDER BY seq LIMIT 1",
        (chats.find(connection, chat), story),
    ).fetchall()
    return next(iter(deliveries_of(connection, rows)), None)


def retry(connection: Connection, delivery_id: str, now: datetime) -> Retried:
    """Put a row back that was given up; from now on it waits anew."""
    row = delivery(connection, delivery_id)
    if row is None:
        return Retried.NOTHING
    followed = {one.query_id for one in people.subscriptions(connection, row.chat)}
    back = retried(row, followed, chat_is_gone=_is_gone(connection, chats.find(connection, row.chat)))
    if isinstance(back, Retried):
        return back
    _write(connection, back, now)
    connection.execute(
        "UPDATE deliveries SET waiting_since = ?, why = ? WHERE id = ?",
        (stamp(now), why_json(back.alert.why), plain(delivery_id)),
    )
    return Retried.DONE


def discard(connection: Connection, delivery_id: str, now: datetime) -> bool:
    """Cancel a row that is neither sent nor being sent."""
    discarded = connection.execute(
        """UPDATE deliveries SET state = 'cancelled', last_error = ?, settled_at = ?
        WHERE id = ? AND state IN (SELECT value FROM json_each(?))""",
        (DISCARDED, stamp(now), plain(delivery_id), as_list(DISCARDABLE)),
    )
    return discarded.rowcount == 1

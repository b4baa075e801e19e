"""Which rows of a lane share its next message: the rule of `bot.core.lateness`, asked of the rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.lateness import BACKLOG_AFTER, LOOK_AHEAD, Patience, Waiting, told_next
from bot.core.model import Lateness
from bot.store.sqlite.rows import Connection, as_list, moment, stamp

Bundle = tuple[tuple[int, Lateness], ...]  # the rows of one message by number, each with how it is told


def bundles(connection: Connection, heads: Iterable[int], now: datetime, patience: Patience | None) -> list[Bundle]:
    """Say for the head of each lane, in the order given, which rows go with it."""
    heads = list(heads)
    waited = _waited_long(connection, heads, now, patience) if patience else {}
    return [
        _bundle(connection, waited[seq], now, patience) if patience and seq in waited else ((seq, Lateness.ON_TIME),)
        for seq in heads
    ]


def _waited_long(connection: Connection, heads: list[int], now: datetime, patience: Patience) -> dict[int, int]:
    """Find the heads that may be late, with their chats: on a usual day none, and no lane is looked into."""
    before = now - min(BACKLOG_AFTER, patience.for_itself)
    rows = connection.execute(
        "SELECT seq, chat_id FROM deliveries WHERE seq IN (SELECT value FROM json_each(?)) AND waiting_since < ?",
        (as_list(heads), stamp(before)),
    )
    return {row["seq"]: row["chat_id"] for row in rows}


def _bundle(connection: Connection, chat_id: int, now: datetime, patience: Patience) -> Bundle:
    rows = connection.execute(
        """SELECT seq, waiting_since, plain FROM deliveries
        WHERE chat_id = ? AND state = 'pending' AND due_at <= ? ORDER BY due_at, seq LIMIT ?""",
        (chat_id, stamp(now), LOOK_AHEAD),
    ).fetchall()
    lane = [Waiting(moment(row["waiting_since"]), bool(row["plain"])) for row in rows]
    told = told_next(lane, now, patience)
    return tuple((row["seq"], late) for row, late in zip(rows, told, strict=False))

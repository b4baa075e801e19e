"""Which rows of a lane share its next message: the rule of `bot.core.lateness`, asked of the rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.delays import Delay
from bot.core.lateness import BACKLOG_AFTER, Patience, Waiting, look_ahead, told_next
from bot.core.model import Lateness
from bot.store.sqlite.rows import Connection, as_list, moment, stamp

_LISTED = tuple(delay for delay in Delay if delay.is_listed)

Bundle = tuple[tuple[int, Lateness], ...]  # the rows of one message by number, each with how it is told


def bundles(connection: Connection, heads: Iterable[int], now: datetime, patience: Patience | None) -> list[Bundle]:
    """Say for the head of each lane, in the order given, which rows go with it."""
    heads = list(heads)
    late = _may_be_late(connection, heads, now, patience) if patience else {}
    return [
        _bundle(connection, *late[seq], now, patience) if patience and seq in late else ((seq, Lateness.ON_TIME),)
        for seq in heads
    ]


def _may_be_late(
    connection: Connection, heads: list[int], now: datetime, patience: Patience
) -> dict[int, tuple[int, int]]:
    """Find the heads that may be late, each with its chat and how far to look: on a usual day none."""
    before = now - min(BACKLOG_AFTER, patience.for_itself)
    rows = connection.execute(
        """SELECT seq, chat_id, delay FROM deliveries WHERE seq IN (SELECT value FROM json_each(?))
        AND (delay IN (SELECT value FROM json_each(?)) OR waiting_since < ?)""",
        (as_list(heads), as_list(_LISTED), stamp(before)),
    )
    return {row["seq"]: (row["chat_id"], look_ahead(Delay(row["delay"]))) for row in rows}


def _bundle(connection: Connection, chat_id: int, rows_at_most: int, now: datetime, patience: Patience) -> Bundle:
    rows = connection.execute(
        """SELECT seq, waiting_since, plain, delay FROM deliveries
        WHERE chat_id = ? AND state = 'pending' AND due_at <= ? ORDER BY due_at, seq LIMIT ?""",
        (chat_id, stamp(now), rows_at_most),
    ).fetchall()
    lane = [Waiting(moment(row["waiting_since"]), bool(row["plain"]), Delay(row["delay"])) for row in rows]
    told = told_next(lane, now, patience)
    return tuple((row["seq"], late) for row, late in zip(rows, told, strict=False))

"""What holds rows back besides their own chats: a platform that an operator paused, and a clock that was set."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from bot.store.sqlite.rows import Connection, as_list, moment, plain, stamp


def hold(connection: Connection, platform: str, now: datetime) -> bool:
    """Give out no row of a platform until it is released; False where it was held already."""
    held = connection.execute(
        "INSERT INTO holds (platform, since) VALUES (?, ?) ON CONFLICT DO NOTHING", (plain(platform), stamp(now))
    )
    return held.rowcount == 1


def release(connection: Connection, platform: str) -> bool:
    """Give out a platform's rows again; False where it was not held."""
    return connection.execute("DELETE FROM holds WHERE platform = ?", (plain(platform),)).rowcount == 1


def held(connection: Connection) -> dict[str, datetime]:
    """Read which platforms are held, and since when."""
    return {row["platform"]: moment(row["since"]) for row in connection.execute("SELECT * FROM holds ORDER BY 1")}


def not_held(connection: Connection, platforms: Collection[str]) -> set[str]:
    """Leave out the platforms that are held."""
    rows = connection.execute(
        "SELECT platform FROM holds WHERE platform IN (SELECT value FROM json_each(?))", (as_list(platforms),)
    )
    return set(platforms).difference(row["platform"] for row in rows)


def clock_was_set(connection: Connection, by: timedelta, since: datetime, now: datetime) -> None:
    """Move with the clock what waits and what is under way. SQLite's own arithmetic knows milliseconds only."""

    def moved(at: str | None) -> str | None:
        return None if at is None else stamp(moment(at) + by)

    if by < timedelta(0):  # set ahead, a clock makes every source due, once
        polls = connection.execute("SELECT source_id, next_poll_at FROM cursors WHERE next_poll_at > ?", (stamp(now),))
        connection.executemany(
            "UPDATE cursors SET next_poll_at = ? WHERE source_id = ?",
            [(moved(next_poll_at), source_id) for source_id, next_poll_at in polls.fetchall()],
        )
    rests = connection.execute("SELECT id, not_before FROM chats WHERE not_before IS NOT NULL").fetchall()
    connection.executemany(
        "UPDATE chats SET not_before = ? WHERE id = ?", [(moved(not_before), chat) for chat, not_before in rests]
    )
    rows = connection.execute(
        """SELECT seq, due_at, waiting_since, lease_until FROM deliveries
        WHERE state IN ('pending', 'sending') AND waiting_since NOT BETWEEN ? AND ?""",
        (stamp(since), stamp(now)),
    ).fetchall()
    connection.executemany(
        "UPDATE deliveries SET due_at = ?, waiting_since = ?, lease_until = ? WHERE seq = ?",
        [(*map(moved, times), seq) for seq, *times in rows],
    )


def pull_back(connection: Connection, now: datetime, longest_rest: timedelta) -> None:
    """Bring back what is dated later than can be."""
    longest = stamp(now + longest_rest)
    connection.execute("UPDATE chats SET not_before = ? WHERE not_before > ?", (longest, longest))
    connection.execute("UPDATE cursors SET next_poll_at = ? WHERE next_poll_at > ?", (longest, longest))
    connection.execute(
        """UPDATE deliveries SET due_at = min(due_at, ?1), waiting_since = min(waiting_since, ?1)
        WHERE state IN ('pending', 'sending') AND max(due_at, waiting_since) > ?1""",
        (stamp(now),),
    )

"""What holds rows back besides their own chats: a platform that an operator paused, and a clock that was set."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.store.sqlite.rows import Connection, moment, plain, stamp

# What is a length of time in disguise, and in which rows: everything that waits or is under way.
_LENGTHS = (
    ("chats", "id", "not_before", "not_before IS NOT NULL"),
    ("deliveries", "seq", "due_at", "state IN ('pending', 'sending')"),
    ("deliveries", "seq", "waiting_since", "state IN ('pending', 'sending')"),
    ("deliveries", "seq", "lease_until", "state = 'sending'"),
)


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


def clock_was_set(connection: Connection, by: timedelta) -> None:
    """Move with the clock what waits and what is under way. SQLite's own arithmetic knows milliseconds only."""
    for table, key, column, those in _LENGTHS:
        rows = connection.execute(f"SELECT {key}, {column} FROM {table} WHERE {those}").fetchall()  # noqa: S608 our own words
        connection.executemany(
            f"UPDATE {table} SET {column} = ? WHERE {key} = ?",  # noqa: S608
            [(stamp(moment(at) + by), row) for row, at in rows],
        )


def pull_back(connection: Connection, now: datetime, longest_rest: timedelta) -> None:
    """Bring back what is dated later than can be."""
    latest = {"not_before": stamp(now + longest_rest), "due_at": stamp(now), "waiting_since": stamp(now)}
    for table, _, column, those in _LENGTHS:
        if column in latest:
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE {those} AND {column} > ?",  # noqa: S608
                (latest[column], latest[column]),
            )

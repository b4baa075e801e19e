"""For operators: paused sources, numbers about everything, and what they did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime

from bot.core.alarms import Waiting
from bot.core.habit import Rhythm
from bot.core.intake import Cursor, SourceSpec
from bot.core.moves import followed
from bot.ports.oversight import COUNTED, Audited, Vitals
from bot.store.rules import TRIED_OFTEN
from bot.store.sqlite.rows import Connection, as_list, cursor_of, moment, moment_or_none, plain, stamp

# What a source said of being gone is over; it is asked soon, and has three more polls and a day to say it again.
REVIVE = """UPDATE cursors SET retired_at = NULL, trouble = '', trouble_since = NULL, trouble_polls = 0,
    next_poll_at = NULL
    WHERE source_id = ?1 AND retired_at IS NOT NULL
    AND (?2 IS NULL OR EXISTS (SELECT 1 FROM sources WHERE id = source_id AND url <> ?2))"""


def pause_source(connection: Connection, source_id: str, now: datetime) -> bool:
    """Leave a source alone; False where it is unknown or paused already."""
    paused = connection.execute(
        "UPDATE sources SET paused_at = ? WHERE id = ? AND dormant = 0 AND paused_at IS NULL",
        (stamp(now), plain(source_id)),
    )
    return paused.rowcount == 1


def resume_source(connection: Connection, source_id: str) -> bool:
    """Poll a source again; False where it was neither paused nor gone."""
    resumed = connection.execute(
        "UPDATE sources SET paused_at = NULL WHERE id = ? AND paused_at IS NOT NULL", (plain(source_id),)
    )
    revived = connection.execute(REVIVE, (plain(source_id), None))
    return resumed.rowcount + revived.rowcount > 0


def move_source(connection: Connection, source: SourceSpec, now: datetime) -> str:
    """Read a source where its redirects lead; return where, or nothing."""
    row = connection.execute("SELECT * FROM cursors WHERE source_id = ?", (plain(source.id),)).fetchone()
    known = cursor_of(row) if row is not None else Cursor(source.id)
    if not known.moved_to:
        return ""
    after = followed(known, source.url, now)
    connection.execute(
        """UPDATE cursors SET address = ?, address_instead_of = ?, address_at = ?,
            moved_to = '', moved_since = NULL, moved_polls = 0 WHERE source_id = ?""",
        (plain(after.address), plain(after.address_instead_of), stamp(now), plain(source.id)),
    )
    return after.address


def paused_sources(connection: Connection) -> dict[str, datetime]:
    """Read which registered sources are paused, and since when."""
    rows = connection.execute(
        "SELECT id, paused_at FROM sources WHERE dormant = 0 AND paused_at IS NOT NULL ORDER BY id"
    )
    return {row["id"]: moment(row["paused_at"]) for row in rows}


def poll_next(connection: Connection, source_id: str, at: datetime) -> bool:
    """Plan a source's next poll for `at`, or leave an earlier plan; False where it is unknown or paused."""
    wanted = connection.execute(
        "SELECT 1 FROM sources WHERE id = ? AND dormant = 0 AND paused_at IS NULL", (plain(source_id),)
    ).fetchone()
    if wanted is None:
        return False
    connection.execute(
        "UPDATE cursors SET next_poll_at = ? WHERE source_id = ? AND next_poll_at > ?",
        (stamp(at), plain(source_id), stamp(at)),
    )
    return True


# Since when the heads of lanes wait that may go: the rule is `waits_since`. CROSS JOIN: from the lanes, which are few.
_OLDEST = """
    SELECT lanes.platform, min(iif(attempt >= ?2, waiting_since,
        max(waiting_since, lanes.due_at, coalesce(not_before, ''), coalesce(muted_until, ''))))
    FROM lanes CROSS JOIN chats ON chats.id = lanes.chat_id CROSS JOIN deliveries ON deliveries.seq = lanes.seq
    WHERE (muted_since IS NULL OR muted_until <= ?1)
    AND (attempt >= ?2 OR max(lanes.due_at, coalesce(not_before, '')) <= ?1)
    GROUP BY lanes.platform"""


def vitals(connection: Connection, now: datetime) -> Vitals:
    """Measure: 5,000 chats with as many rows waiting, among 250,000 that are settled, take 30 ms."""
    waiting = connection.execute(
        """SELECT platform, count(*) FROM deliveries JOIN chats ON chats.id = chat_id
        WHERE state = 'pending' GROUP BY platform"""
    )
    oldest = dict(connection.execute(_OLDEST, (stamp(now), TRIED_OFTEN)).fetchall())
    chats = connection.execute(
        """SELECT platform, iif(gone_at IS NULL, 'active', 'gone') AS state, count(*)
        FROM chats WHERE moved_to IS NULL GROUP BY 1, 2"""
    )
    filters = connection.execute(
        "SELECT platform, count(*) FROM subscriptions JOIN chats ON chats.id = chat_id GROUP BY platform"
    )
    rows = dict(
        connection.execute(
            "SELECT state, count(*) FROM deliveries WHERE state IN (SELECT value FROM json_each(?)) GROUP BY state",
            (as_list(COUNTED),),
        ).fetchall()
    )
    (untold,) = connection.execute(
        "SELECT count(*) FROM deliveries WHERE state = 'expired' AND receipt = ''"
    ).fetchone()
    (size,) = connection.execute(
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    ).fetchone()
    return Vitals(
        waiting={name: Waiting(number, moment_or_none(oldest.get(name))) for name, number in waiting},
        chats={(platform, state): number for platform, state, number in chats},
        filters=dict(filters.fetchall()),
        rows={state: rows.get(state, 0) for state in COUNTED},
        untold=untold,
        size=size,
    )


def rhythms(connection: Connection, since: datetime) -> Mapping[str, Rhythm]:
    """Read when each source had news: a scan, of 100,000 documents in a second, so not to be asked often."""
    rows = connection.execute(
        """SELECT source_id, max(made) AS newest, max(dated) AS dated, min(first) AS first, max(last) AS last,
            json_group_array(substr(made, 1, 10)) FILTER (WHERE made >= ?) AS days
        FROM (
            SELECT source_id, max(made) AS made, max(dated) AS dated, min(seen_at) AS first, max(seen_at) AS last
            FROM (SELECT source_id, seen_at, min(coalesce(claimed_at, seen_at), seen_at) AS made,
                min(claimed_at, seen_at) AS dated FROM documents)
            GROUP BY source_id, substr(made, 1, 10) ORDER BY source_id, made)
        GROUP BY source_id""",
        (stamp(since),),
    )
    return {row["source_id"]: _rhythm(row) for row in rows}


def _rhythm(row: Mapping[str, str]) -> Rhythm:
    days = tuple(date.fromisoformat(day) for day in sorted(json.loads(row["days"])))
    alive_at = moment(row["last"]) if row["last"] > row["first"] else None
    return Rhythm(days, moment(row["newest"]), alive_at, moment_or_none(row["dated"]))


def note(connection: Connection, entry: Audited) -> None:
    """Remember an operator command."""
    connection.execute(
        "INSERT INTO audit (at, actor, verb, args, outcome) VALUES (?, ?, ?, ?, ?)",
        (stamp(entry.at), entry.actor, plain(entry.verb), plain(entry.args), entry.outcome),
    )


def audit(connection: Connection, limit: int) -> tuple[Audited, ...]:
    """Read the last operator commands, the newest first."""
    rows = connection.execute("SELECT * FROM audit ORDER BY id DESC LIMIT ?", (limit,))
    return tuple(_audited(row) for row in rows)


def _audited(row: Mapping[str, str]) -> Audited:
    return Audited(moment(row["at"]), row["actor"], row["verb"], row["args"], row["outcome"])

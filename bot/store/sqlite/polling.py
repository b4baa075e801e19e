"""Sources, their cursors, what is known of documents, and who follows what."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from bot.core.added import OF_A_CHAT, is_private
from bot.core.intake import Cursor, SourceSpec
from bot.core.model import Past, Reader, StoredQuery, Voice
from bot.ports import QueryLog
from bot.store.sqlite.oversight import REVIVE
from bot.store.sqlite.rows import Connection, as_list, chat_of, cursor_of, fingerprint_of, moment_or_none, plain, stamp


def register(connection: Connection, sources: Sequence[SourceSpec]) -> None:
    """Make these sources known, with a cursor each, and all others dormant."""
    connection.execute("UPDATE sources SET dormant = 1 WHERE dormant = 0")
    connection.executemany(REVIVE, [(plain(one.id), plain(one.url)) for one in sources])
    connection.executemany(
        """INSERT INTO sources (id, kind, name, url, standing, agency, language, dormant)
        VALUES (?, ?, ?, ?, ?, ?, ?, 0)
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, url = excluded.url,
            standing = excluded.standing, agency = excluded.agency, language = excluded.language, dormant = 0""",
        [
            (plain(one.id), one.kind, plain(one.name), plain(one.url), one.standing, plain(one.agency), one.language)
            for one in sources
        ],
    )
    connection.execute(
        """INSERT INTO cursors (source_id, validator_url, etag, last_modified, body_hash, failures, last_error)
        SELECT id, '', '', '', '', 0, '' FROM sources WHERE dormant = 0
        ON CONFLICT (source_id) DO NOTHING"""
    )


def cursors(connection: Connection) -> tuple[Cursor, ...]:
    """Read the cursors of registered sources, by id."""
    rows = connection.execute(
        """SELECT cursors.* FROM cursors JOIN sources ON sources.id = cursors.source_id
        WHERE sources.dormant = 0 ORDER BY source_id"""
    )
    return tuple(cursor_of(row) for row in rows)


def due(connection: Connection, now: datetime) -> tuple[Cursor, ...]:
    """Read the cursors whose next poll has come, the longest waiting first; never polled ones lead."""
    # CROSS JOIN and `+`: what is due by its index, then whether its source is still wanted, then the order
    rows = connection.execute(
        """SELECT cursors.* FROM cursors CROSS JOIN sources ON sources.id = cursors.source_id
        WHERE (next_poll_at IS NULL OR next_poll_at <= ?) AND sources.dormant = 0 AND sources.paused_at IS NULL
            AND retired_at IS NULL
        ORDER BY +next_poll_at, source_id""",
        (stamp(now),),
    )
    return tuple(cursor_of(row) for row in rows)


def earliest_claim(connection: Connection, source_id: str) -> datetime | None:
    """Look through all documents: it is asked once for a source after each start."""
    query = "SELECT min(claimed_at) FROM documents WHERE source_id = ?"
    (earliest,) = connection.execute(query, (plain(source_id),)).fetchone()
    return moment_or_none(earliest)


def past(connection: Connection, keys: Collection[str]) -> Past:
    """Read what is remembered under any of these keys, in the order in which it was first seen."""
    # Whether a story is untold is asked once for each story, and not for each of its documents: with fifty copies of
    # each item of a list, that would look at 2,500 rows for one.
    rows = connection.execute(
        """WITH found AS (
            SELECT id, source_id, story, number, latest_digest, seen_at FROM documents WHERE id IN (
                SELECT document_id FROM document_keys WHERE key IN (SELECT value FROM json_each(?)))
        ), untold AS MATERIALIZED (
            SELECT number, lead_document_id FROM stories WHERE number IN (SELECT story FROM found) AND NOT EXISTS (
                SELECT 1 FROM documents AS voices
                WHERE voices.story = stories.number AND (voices.told = 1 OR voices.standing = 'official'))
        )
        SELECT found.id, source_id, story, found.number, latest_digest, EXISTS (
                SELECT 1 FROM stories WHERE stories.number = found.story AND lead_document_id = found.id
            ) AS leads, coalesce(untold.lead_document_id, '') AS untold, (
            SELECT json_group_array(key) FROM (
                SELECT key FROM document_keys WHERE document_id = found.id ORDER BY rowid)) AS keys
        FROM found LEFT JOIN untold ON untold.number = found.story
        ORDER BY seen_at, found.id""",
        (as_list(keys),),
    )
    fingerprints = tuple(fingerprint_of(row) for row in rows)
    (last_story,) = connection.execute("SELECT coalesce(max(number), 0) FROM stories").fetchone()
    return Past(fingerprints, last_story)


def subscribers(connection: Connection, query_ids: Collection[int], source_id: str = "") -> tuple[Reader, ...]:
    """Read the subscriptions of active chats to any of these queries; of a private source, its own chat's."""
    owner = source_id.removeprefix(OF_A_CHAT) if is_private(source_id) else None
    # json_each and not a join with a table of ids: SQLite would scan all subscriptions then (14 times dearer).
    rows = connection.execute(
        """SELECT platform, workspace, chat, thread, language, zone, query_id, label
        FROM subscriptions JOIN chats ON chats.id = subscriptions.chat_id
        WHERE query_id IN (SELECT value FROM json_each(?1)) AND gone_at IS NULL
            AND (?2 IS NULL OR chats.id = (SELECT chat_id FROM added_sources WHERE number = ?2))
        ORDER BY subscriptions.id""",
        (as_list(query_ids), owner and int(owner)),
    )
    return tuple(
        Reader(chat_of(row), Voice(row["language"], row["zone"]), row["query_id"], row["label"]) for row in rows
    )


def queries_since(connection: Connection, version: int) -> QueryLog:
    """Read what became of stored queries after a version. What came and went in between is not mentioned."""
    (latest,) = connection.execute(
        """SELECT max(coalesce((SELECT max(added_version) FROM queries), 0),
                      coalesce((SELECT max(dropped_version) FROM queries), 0))"""
    ).fetchone()
    added = connection.execute(
        "SELECT id, text FROM queries WHERE added_version > ? AND dropped_version IS NULL ORDER BY id", (version,)
    )
    removed = connection.execute(
        "SELECT id FROM queries WHERE dropped_version > ? AND +added_version <= ? ORDER BY +id",
        (version, version),
    )
    return QueryLog(latest, tuple(StoredQuery(*row) for row in added), tuple(query_id for (query_id,) in removed))

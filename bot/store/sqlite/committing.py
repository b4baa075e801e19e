"""What a poll writes: the cursor with the documents, stories, revisions, decisions and deliveries it led to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.intake import Cursor
from bot.core.model import Changes, Chat, Delivery, Document, State, Verdict, Why
from bot.store.rules import MUTED, Mutes, asked_for
from bot.store.sqlite import adding, flooding, pages
from bot.store.sqlite.rows import (
    Connection,
    Row,
    as_json,
    as_list,
    chat_of,
    from_header,
    key_of,
    mute_of,
    plain,
    stamp,
    stamp_or_null,
    why_json,
)

_SET_CURSOR = """UPDATE cursors SET validator_url = ?, etag = ?, last_modified = ?, body_hash = ?, next_poll_at = ?,
    failures = ?, last_error = ?, last_success_at = ?, last_new_at = ?, full_at = ?, trouble = ?, trouble_since = ?,
    trouble_polls = ?, moved_to = ?, moved_since = ?, moved_polls = ?, retired_at = ?, unseen_recent = ?,
    address = coalesce(?, address), address_instead_of = coalesce(?, address_instead_of),
    address_at = coalesce(?, address_at)
    WHERE source_id = ?"""


def commit(connection: Connection, changes: Sequence[Changes]) -> None:
    """Write polls. What is there already stays as it is, so doing it twice changes nothing."""
    changes = adding.without_dropped(connection, changes)
    cursors = [one.cursor for one in changes]
    restored = _read_first_since_a_restore(connection, cursors)
    _write_cursors(connection, cursors)
    for one in changes:
        for verdict in one.verdicts:
            _write_verdict(connection, verdict)
        may_repeat = one.cursor.source_id in restored
        flooding.hold(connection, one.verdicts, may_repeat=may_repeat)
        _write_deliveries(connection, one.deliveries, may_repeat=may_repeat)
        if one.page is not None:
            pages.remember(connection, one.page)


def end_flood(connection: Connection, verdicts: Sequence[Verdict], deliveries: Sequence[Delivery]) -> None:
    """Hold these documents no more, and tell of those that were held until now."""
    due = flooding.let_go(connection, verdicts, deliveries)
    for may_repeat in (False, True):
        _write_deliveries(connection, [row for row, marked in due if marked is may_repeat], may_repeat=may_repeat)


def _read_first_since_a_restore(connection: Connection, cursors: Sequence[Cursor]) -> frozenset[str]:
    """Say of which sources alerts may be repeats: nobody knows what they said between the backup and now.

    Once such a source was read, what it holds is known again.
    """
    rows = connection.execute(
        "SELECT source_id, restored_at FROM restored_sources WHERE source_id IN (SELECT value FROM json_each(?))",
        (as_list(cursor.source_id for cursor in cursors),),
    ).fetchall()
    since = {row["source_id"]: row["restored_at"] for row in rows}
    read = [one for one in cursors if one.source_id in since and _read_at(one) > since[one.source_id]]
    connection.executemany("DELETE FROM restored_sources WHERE source_id = ?", [(one.source_id,) for one in read])
    return frozenset(since)


def _read_at(cursor: Cursor) -> str:
    return stamp_or_null(cursor.last_success_at) or ""


def _write_cursors(connection: Connection, cursors: Sequence[Cursor]) -> None:
    """Write all cursors by one statement: a round of polls that brought nothing is only this."""
    rows = [_cursor_row(cursor) for cursor in cursors]
    if connection.executemany(_SET_CURSOR, rows).rowcount == len(rows):
        return
    for cursor in cursors:
        _know_source(connection, cursor.source_id)
    connection.executemany(_SET_CURSOR, rows)


def _cursor_row(cursor: Cursor) -> tuple[object, ...]:
    return (
        plain(cursor.validator_url),
        from_header(cursor.etag),
        from_header(cursor.last_modified),
        cursor.body_hash,
        stamp_or_null(cursor.next_poll_at),
        cursor.failures,
        plain(cursor.last_error),
        stamp_or_null(cursor.last_success_at),
        stamp_or_null(cursor.last_new_at),
        stamp_or_null(cursor.full_at),
        cursor.trouble,
        stamp_or_null(cursor.trouble_since),
        cursor.trouble_polls,
        plain(cursor.moved_to),
        stamp_or_null(cursor.moved_since),
        cursor.moved_polls,
        stamp_or_null(cursor.retired_at),
        as_list(cursor.unseen_recent),
        plain(cursor.address) or None,  # a poll that began before an address was followed knows of none
        plain(cursor.address_instead_of) or None,
        stamp_or_null(cursor.address_at),
        plain(cursor.source_id),
    )


def _know_source(connection: Connection, source_id: str) -> None:
    """Keep what a source said even when nobody registered it, as a dormant one: it is never due."""
    connection.execute(
        """INSERT INTO sources (id, kind, name, url, standing, agency, language, dormant)
        VALUES (?, '', '', '', '', '', '', 1) ON CONFLICT (id) DO NOTHING""",
        (plain(source_id),),
    )
    connection.execute(
        """INSERT INTO cursors (source_id, validator_url, etag, last_modified, body_hash, failures, last_error)
        VALUES (?, '', '', '', '', 0, '') ON CONFLICT (source_id) DO NOTHING""",
        (plain(source_id),),
    )


def _write_verdict(connection: Connection, verdict: Verdict) -> None:
    document = verdict.document
    known = connection.execute("SELECT 1 FROM documents WHERE id = ?", (plain(document.id),)).fetchone()
    if known is None:
        _add_document(connection, document, verdict.story, opens_story=verdict.state is State.NEW)
    elif verdict.state is State.REVISION:
        _add_revision(connection, document)
    else:
        return
    connection.executemany(
        "INSERT INTO document_keys (key, document_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(plain(key), plain(document.id)) for key in document.keys],
    )
    connection.execute(
        """INSERT INTO decisions (story, document_id, digest, state, because, decided_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (document_id, digest) DO NOTHING""",
        (
            verdict.story,
            plain(document.id),
            document.digest,
            verdict.state,
            plain(verdict.because),
            stamp(document.seen_at),
        ),
    )


def _add_document(connection: Connection, document: Document, story: int, *, opens_story: bool) -> None:
    _know_source(connection, document.source_id)
    if opens_story:
        connection.execute(
            "INSERT INTO stories (number, lead_document_id, first_seen_at) VALUES (?, ?, ?)",
            (story, plain(document.id), stamp(document.seen_at)),
        )
    connection.execute(
        """INSERT INTO documents (id, source_id, story, outlet, standing, agency, language, url, number, title, text,
            claimed_at, precision, date_note, facts, digest, latest_digest, seen_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            plain(document.id),
            plain(document.source_id),
            story,
            plain(document.outlet),
            document.standing,
            plain(document.agency),
            plain(document.language),
            plain(document.url),
            plain(document.number),
            plain(document.title),
            plain(document.text),
            stamp_or_null(document.claimed_at),
            document.precision,
            plain(document.date_note),
            as_json(dict(document.facts)),
            document.digest,
            document.digest,
            stamp(document.seen_at),
        ),
    )


def _add_revision(connection: Connection, document: Document) -> None:
    """Keep a later version beside the first one, which alerts go on quoting: their offsets belong to it."""
    connection.execute(
        """INSERT INTO revisions (document_id, digest, url, title, text, claimed_at, precision, date_note, facts,
            seen_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (document_id, digest) DO NOTHING""",
        (
            plain(document.id),
            document.digest,
            plain(document.url),
            plain(document.title),
            plain(document.text),
            stamp_or_null(document.claimed_at),
            document.precision,
            plain(document.date_note),
            as_json(dict(document.facts)),
            stamp(document.seen_at),
        ),
    )
    connection.execute("UPDATE documents SET latest_digest = ? WHERE id = ?", (document.digest, plain(document.id)))


def _write_deliveries(connection: Connection, deliveries: Sequence[Delivery], *, may_repeat: bool) -> None:
    """Write the rows whose chats still ask for them: somebody may have left since the readers were looked up."""
    query_ids = {why.query_id for delivery in deliveries for why in delivery.alert.why}
    followed = _followed(connection, query_ids)
    written: dict[tuple[Why, ...], str] = {}  # many chats ask for one reason: it is written once
    rows: list[tuple[object, ...]] = []
    for delivery in deliveries:
        alert = delivery.alert
        home = followed.get(alert.chat) or _followed_after_move(connection, alert.chat)
        why = None if home is None else asked_for(alert.why, alert.reason, home.queries)
        if home is None or why is None:
            continue
        if why not in written:
            written[why] = why_json(why)
        due = stamp(delivery.due_at)
        silent = home.mutes.hold(why, delivery.due_at)
        rows.append(
            (
                plain(delivery.id),
                home.chat_id,
                alert.story.number,
                plain(alert.story.lead.id),
                alert.reason,
                written[why],
                *(("cancelled", MUTED, due) if silent else ("pending", "", None)),
                due,
                due,
                may_repeat,
                alert.delay,
            )
        )
    _insert_deliveries(connection, rows)


def _insert_deliveries(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    connection.execute(
        "UPDATE documents SET told = 1 WHERE id IN (SELECT value FROM json_each(?)) AND told = 0",
        (as_list({str(row[3]) for row in rows}),),
    )
    # One row a chat and story, whatever its id: `deliveries_once` sees two chats that turned out to be one.
    connection.executemany(
        """INSERT INTO deliveries (id, chat_id, story, document_id, reason, why, state, last_error, settled_at,
            due_at, waiting_since, unsure, delay)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        rows,
    )


@dataclass(frozen=True, slots=True)
class _Home:
    """Where an alert goes: the chat's number, what it follows, and what it wants silence from."""

    chat_id: int
    queries: set[int]
    mutes: Mutes


def _followed(connection: Connection, query_ids: Iterable[int]) -> dict[Chat, _Home]:
    homes: dict[Chat, list[Row]] = {}
    for row in connection.execute(
        """SELECT chats.id, platform, workspace, chat, thread, query_id, chats.muted_since, chats.muted_until,
            subscriptions.muted_since AS query_muted_since, subscriptions.muted_until AS query_muted_until
        FROM subscriptions JOIN chats ON chats.id = subscriptions.chat_id
        WHERE query_id IN (SELECT value FROM json_each(?)) AND gone_at IS NULL""",
        (as_list(query_ids),),
    ):
        homes.setdefault(chat_of(row), []).append(row)
    return {chat: _home(rows) for chat, rows in homes.items()}


def _followed_after_move(connection: Connection, chat: Chat) -> _Home | None:
    """Look one chat up that `_followed` did not show: it has moved, or its alert needs no subscription."""
    rows = connection.execute(
        """SELECT home.id, query_id, home.muted_since, home.muted_until,
            subscriptions.muted_since AS query_muted_since, subscriptions.muted_until AS query_muted_until
        FROM chats AS named
        JOIN chats AS home ON home.id = coalesce(named.moved_to, named.id) AND home.gone_at IS NULL
        LEFT JOIN subscriptions ON subscriptions.chat_id = home.id
        WHERE named.platform = ? AND named.workspace = ? AND named.chat = ? AND named.thread = ?""",
        key_of(chat),
    ).fetchall()
    return _home(rows) if rows else None


def _home(rows: Sequence[Row]) -> _Home:
    """Make one home of a chat's subscriptions."""
    queries = {row["query_id"]: mute for row in rows if (mute := mute_of(row, "query_")) is not None}
    return _Home(rows[0]["id"], {row["query_id"] for row in rows}, Mutes(mute_of(rows[0]), queries))

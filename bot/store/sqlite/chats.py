"""Chats: under which name they are known, whether they can be reached, where they went.

A chat that moved leaves its old name behind as a row with `moved_to`, one step long: what is under way for the old
name (a poll that is deciding, a message that is being sent) finds its way, whichever comes first.
"""

from __future__ import annotations

from datetime import datetime

from bot.core.model import Chat, Preferences, Voice
from bot.store.rules import farther, joined, longer, of_one_chat
from bot.store.sqlite.holding import hold_back
from bot.store.sqlite.rows import (
    Connection,
    as_list,
    chat_of,
    deliveries_of,
    key_of,
    mute_of,
    plain,
    stamp,
    stamp_or_null,
    why_json,
)


def find(connection: Connection, chat: Chat) -> int | None:
    """Look up the number of a chat, under its present name or a former one."""
    row = connection.execute(
        """SELECT coalesce(moved_to, id) FROM chats
        WHERE platform = ? AND workspace = ? AND chat = ? AND thread = ?""",
        key_of(chat),
    ).fetchone()
    return None if row is None else int(row[0])


def find_with_threads(connection: Connection, chat: Chat) -> set[int]:
    """Look up the number of a chat, without a thread also those of all its threads."""
    known = find(connection, chat)
    return ({known} if known else set()) | set(() if chat.thread else _threads(connection, chat))


def find_or_add(connection: Connection, chat: Chat, voice: Voice, now: datetime) -> int:
    """Look a chat up, or make it known with this voice; a known chat keeps its own."""
    known = find(connection, chat)
    if known is not None:
        return known
    added = connection.execute(
        """INSERT INTO chats (platform, workspace, chat, thread, language, zone, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (*key_of(chat), plain(voice.language), plain(voice.zone), stamp(now)),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def preferences(connection: Connection, chat: Chat) -> Preferences | None:
    """Read what a chat has set for itself."""
    row = connection.execute(
        "SELECT language, zone, muted_since, muted_until FROM chats WHERE id = ?", (find(connection, chat),)
    ).fetchone()
    return None if row is None else Preferences(Voice(row["language"], row["zone"]), mute_of(row))


def set_voice(connection: Connection, chat: Chat, voice: Voice, now: datetime) -> None:
    """Change how a chat is spoken to."""
    connection.execute(
        "UPDATE chats SET language = ?, zone = ? WHERE id = ?",
        (plain(voice.language), plain(voice.zone), find_or_add(connection, chat, voice, now)),
    )


def wake(connection: Connection, chat: Chat) -> bool:
    """Make a known chat active again, without a thread also all its threads; False where none was inactive."""
    woken = connection.execute(
        "UPDATE chats SET gone_at = NULL WHERE id IN (SELECT value FROM json_each(?)) AND gone_at IS NOT NULL",
        (as_list(find_with_threads(connection, chat)),),
    )
    return woken.rowcount > 0


def part(connection: Connection, chat: Chat, why: str, now: datetime) -> None:
    """Note that a chat cannot be reached, nor any of its threads: they are inactive, what waits is cancelled.

    What is told of a former name says nothing of the chat that it leads to.
    """
    threads = as_list(_threads(connection, chat))
    connection.execute(
        "UPDATE chats SET gone_at = ? WHERE id IN (SELECT value FROM json_each(?)) AND gone_at IS NULL",
        (stamp(now), threads),
    )
    connection.execute(
        """UPDATE deliveries SET state = 'cancelled', last_error = ?, settled_at = ?
        WHERE chat_id IN (SELECT value FROM json_each(?)) AND state = 'pending'""",
        (plain(why), stamp(now), threads),
    )


def rest(connection: Connection, chat: Chat, until: datetime) -> None:
    """Let nothing be sent to the chat before `until`, nor to any of its threads; a longer rest stays."""
    connection.execute(
        """UPDATE chats SET not_before = max(coalesce(not_before, ''), ?)
        WHERE id IN (SELECT value FROM json_each(?))""",
        (stamp(until), as_list(_threads(connection, chat))),
    )


def _threads(connection: Connection, chat: Chat) -> list[int]:
    """Look up everything that has the chat's number as its present name: platforms limit and remove it as one.

    A chat without a number stands for its whole workspace.
    """
    platform, workspace, number, _ = key_of(chat)
    if number or not workspace:  # two questions, not one with OR: that would walk through all chats without workspace
        rows = connection.execute(
            "SELECT id FROM chats WHERE platform = ? AND workspace = ? AND chat = ? AND moved_to IS NULL",
            (platform, workspace, number),
        )
    else:
        rows = connection.execute(
            "SELECT id FROM chats WHERE platform = ? AND workspace = ? AND moved_to IS NULL", (platform, workspace)
        )
    return [int(row[0]) for row in rows]


def move(connection: Connection, chat: Chat, to: Chat, now: datetime) -> None:
    """Give a chat a new name, merging it into the chat that has that name, where there is one.

    Whoever moved can be reached, whatever was told before. Where one of the two wants silence, what waits is held back.
    """
    old = find(connection, chat)
    if old is None or _is_named(connection, old, to):
        return
    new = find(connection, to)
    if new is None or new == old:
        new = old
        _rename(connection, old, to)
    else:
        _merge(connection, old, new)
        hold_back(connection, new, now)
    connection.execute("UPDATE chats SET gone_at = NULL WHERE id = ? AND gone_at IS NOT NULL", (new,))


def _is_named(connection: Connection, chat_id: int, chat: Chat) -> bool:
    return (
        connection.execute(
            """SELECT 1 FROM chats WHERE id = ? AND platform = ? AND workspace = ? AND chat = ? AND thread = ?""",
            (chat_id, *key_of(chat)),
        ).fetchone()
        is not None
    )


def _rename(connection: Connection, chat_id: int, to: Chat) -> None:
    """Give a chat a name that is free, or one that it had before; its present one becomes a former one."""
    connection.execute(
        """DELETE FROM chats
        WHERE platform = ? AND workspace = ? AND chat = ? AND thread = ? AND moved_to = ?""",
        (*key_of(to), chat_id),
    )
    former = connection.execute(
        "SELECT platform, workspace, chat, thread, language, zone, created_at FROM chats WHERE id = ?", (chat_id,)
    ).fetchone()
    connection.execute(
        "UPDATE chats SET platform = ?, workspace = ?, chat = ?, thread = ? WHERE id = ?", (*key_of(to), chat_id)
    )
    connection.execute(
        """INSERT INTO chats (platform, workspace, chat, thread, language, zone, created_at, moved_to)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (*former, chat_id),
    )


def _merge(connection: Connection, old: int, new: int) -> None:
    """Let `new` take over everything of `old`: of two rows for one story the furthest stays."""
    _join_doubles(connection, old, new)
    connection.execute("UPDATE deliveries SET chat_id = ? WHERE chat_id = ?", (new, old))
    connection.execute("UPDATE OR IGNORE subscriptions SET chat_id = ? WHERE chat_id = ?", (new, old))
    connection.execute("DELETE FROM subscriptions WHERE chat_id = ?", (old,))
    connection.execute("UPDATE added_sources SET chat_id = ? WHERE chat_id = ?", (new, old))
    (not_before,) = connection.execute("SELECT not_before FROM chats WHERE id = ?", (old,)).fetchone()
    _join_mutes(connection, old, new)
    if not_before is not None:
        connection.execute(
            "UPDATE chats SET not_before = max(coalesce(not_before, ''), ?) WHERE id = ?", (not_before, new)
        )
    connection.execute("UPDATE chats SET moved_to = ? WHERE id = ? OR moved_to = ?", (new, old, old))


def _join_mutes(connection: Connection, old: int, new: int) -> None:
    rows = connection.execute("SELECT * FROM chats WHERE id IN (?, ?)", (old, new)).fetchall()
    if not of_one_chat(*map(chat_of, rows)) and (mute := longer(*map(mute_of, rows))) is not None:
        connection.execute(
            "UPDATE chats SET muted_since = ?, muted_until = ? WHERE id = ?",
            (stamp(mute.since), stamp_or_null(mute.until), new),
        )
    connection.execute("UPDATE chats SET muted_since = NULL, muted_until = NULL WHERE id = ?", (old,))


def _join_doubles(connection: Connection, old: int, new: int) -> None:
    pairs = connection.execute(
        """SELECT theirs.seq, ours.seq FROM deliveries AS theirs
        JOIN deliveries AS ours ON ours.chat_id = ? AND ours.story = theirs.story
            AND ours.document_id = theirs.document_id AND ours.reason <> 'test'
        WHERE theirs.chat_id = ? AND theirs.reason <> 'test'""",
        (new, old),
    ).fetchall()
    for pair in pairs:
        rows = connection.execute(
            "SELECT * FROM deliveries_with_chat WHERE seq IN (?, ?) ORDER BY seq", pair
        ).fetchall()
        doubles = zip((row["seq"] for row in rows), deliveries_of(connection, rows), strict=True)
        (kept_seq, kept), (dropped_seq, dropped) = sorted(doubles, key=lambda one: farther(one[1]))
        both = joined(kept, dropped)
        connection.execute("DELETE FROM deliveries WHERE seq = ?", (dropped_seq,))
        connection.execute(
            "UPDATE deliveries SET why = ?, unsure = ? WHERE seq = ?", (why_json(both.alert.why), both.unsure, kept_seq)
        )

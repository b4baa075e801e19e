"""What the flood guard holds, until it is let go or discarded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.core.floods import HELD_FOR, Flood, discarded, held_verdict, sample_of
from bot.core.model import Delivery, Verdict
from bot.store.sqlite.rows import Connection, as_list, documents_by_id, moment, plain, stamp


def hold(connection: Connection, verdicts: Iterable[Verdict], *, may_repeat: bool) -> None:
    """Keep documents, which are written already, from being told. `may_repeat`: before a restore they may have been."""
    connection.executemany(
        """INSERT INTO held (document_id, source_id, held_at, release_at, may_repeat) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING""",
        [
            (
                plain(verdict.document.id),
                plain(verdict.document.source_id),
                stamp(verdict.document.seen_at),
                stamp(verdict.document.seen_at + HELD_FOR),
                may_repeat,
            )
            for verdict in verdicts
            if verdict.held
        ],
    )


def floods(connection: Connection) -> tuple[Flood, ...]:
    """Read what is held, by source."""
    rows = connection.execute(
        """SELECT source_id, min(held_at) AS since, min(release_at) AS until, count(*) AS items
        FROM held GROUP BY source_id ORDER BY source_id"""
    ).fetchall()
    return tuple(
        Flood(
            row["source_id"],
            moment(row["since"]),
            moment(row["until"]),
            row["items"],
            sample_of(_titles(connection, row["source_id"])),
        )
        for row in rows
    )


def _titles(connection: Connection, source_id: str) -> list[str]:
    rows = connection.execute(
        """SELECT title FROM held JOIN documents ON documents.id = document_id
        WHERE held.source_id = ? ORDER BY story, document_id""",
        (plain(source_id),),
    )
    return [title for (title,) in rows]


def held_of(connection: Connection, source_id: str) -> tuple[Verdict, ...]:
    """Read the held documents of a source as they were decided."""
    rows = connection.execute(
        """SELECT document_id, decisions.story, because, lead_document_id FROM held
        JOIN documents ON documents.id = document_id JOIN decisions USING (document_id)
        JOIN stories ON stories.number = decisions.story
        WHERE held.source_id = ? AND decisions.digest = documents.digest ORDER BY decisions.story, document_id""",
        (plain(source_id),),
    ).fetchall()
    documents = documents_by_id(connection, [row["document_id"] for row in rows])
    return tuple(
        held_verdict(documents[row["document_id"]], row["story"], row["lead_document_id"], row["because"])
        for row in rows
    )


def release_flood(connection: Connection, source_id: str, at: datetime) -> int:
    """Let what is held of a source go from then on, unless it goes before."""
    return connection.execute(
        "UPDATE held SET release_at = min(release_at, ?) WHERE source_id = ?", (stamp(at), plain(source_id))
    ).rowcount


def discard_flood(connection: Connection, source_id: str) -> int:
    """Hold a source's items no more and tell nobody of them."""
    verdicts = held_of(connection, source_id)
    _decide_anew(connection, [(discarded(verdict.because), verdict) for verdict in verdicts])
    return connection.execute("DELETE FROM held WHERE source_id = ?", (plain(source_id),)).rowcount


def let_go(
    connection: Connection, verdicts: Sequence[Verdict], deliveries: Sequence[Delivery]
) -> tuple[tuple[Delivery, bool], ...]:
    """Hold these documents no more, and give back those of their deliveries that are due, and whether they may repeat.

    They may where the documents were held in a backup that was restored, or first seen after it: they may have been
    told since.
    """
    ids = as_list(plain(verdict.document.id) for verdict in verdicts)
    rows = connection.execute(
        "SELECT document_id, may_repeat FROM held WHERE document_id IN (SELECT value FROM json_each(?))", (ids,)
    )
    may_repeat = {row["document_id"]: bool(row["may_repeat"]) for row in rows}
    _decide_anew(connection, [(one.because, one) for one in verdicts if plain(one.document.id) in may_repeat])
    connection.execute("DELETE FROM held WHERE document_id IN (SELECT value FROM json_each(?))", (ids,))
    leads = [(delivery, plain(delivery.alert.story.lead.id)) for delivery in deliveries]
    return tuple((delivery, may_repeat[lead]) for delivery, lead in leads if lead in may_repeat)


def _decide_anew(connection: Connection, decided: Iterable[tuple[str, Verdict]]) -> None:
    connection.executemany(
        "UPDATE decisions SET because = ? WHERE document_id = ? AND digest = ?",
        [(plain(because), plain(one.document.id), one.document.digest) for because, one in decided],
    )

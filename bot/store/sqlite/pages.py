"""What is remembered of pages that are watched for change."""

from __future__ import annotations

import json
from dataclasses import astuple
from datetime import datetime

from bot.core.intake import Doubt, Section, WatchedPage
from bot.store.sqlite.rows import Connection, Row, as_json, moment, plain, stamp


def page(connection: Connection, source_id: str) -> WatchedPage | None:
    """Read what is remembered of a source's page; None where nothing is."""
    row = connection.execute("SELECT * FROM pages WHERE source_id = ?", (plain(source_id),)).fetchone()
    return None if row is None else _page_of(row)


def _page_of(row: Row) -> WatchedPage:
    doubted = row["doubt_since"] is not None
    return WatchedPage(
        source_id=row["source_id"],
        asked=row["asked"],
        sections=tuple(Section(*fields) for fields in json.loads(row["sections"])),
        updated=row["updated"],
        changes=row["changes"],
        told={version: moment(at) for version, at in json.loads(row["told"]).items()},
        doubt=Doubt(row["doubt_version"], moment(row["doubt_since"]), row["doubt_polls"]) if doubted else None,
    )


def remember(connection: Connection, watched: WatchedPage) -> None:
    """Write it, in place of what was remembered before."""
    doubt = watched.doubt
    connection.execute(
        "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            plain(watched.source_id),
            watched.asked,
            as_json([astuple(section) for section in watched.sections]),
            plain(watched.updated),
            watched.changes,
            as_json({version: stamp(at) for version, at in watched.told.items()}),
            *((doubt.version, stamp(doubt.since), doubt.polls) if doubt else ("", None, 0)),
        ),
    )


def drop_unwatched(connection: Connection, before: datetime) -> None:
    """Drop pages of sources that left the configuration and were read last before then: nobody asks for them."""
    connection.execute(
        """DELETE FROM pages WHERE source_id IN (
            SELECT sources.id FROM sources CROSS JOIN cursors ON cursors.source_id = sources.id
            WHERE dormant = 1 AND last_success_at < ?)""",
        (stamp(before),),
    )

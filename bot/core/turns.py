"""What operators are told of sources that move: asked about another site, told once where it went by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from bot.core.alarms import Alarm, Severity
from bot.core.intake import Cursor, SourceSpec
from bot.core.moves import host_of, in_place, is_for_good

TOLD_FOR = timedelta(hours=23)  # less than a day, after which what stands is told again


def turns(sources: Mapping[str, SourceSpec], cursors: Collection[Cursor], now: datetime) -> tuple[Alarm, ...]:
    """Say what there is to know of moves at this moment."""
    known = [(sources[cursor.source_id], cursor) for cursor in cursors if cursor.source_id in sources]
    return tuple(alarm for source, cursor in known for alarm in _turns(source, cursor, now))


def _turns(source: SourceSpec, cursor: Cursor, now: datetime) -> Iterator[Alarm]:
    if is_for_good(cursor, now):
        there = host_of(cursor.moved_to)
        yield Alarm(
            f"moving:{source.id}:{there}",
            Severity.WARNING,
            f"{source.name} says that it has moved for good to another site, {there}. It is read at its old address.",
            f"If that is right, `policybell sources move {source.id}`.",
            cursor.moved_since,
        )
    if in_place(source, cursor) != source and cursor.address_at and now - cursor.address_at < TOLD_FOR:
        there = host_of(cursor.address)
        yield Alarm(
            f"moved:{source.id}:{cursor.address_at.isoformat()}",
            Severity.WARNING,
            f"{source.name} has moved for good and is read at its new address now, on {there}.",
            "There is nothing to do. Its `url` in bot.toml may be made the new one.",
            cursor.address_at,
            passing=True,
        )

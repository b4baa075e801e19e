"""What operators are told of sources that are read well and say nothing, and of those that said good-bye."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from bot.core.alarms import Alarm, Severity
from bot.core.condition import Condition, find
from bot.core.habit import Behavior
from bot.core.intake import Cursor, SourceSpec

_TOLD = {Condition.LATE: "silent", Condition.GONE: "gone"}


def silences(
    sources: Mapping[str, SourceSpec], cursors: Collection[Cursor], habits: Mapping[str, Behavior], now: datetime
) -> tuple[Alarm, ...]:
    """Say which sources are silent for longer than they ever are as a rule, or gone."""
    return tuple(_silences(sources, cursors, habits, now))


def _silences(
    sources: Mapping[str, SourceSpec], cursors: Collection[Cursor], habits: Mapping[str, Behavior], now: datetime
) -> Iterator[Alarm]:
    for cursor in cursors:
        source = sources.get(cursor.source_id)
        if source is None:
            continue
        found = find(source, cursor, now, habit=habits.get(source.id))
        if found.condition in _TOLD:
            key, sentence = f"{_TOLD[found.condition]}:{source.id}", f"{source.name} · {found.words}."
            yield Alarm(key, Severity.WARNING, sentence, found.next_step, found.since)

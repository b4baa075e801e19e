"""Backups as files: their names, when the next one is due, which ones are too old. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_STAMP = "%Y-%m-%dT%H-%M-%SZ"
_DATED = re.compile(r"policybell-(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z)\.db\.gz")
# Made before a change of the schema, or put aside by a restore: copies like any other, dated by their files.
_ON_OCCASION = re.compile(r"policybell-(before-\w+\.db\.gz|replaced-[\dTZ-]+\.db(-wal)?)")


def name_at(now: datetime) -> str:
    """Name the backup of a moment."""
    return f"policybell-{now.astimezone(UTC).strftime(_STAMP)}.db.gz"


def made_at(name: str) -> datetime | None:
    """Read from its name when a backup was made; None where it is not named so."""
    found = _DATED.fullmatch(name)
    try:
        return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def newest(names: Iterable[str]) -> datetime | None:
    """Say when the newest of these was made."""
    return max((at for at in map(made_at, names) if at is not None), default=None)


def last_turn(now: datetime, at: time, zone: str) -> datetime:
    """Say when it was `at` by the clocks of a zone for the last time."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    turns = (datetime.combine(today - timedelta(days=back), at, place).astimezone(UTC) for back in (0, 1))
    return next(turn for turn in turns if turn <= now)


def is_due(now: datetime, last: datetime | None, at: time, zone: str) -> bool:
    """Tell whether a backup is due: none was made since its last turn, be it that the machine slept then."""
    return last is None or last < last_turn(now, at, zone)


def outdated(files: Mapping[str, datetime], now: datetime, keep: int) -> frozenset[str]:
    """Name the files that go, given when each was changed last; other people's files are left alone.

    The `keep` newest stay, and of none more than `keep` days: whoever asks to be forgotten is then in no copy. The
    very newest stays, however old it is.
    """
    dated = sorted(((at, name) for name in files if (at := made_at(name)) is not None), reverse=True)
    others = [(at, name) for name, at in files.items() if _ON_OCCASION.fullmatch(name)]
    oldest = now - timedelta(days=keep, hours=1)  # a night's backup is not made to the second
    kept = {name for number, (at, name) in enumerate(dated) if number == 0 or (number < keep and at >= oldest)}
    kept |= {name for at, name in others if at >= oldest}
    return frozenset({name for _, name in (*dated, *others)} - kept)

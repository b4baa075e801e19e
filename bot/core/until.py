"""How long a silence lasts, as people write it: `8h`, `2d`, `until monday`, `until 2026-12-01 14:00`, `until 6pm`.

Days are days on the chat's own clock: `2d` from Saturday at 9:00 is Monday at 9:00, whatever the clocks did in between.
Hours and minutes are time that passes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.core.words import zone_named

LONGEST = timedelta(days=366)
MORNING = time(9, 0)  # when a day begins that was named without an hour

_LENGTH = re.compile(r"(\d{1,4})(m|min|h|d|w)")
_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))?(am|pm)?")
_UNTIL = frozenset({"until", "til", "till", "hasta"})
_TOMORROW = frozenset({"tomorrow", "mañana"})
_DAYS = (
    ("monday", "lunes"),
    ("tuesday", "martes"),
    ("wednesday", "miércoles", "miercoles"),
    ("thursday", "jueves"),
    ("friday", "viernes"),
    ("saturday", "sábado", "sabado"),
    ("sunday", "domingo"),
)
_LEAST_LETTERS = 3  # "mon", "thurs"
_NOON, _HOURS, _MINUTES = 12, 24, 60


@dataclass(frozen=True, slots=True)
class Until:
    """A moment, and how many words named it. The moment may lie in the past: who asks decides what that means."""

    at: datetime
    words: int


def read_until(words: Sequence[str], now: datetime, zone: str) -> Until | None:
    """Read an end from the beginning of some words, on the clock of `zone`; None where they do not name one."""
    match [word.casefold().rstrip(",.") for word in words]:
        case ["for" | "por", length, *_]:
            found, used = _after(length, now, zone), 2
        case [word, *named] if word in _UNTIL:
            return _until(named, now, zone)
        case [length, *_]:
            found, used = _after(length, now, zone), 1
        case _:
            return None
    return None if found is None else Until(found, used)


def on_the_clock(day: date, clock: time, zone: str) -> datetime:
    """Give the moment at which the clocks of `zone` show this, in UTC.

    Where they show it twice (in autumn), the first time; where they never do (in spring), the first minute after.
    """
    wanted = datetime.combine(day, clock)
    local = zone_named(zone)
    at = min(wanted.replace(tzinfo=local, fold=fold).astimezone(UTC) for fold in (0, 1))
    while at.astimezone(local).replace(tzinfo=None) < wanted:
        at += timedelta(minutes=1)
    return at


def _after(length: str, now: datetime, zone: str) -> datetime | None:
    found = _LENGTH.fullmatch(length)
    if found is None:
        return None
    count, unit = int(found[1]), found[2]
    if unit in {"d", "w"}:
        local = now.astimezone(zone_named(zone))
        day = local.date() + timedelta(days=count * (7 if unit == "w" else 1))
        return on_the_clock(day, local.time().replace(microsecond=0), zone)
    return now + (timedelta(hours=count) if unit == "h" else timedelta(minutes=count))


def _until(named: Sequence[str], now: datetime, zone: str) -> Until | None:
    """Read what stands behind `until`: a day, a day and an hour, or an hour that comes next."""
    if not named:
        return None
    today = now.astimezone(zone_named(zone)).date()
    day = _day(named[0], today)
    if day is not None:
        clock = _clock(named[1]) if len(named) > 1 else None
        return Until(on_the_clock(day, clock or MORNING, zone), 2 if clock is None else 3)
    clock = _clock(named[0])
    if clock is None:
        return None
    at = on_the_clock(today, clock, zone)
    return Until(at if at > now else on_the_clock(today + timedelta(days=1), clock, zone), 2)


def _day(word: str, today: date) -> date | None:
    """Read a day: `tomorrow`, a date, or a weekday, which is the next one and never today."""
    if word in _TOMORROW:
        return today + timedelta(days=1)
    if len(word) >= _LEAST_LETTERS:
        for number, names in enumerate(_DAYS):
            if any(name.startswith(word) for name in names):
                return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    try:
        return datetime.strptime(word, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


def _clock(word: str) -> time | None:
    """Read an hour: `14:00`, `9am`, `9:30pm`. A bare number is none."""
    found = _CLOCK.fullmatch(word)
    if found is None or not (found[2] or found[3]):
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if half == "pm" else 0)
    return time(hour, minute) if hour < _HOURS and minute < _MINUTES else None

"""When Washington works: federal holidays by rule, and spells of a working day in which a source is asked more often.

All by Washington's clock. Holidays are those of 5 U.S.C. 6103 as they are observed: on Friday where they fall on a
Saturday, on Monday where on a Sunday, and Inauguration Day only where it falls on a weekday. Days on which offices
are closed by order of the day, as for a mourning, nobody can know before; asking more often then does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

WASHINGTON = ZoneInfo("America/New_York")

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_JUNETEENTH_SINCE = 2021
_PRESIDENT_EVERY, _PRESIDENT_IN = 4, 1  # years; one began in 2021
_LOOK_AHEAD = 7  # days; no holidays are so near to one another that no working day would be among them


@dataclass(frozen=True, slots=True)
class Spell:
    """A part of each working day in which a source is asked every so often. `begin` is before `end`."""

    begin: time
    end: time
    every: timedelta


WORKING_HOURS = time(8), time(20)
"""From eight o'clock in Washington until five in California, whose courts and officials are at work too."""

# The Office of the Federal Register puts documents up at 8:45, and special filings through the day; one that was
# filed at the end of it is up within minutes.
CLOCKS: Mapping[str, tuple[Spell, ...]] = {
    "public_inspection": (
        Spell(time(8, 40), time(9), timedelta(minutes=1)),
        Spell(time(9), time(17, 30), timedelta(minutes=3)),
    ),
    "docket": (Spell(*WORKING_HOURS, timedelta(minutes=2)),),
}
"""What the kinds keep to whose news comes by an official clock, where a source's settings say nothing else."""


def is_working_day(day: date) -> bool:
    """Say whether federal offices work."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


@lru_cache(maxsize=16)
def holidays(year: int) -> frozenset[date]:
    """Name the days of one year on which federal holidays are observed."""
    around = (observed for of in (year, year + 1) for observed in _observed(of))  # New Year's may fall in the old one
    return frozenset(day for day in around if day.year == year)


def pace(spells: Sequence[Spell], now: datetime) -> timedelta | None:
    """Say how often to ask at this moment; None outside of all spells. Where several hold, the shortest counts."""
    local = now.astimezone(WASHINGTON)
    if not is_working_day(local.date()):
        return None
    return min((one.every for one in spells if one.begin <= local.time() < one.end), default=None)


def next_spell(spells: Sequence[Spell], now: datetime) -> tuple[datetime, Spell] | None:
    """Say which spell begins next, and when. None where there are none."""
    if not spells:
        return None
    today = now.astimezone(WASHINGTON).date()
    days = (today + timedelta(days=ahead) for ahead in range(_LOOK_AHEAD))
    coming = ((_at(day, one.begin), one) for day in days if is_working_day(day) for one in spells)
    return min((found for found in coming if found[0] > now), key=lambda found: (found[0], found[1].every))


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, WASHINGTON).astimezone(UTC)


def _observed(year: int) -> Iterator[date]:
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= _JUNETEENTH_SINCE:
        fixed.append(date(year, 6, 19))
    yield from map(_moved, fixed)
    if year % _PRESIDENT_EVERY == _PRESIDENT_IN:
        yield date(year, 1, 20)
    yield _weekday(year, 1, _MONDAY, 3)  # Martin Luther King, Jr.
    yield _weekday(year, 2, _MONDAY, 3)  # Washington's Birthday
    yield _weekday(year, 6, _MONDAY, 1) - timedelta(days=7)  # Memorial Day: the last Monday of May
    yield _weekday(year, 9, _MONDAY, 1)  # Labor Day
    yield _weekday(year, 10, _MONDAY, 2)  # Columbus Day
    yield _weekday(year, 11, _THURSDAY, 4)  # Thanksgiving


def _moved(day: date) -> date:
    """Move a holiday off a weekend."""
    away = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)
    return day + timedelta(days=away)


def _weekday(year: int, month: int, weekday: int, number: int) -> date:
    """Find, for instance, the third Monday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))

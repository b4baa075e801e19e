"""Dates and times as people read them, in American English."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

# strftime's month names follow the process's locale; a message must not.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NOON = 12


def day_in_words(day: date) -> str:
    """Write a day: `October 5, 2023`."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def time_in_words(at: datetime, zone: str) -> str:
    """Write a moment on the clock of `zone`: `October 5, 2023, 8:04 AM EDT`; in UTC where the zone is unknown."""
    local = at.astimezone(_zone(zone))
    half = "AM" if local.hour < _NOON else "PM"
    return f"{day_in_words(local)}, {local.hour % _NOON or _NOON}:{local.minute:02} {half} {local.tzname()}"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, or a folder of zones
        return UTC

"""Dates and times as people read them, in American English."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
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
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NOON = 12


def day_in_words(day: date) -> str:
    """Write a day: `October 5, 2023`."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def month_in_words(day: date) -> str:
    """Write a month: `October 2023`."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def time_in_words(at: datetime, zone: str) -> str:
    """Write a moment on the clock of `zone`: `October 5, 2023, 8:04 AM EDT`; in UTC where the zone is unknown."""
    local = at.astimezone(zone_named(zone))
    return f"{day_in_words(local)}, {_clock(local)}"


def moment_in_words(at: datetime, zone: str, now: datetime) -> str:
    """Write a moment that is near: `Mon, Nov 30, 9:00 AM EST`; with its year where that is not the present one."""
    local = at.astimezone(zone_named(zone))
    year = "" if local.year == now.astimezone(zone_named(zone)).year else f" {local.year},"
    return f"{_WEEKDAYS[local.weekday()]}, {_MONTHS[local.month - 1][:3]} {local.day},{year} {_clock(local)}"


def clock_in_words(at: datetime, zone: str) -> str:
    """Write what the clocks of `zone` show: `9:00 AM EST`."""
    return _clock(at.astimezone(zone_named(zone)))


def span_of_time(length: timedelta) -> str:
    """Write a length of time in the largest unit of which it has two: `40 s`, `3 min`, `5 h`, `2 days`."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _clock(local: datetime) -> str:
    half = "AM" if local.hour < _NOON else "PM"
    return f"{local.hour % _NOON or _NOON}:{local.minute:02} {half} {local.tzname()}"


def zone_named(name: str) -> tzinfo:
    """Find a time zone; UTC where the name is unknown."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, or a folder of zones
        return UTC

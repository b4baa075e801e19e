"""What a source claims about when: read exactly, believed within reason, never made up.

Dates lie in feeds (design: "Dates lie here"): two-digit years, ISO dates where RFC 822 is asked for, days without
a time, times without a zone, whole archives stamped anew. So a claim keeps how exact it is and, where it is missing
or not believed, why, in words that an alert can show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from bot.core.model import Precision
from bot.core.words import day_in_words

_EARLIEST_YEAR = 1995  # nothing that we watch was on the web before
_SKEW = timedelta(minutes=5)  # what two honest clocks may differ by
_LATEST = timedelta(days=2)  # further ahead than any zone or wrong clock explains
_LATEST_SCHEDULED = timedelta(days=366)  # public inspection dates lie ahead, though never a year
_SHOWN = 40
_YEAR = re.compile(r"(?:19|20)\d\d")
NOT_GIVEN = "date not given"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES_BY_HOURS = {
    -10: "hst",
    -9: "akst",
    -8: "akdt pst",
    -7: "pdt mst",
    -6: "mdt cst",
    -5: "cdt est",
    -4: "edt ast",
    -3: "adt",
    0: "z ut utc gmt wet",
    1: "west cet bst",
    2: "cest eet",
    3: "eest msk",
    9: "jst kst",
    10: "aest",
    11: "aedt",
}
_HOURS_FROM_UTC = {name: hours for hours, names in _ZONES_BY_HOURS.items() for name in names.split()}
# How American newsrooms write: the clock of the place, summer or winter.
_PLACES = {"et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles"}

_TIME = (
    r"(?:[T,\s]+(?:(?:at|-|–)\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?(?![A-Za-z]))?\s*(?P<zone>[A-Za-z]{1,5}|(?:UTC|GMT)?[+-]\d{1,2}:?\d{2})?)?"
    r"(?:\s*\([^()]*\))?"
)
_WEEKDAY = r"(?:[A-Za-z]{2,9}\.?,?\s+)?"
_FORMS = tuple(
    re.compile(form + _TIME)
    for form in (
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        _WEEKDAY + r"(?P<day>\d{1,2})[\s-]+(?P<name>[A-Za-z]{3,9})\.?,?[\s-]+(?P<year>\d{4}|\d{2})",
        _WEEKDAY + r"(?P<name>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
    )
)


@dataclass(frozen=True, slots=True)
class Claim:
    """When a source says that an item was published; `note` says why it says nothing or was not believed."""

    at: datetime | None
    precision: Precision
    note: str = ""


def claim(said: tuple[str, ...], seen_at: datetime, *, scheduled: bool = False) -> Claim:
    """Weigh what a source says, the best field first. `scheduled`: days ahead are announced there, and right."""
    given = [text.strip() for text in said if text.strip()]
    if not given:
        return Claim(None, Precision.NONE, NOT_GIVEN)
    read = next(filter(None, map(read_date, given)), None)
    if read is None:
        fault = "is only a year" if _YEAR.fullmatch(given[0]) else "cannot be read"
        return Claim(None, Precision.NONE, f"the date given, “{given[0][:_SHOWN]}”, {fault}")
    at, precision = read
    latest = seen_at + (_LATEST_SCHEDULED if scheduled else _LATEST)
    if at.year < _EARLIEST_YEAR or at > latest:
        return Claim(None, Precision.NONE, f"the date given, {day_in_words(at)}, cannot be right")
    if scheduled and precision is Precision.DAY:
        return Claim(at, precision)
    return _no_later(at, precision, seen_at)


def _no_later(at: datetime, precision: Precision, seen_at: datetime) -> Claim:
    """Take what lies ahead of us as happening now, and say so where it is more than two clocks may differ by."""
    if precision is Precision.DAY and at.date() > seen_at.date():
        return Claim(seen_at, precision, f"the source says {day_in_words(at)}, which was still to come")
    if precision is Precision.TIME and at > seen_at + _SKEW:
        return Claim(seen_at, precision, "the source gives a time that was still to come")
    return Claim(min(at, seen_at), precision)


def read_date(text: str) -> tuple[datetime, Precision] | None:
    """Read one date in any form that sources were seen to use; None where it is none.

    A time without a zone, or with one that we do not know, is no exact moment: only its day is claimed, and the
    clock, read as UTC, serves for order. Midnight to the second is how publishing systems write "no time".
    """
    found = next(filter(None, (form.fullmatch(text.strip()) for form in _FORMS)), None)
    if found is None:
        return None
    parts = found.groupdict()
    zone = _zone(parts["zone"] or "")
    try:
        local = datetime(*_day(parts), *_clock(parts), tzinfo=zone or UTC)
        if zone is None or local.time() == time():
            return local.replace(tzinfo=UTC), Precision.DAY
        return local.astimezone(UTC), Precision.TIME
    except (ValueError, OverflowError):  # no such day or hour
        return None


def _day(parts: dict[str, str]) -> tuple[int, int, int]:
    year = int(parts["year"])
    century = 2000 if len(parts["year"]) == len("26") else 0
    month = parts.get("month") or _MONTHS.index(parts["name"][:3].casefold()) + 1
    return century + year, int(month), int(parts["day"])


def _clock(parts: dict[str, str]) -> tuple[int, int, int]:
    hour, minute, second = (int(parts[part] or 0) for part in ("hour", "minute", "second"))
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"][0] in "Pp" else 0)
    return hour, minute, min(second, 59)  # a leap second is allowed in feeds and unknown to Python


def _zone(name: str) -> tzinfo | None:
    """Find a zone by its number or by a name that means one thing; None for none or any other."""
    folded = name.casefold()
    if folded in _PLACES:
        return ZoneInfo(_PLACES[folded])
    if folded in _HOURS_FROM_UTC:
        return timezone(timedelta(hours=_HOURS_FROM_UTC[folded]))
    digits = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})", folded)
    if digits is None:
        return None
    sign, hours, minutes = digits.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset) if offset < timedelta(days=1) else None

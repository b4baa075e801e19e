"""Days that a running text names, in English and in Spanish: where they stand, and which day each is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bot.core.dates import read_date

_ENGLISH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_SPANISH = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "sep?tiembre", "octubre")
_SPANISH_MONTHS = tuple(re.compile(name) for name in (*_SPANISH, "noviembre", "diciembre"))
_MONTHS_IN_A_YEAR = 12
_DAY = re.compile(
    rf"""\b(?:
    (?P<english>{_ENGLISH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}} | \d{{1,2}}\s{_ENGLISH},?\s\d{{4}} | \d{{4}}-\d\d-\d\d)
    | (?P<day>\d{{1,2}})(?:º|°|ro)?\sde\s(?P<month>[a-z]{{4,10}})(?:,|\sde|\sdel)\s(?P<year>\d{{4}})
    | (?P<one>\d{{1,2}})/(?P<two>\d{{1,2}})/(?P<in_year>\d{{4}})
    )\b""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Day:
    """A day, and where the text names it."""

    start: int
    end: int
    on: date


def days_in(text: str) -> tuple[Day, ...]:
    """Find the days, in the order of the text. `3/4/2026` is read as Americans do, month first, where that can be."""
    return tuple(_days(text))


def _days(text: str) -> Iterator[Day]:
    for found in _DAY.finditer(text):
        read = read_date(found["english"] or _numbered(found))
        if read is not None:
            yield Day(found.start(), found.end(), read[0].date())


def _numbered(found: re.Match[str]) -> str:
    """Write a day of another form with numbers; with a month of 0 where it names none."""
    if found["year"]:
        name = found["month"].casefold()
        month = next((at for at, known in enumerate(_SPANISH_MONTHS, 1) if known.fullmatch(name)), 0)
        return f"{found['year']}-{month}-{found['day']}"
    one, two, year = found["one"], found["two"], found["in_year"]
    return f"{year}-{two}-{one}" if int(one) > _MONTHS_IN_A_YEAR else f"{year}-{one}-{two}"

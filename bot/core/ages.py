"""How old an item is by what it says of itself, besides the date that its list claims.

Publishing systems stamp old items anew, but the day in an address (`/2019/05/07/…`) and the one that a release begins
with (`WASHINGTON, May 7, 2019 — …`) stay. Both are read with care: only where they can be nothing else, and as the
latest moment that they leave open.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bot.core.dates import read_date
from bot.core.model import Document, Precision
from bot.core.words import day_in_words, month_in_words

_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)  # nothing that we watch was on the web before
_HEAD = 160  # a dateline stands in a text's first line
_DAY = timedelta(days=1)
_WHERE = {"listing": "its listing", "text": "its listing", "url": "its address"}  # as `bot.sources.listing` says it
_DAY_IN_PATH = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?:/(?P<month>\d{1,2})/(?P<day>\d{1,2})|-(?P<month2>\d\d)-(?P<day2>\d\d)"
    r"|(?P<month3>\d\d)(?P<day3>\d\d))(?!\d)"
)
_MONTH_IN_PATH = re.compile(r"/(?P<year>(?:19|20)\d\d)[/-](?P<month>\d{1,2})(?=/)")
_MONTH_NAME = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_DATELINE = re.compile(
    r"(?:(?i:for immediate release|release date|released|date|posted|published)\W{1,4})?"
    r"(?:[A-Z][A-Z.' -]{2,40}(?:, [A-Z][A-Za-z. ]{1,20})?[\s,(–—-]{1,4})?"
    rf"(?P<day>{_MONTH_NAME} \d{{1,2}}, (?:19|20)\d\d)\)?\s*(?:[–—\n|]|--?\s|$)"
)


@dataclass(frozen=True, slots=True)
class Dated:
    """A day or month that an item gives, in words, and where it gives it. It began at `start` and ended at `end`."""

    words: str
    start: datetime
    end: datetime
    where: str


def own_date(document: Document) -> Dated | None:
    """Read the day that an item's address or dateline gives, the later one where both do; None where neither does."""
    found = (*_in_address(document.url), *_in_dateline(document.text))
    believed = [one for one in found if _EARLIEST <= one.start <= document.seen_at]
    return max(believed, key=lambda one: one.end, default=None)


def claimed_date(document: Document) -> Dated | None:
    """Say when the source claims that it came out."""
    if document.claimed_at is None:
        return None
    at = document.claimed_at
    end = at + (_DAY if document.precision is Precision.DAY else timedelta())
    return Dated(day_in_words(at), at, end, _WHERE.get(document.facts.get("date_from", ""), "its source"))


def best_date(document: Document) -> Dated | None:
    """Say when it came out, as well as can be told: what it says of itself counts more than what is claimed."""
    return own_date(document) or claimed_date(document)


def _in_address(url: str) -> Iterator[Dated]:
    path = urlsplit(url).path
    days = list(_DAY_IN_PATH.finditer(path))
    for found in days:
        parts = found.groupdict()
        month, day = (next(filter(None, (parts[name + n] for n in ("", "2", "3")))) for name in ("month", "day"))
        yield from _day(int(parts["year"]), int(month), int(day), "its address")
    if days:
        return
    for found in _MONTH_IN_PATH.finditer(path):
        year, month_of_year = int(found["year"]), int(found["month"])
        if 1 <= month_of_year <= 12:  # noqa: PLR2004 - months
            start, days_of_month = datetime(year, month_of_year, 1, tzinfo=UTC), monthrange(year, month_of_year)[1]
            yield Dated(month_in_words(start), start, start + days_of_month * _DAY, "its address")


def _in_dateline(text: str) -> Iterator[Dated]:
    found = _DATELINE.match(text[:_HEAD].lstrip())
    if found and (said := read_date(found["day"].replace(".", ""))):
        yield from _day(said[0].year, said[0].month, said[0].day, "its dateline")


def _day(year: int, month: int, day: int, where: str) -> Iterator[Dated]:
    try:
        start = datetime(year, month, day, tzinfo=UTC)
    except ValueError:  # eight digits that are no day
        return
    yield Dated(day_in_words(start), start, start + _DAY, where)

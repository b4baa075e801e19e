"""Claimed dates: every form that sources use, honest precision, doubts in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.dates import claim, read_date
from bot.core.model import Precision

SEEN = datetime(2026, 7, 30, 20, 0, tzinfo=UTC)

MOMENTS = {
    "Thu, 30 Jul 26 15:19:32 -0400": (19, 19, 32),  # USCIS
    "2026-07-30T15:19:32-0400": (19, 19, 32),  # Al-Monitor, in pubDate
    "2026-07-30T19:19:32Z": (19, 19, 32),
    "2026-07-30T19:19:32.123456+00:00": (19, 19, 32),
    "2026-07-30 19:19:32 UTC": (19, 19, 32),
    "2026-07-30 12:19 GMT-07:00": (19, 19, 0),
    "Thu, 30 Jul 2026 15:19:32 EDT": (19, 19, 32),
    "Thu, 30 Jul 2026 14:19:32 EST": (19, 19, 32),
    "30 July 2026 21:19:32 CEST": (19, 19, 32),
    "Thursday, July 30, 2026 - 3:19 p.m. ET": (19, 19, 0),
    "July 30th, 2026 at 12:19 PM PT": (19, 19, 0),
    "Jul 30, 2026 12:05 AM CT": (5, 5, 0),
    "Thu, 30 Jul 2026 19:19:32 +0000 (UTC)": (19, 19, 32),
    "Thu, 30 Jul 2026 19:19:60 GMT": (19, 19, 59),
}
DAYS = [
    "2026-07-30",
    "2026-7-30",
    "July 30, 2026",
    "Thursday, Jul. 30 2026",
    "30 Jul 26",
    "30-Jul-2026",
    "Thu, 30 Jul 2026 00:00:00 GMT",  # how publishing systems write "no time"
    "2026-07-30T00:00:00-04:00",
    "2026-07-30T10:30:00",  # no zone: no exact moment
    "Thu, 30 Jul 2026 10:30:00 IST",  # Indian, Irish or Israeli?
    "Thu, 30 Jul 2026 10:30:00 +9900",
]
UNREADABLE = [
    "yesterday",
    "3 hours ago",
    "2026",
    "2026-07",
    "5/10/2026",
    "1785430772",
    "2026-13-01",
    "2026-02-30",
    "31 Juli 2026 um 5",
    "30 Foo 2026",
    "Thu, 30 Jul 2026 24:30:00 GMT",
    "Thu, 30 Jul 126 10:00:00 GMT",
    "0001-01-01T00:30:00+14:00",
]


@pytest.mark.parametrize("said", MOMENTS)
def test_a_time_with_a_zone_is_a_moment(said):
    assert read_date(said) == (datetime(2026, 7, 30, *MOMENTS[said], tzinfo=UTC), Precision.TIME)


@pytest.mark.parametrize("said", DAYS)
def test_less_than_that_is_a_day_as_written(said):
    read = read_date(said)
    assert read is not None
    assert (read[0].date().isoformat(), read[1]) == ("2026-07-30", Precision.DAY)


@pytest.mark.parametrize("said", UNREADABLE)
def test_what_cannot_be_read_is_said_and_never_replaced(said):
    read = claim((said,), SEEN)
    assert (read.at, read.precision) == (None, Precision.NONE)
    assert read.note.startswith("the date given, ")


def test_a_year_is_no_day_and_is_shown():
    assert claim(("2024",), SEEN).note == "the date given, “2024”, is only a year"


def test_a_missing_date_is_missing():
    assert claim(("", "  "), SEEN) == claim((), SEEN)
    assert claim((), SEEN).note == "date not given"


def test_the_second_field_serves_where_the_first_cannot_be_read():
    assert claim(("soon", "2026-07-29T10:00:00Z"), SEEN).at == datetime(2026, 7, 29, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "said", ["Thu, 30 Jul 1926 15:19:32 -0400", "1970-01-01T00:00:01Z", "2031-01-01", "2026-08-02"]
)
def test_an_impossible_date_is_not_believed_and_said(said):
    read = claim((said,), SEEN)
    assert read.at is None
    assert read.note.endswith("cannot be right")


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ("2026-07-30T20:30:00Z", "the source gives a time that was still to come"),
        ("2026-08-01", "the source says August 1, 2026, which was still to come"),
        ("2026-07-30T20:04:00Z", ""),  # two honest clocks
        ("2026-07-30T23:00:00", ""),  # right in some zone, and only its day is claimed
    ],
)
def test_a_date_ahead_of_us_is_taken_as_now(said, note):
    read = claim((said,), SEEN)
    assert (read.at, read.note) == (SEEN, note)


def test_a_scheduled_day_may_lie_ahead():
    ahead = datetime(2026, 9, 14, tzinfo=UTC)
    assert claim(("2026-09-14",), SEEN, scheduled=True).at == ahead
    assert claim(("2026-09-14",), SEEN).at is None
    assert claim(("2028-09-14",), SEEN, scheduled=True).at is None
    assert claim(("2026-07-30T20:30:00Z",), SEEN, scheduled=True).at == SEEN  # a time is no announcement


@given(st.lists(st.text(max_size=40) | st.sampled_from([*MOMENTS, *DAYS, *UNREADABLE]), max_size=2).map(tuple))
def test_whatever_is_said_no_claim_lies_ahead_and_each_doubt_has_words(said):
    read = claim(said, SEEN)
    assert (read.at is None) == (read.precision is Precision.NONE)
    assert read.at is None or datetime(1995, 1, 1, tzinfo=UTC) <= read.at <= SEEN
    assert read.at is not None or read.note


@given(st.integers(0, 10**9), st.integers(-12 * 60, 14 * 60))
def test_any_moment_is_read_back_exactly(seconds, minutes):
    moment = datetime(1995, 1, 2, tzinfo=UTC) + timedelta(seconds=seconds)
    sign, ahead = "-" if minutes < 0 else "+", abs(minutes)
    local = moment + timedelta(minutes=minutes)
    read = read_date(f"{local:%Y-%m-%dT%H:%M:%S}{sign}{ahead // 60:02}:{ahead % 60:02}")
    assert read is not None
    assert read[0] == moment or (read[1] is Precision.DAY and read[0].date() == local.date())

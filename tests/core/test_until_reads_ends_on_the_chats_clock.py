"""When a silence ends: durations, days and hours, on the chat's own clock, whatever the clocks do that night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.until import on_the_clock, read_until
from bot.core.words import moment_in_words

NEW_YORK = "America/New_York"
TUESDAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # 7:00 AM in New York

ZONES = [NEW_YORK, "America/Phoenix", "Europe/Madrid", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
MOMENTS = st.integers(0, 30 * 365 * 24 * 60).map(
    lambda minute: datetime(2007, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
MINUTES = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


def said(line: str, now: datetime = TUESDAY, zone: str = NEW_YORK) -> str | None:
    found = read_until(line.split(), now, zone)
    if found is None:
        return None
    assert found.words == len(line.split()), "all of it was read"
    return moment_in_words(found.at, zone, now)


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("30m", "Tue, Nov 24, 7:30 AM EST"),
        ("45min", "Tue, Nov 24, 7:45 AM EST"),
        ("8h", "Tue, Nov 24, 3:00 PM EST"),
        ("24h", "Wed, Nov 25, 7:00 AM EST"),
        ("2d", "Thu, Nov 26, 7:00 AM EST"),
        ("1w", "Tue, Dec 1, 7:00 AM EST"),
        ("8H", "Tue, Nov 24, 3:00 PM EST"),
        ("for 8h", "Tue, Nov 24, 3:00 PM EST"),
        ("por 8h", "Tue, Nov 24, 3:00 PM EST"),
        ("until monday", "Mon, Nov 30, 9:00 AM EST"),
        ("until Mon", "Mon, Nov 30, 9:00 AM EST"),
        ("until tuesday", "Tue, Dec 1, 9:00 AM EST"),  # today is one; the next is meant
        ("until wednesday", "Wed, Nov 25, 9:00 AM EST"),
        ("hasta lunes", "Mon, Nov 30, 9:00 AM EST"),
        ("hasta miércoles", "Wed, Nov 25, 9:00 AM EST"),
        ("until tomorrow", "Wed, Nov 25, 9:00 AM EST"),
        ("hasta mañana", "Wed, Nov 25, 9:00 AM EST"),
        ("until monday 14:00", "Mon, Nov 30, 2:00 PM EST"),
        ("until monday, 9:30pm", "Mon, Nov 30, 9:30 PM EST"),
        ("until 2026-12-01", "Tue, Dec 1, 9:00 AM EST"),
        ("until 2027-07-04 8am", "Sun, Jul 4, 2027, 8:00 AM EDT"),
        ("until 12am", "Wed, Nov 25, 12:00 AM EST"),
        ("until 12pm", "Tue, Nov 24, 12:00 PM EST"),
        ("until 6:30am", "Wed, Nov 25, 6:30 AM EST"),  # it has passed today
        ("until 7:00", "Wed, Nov 25, 7:00 AM EST"),  # it is just now
        ("until 18:00", "Tue, Nov 24, 6:00 PM EST"),
    ],
)
def test_what_people_write(line: str, end: str) -> None:
    assert said(line) == end


@pytest.mark.parametrize(
    "line",
    ["", "tps", "until", "until tps", "until 9", "9", "8", "8x", "for", "for tps", "until 25:00", "until 9:75",
     "until 13pm", "until 0am", "until 2026-13-01", "until 2026-1", "until mo", "12345h", "-8h", "8.5h", "monday", "h"],
)  # fmt: skip
def test_what_is_no_end(line: str) -> None:
    assert read_until(line.split(), TUESDAY, NEW_YORK) is None


def test_words_behind_are_left_alone() -> None:
    for line, used in (("8h tps", 1), ("for 8h tps", 2), ("until monday tps", 2), ("until monday 9am tps", 3)):
        found = read_until(line.split(), TUESDAY, NEW_YORK)
        assert found is not None
        assert found.words == used


def test_a_day_in_the_past_is_read_as_what_it_is() -> None:
    assert said("until 2026-11-23") == "Mon, Nov 23, 9:00 AM EST"


def test_days_keep_the_hour_and_hours_pass_when_clocks_change() -> None:
    before_spring = datetime(2026, 3, 7, 14, 0, tzinfo=UTC)  # Saturday 9:00 AM; clocks go forward on Sunday
    assert said("1d", before_spring) == "Sun, Mar 8, 9:00 AM EDT"
    assert said("24h", before_spring) == "Sun, Mar 8, 10:00 AM EDT"
    before_autumn = datetime(2026, 10, 31, 13, 0, tzinfo=UTC)
    assert said("1d", before_autumn) == "Sun, Nov 1, 9:00 AM EST"
    assert said("24h", before_autumn) == "Sun, Nov 1, 8:00 AM EST"


def test_an_hour_that_does_not_exist_is_the_first_minute_after_it() -> None:
    assert on_the_clock(date(2026, 3, 8), time(2, 30), NEW_YORK) == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
    assert said("until 2026-03-08 2:30am", datetime(2026, 3, 7, tzinfo=UTC)) == "Sun, Mar 8, 3:00 AM EDT"
    # Samoa skipped a whole day
    assert on_the_clock(date(2011, 12, 30), time(9, 0), "Pacific/Apia") == datetime(2011, 12, 30, 10, 0, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_its_first_time() -> None:
    assert on_the_clock(date(2026, 11, 1), time(1, 30), NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert said("until 2026-11-01 1:30am", datetime(2026, 10, 31, tzinfo=UTC)) == "Sun, Nov 1, 1:30 AM EDT"


def test_an_unknown_zone_is_utc() -> None:
    assert said("until 18:00", zone="Mars/Base") == "Tue, Nov 24, 6:00 PM UTC"


@settings(max_examples=200, deadline=None)
@given(day=st.dates(date(2007, 1, 1), date(2037, 1, 1)), clock=MINUTES, zone=st.sampled_from(ZONES))
def test_the_moment_shows_what_was_asked_or_the_first_minute_after(day: date, clock: time, zone: str) -> None:
    at = on_the_clock(day, clock, zone)
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = datetime.combine(day, clock)
    assert shown >= wanted
    before = (at - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert before < wanted, "there is an earlier minute that is as good"


@settings(max_examples=200, deadline=None)
@given(
    now=MOMENTS, zone=st.sampled_from(ZONES), line=st.sampled_from(["1m", "1h", "3d", "2w", "until fri", "until 3am"])
)
def test_an_end_lies_ahead(now: datetime, zone: str, line: str) -> None:
    found = read_until(line.split(), now, zone)
    assert found is not None
    assert found.at > now
    assert found.at - now < timedelta(days=16)


@settings(max_examples=300, deadline=None)
@given(words=st.lists(st.text(max_size=12) | st.sampled_from(["until", "for", "8h", "monday", "9am"]), max_size=5))
def test_any_words_are_read_without_harm(words: list[str]) -> None:
    found = read_until(words, TUESDAY, NEW_YORK)
    assert found is None or 1 <= found.words <= len(words)

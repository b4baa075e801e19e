"""Until when alerts are held, for a daily digest or for the end of quiet hours, whatever the clocks do that day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.digest import Gathering, Held, QuietHours, Rhythm, due, held
from bot.core.model import Match, Reader, State, Verdict, Voice
from bot.core.plan import plan
from tests.builders import a_chat, a_cursor, a_document

NEW_YORK, MADRID = "America/New_York", "Europe/Madrid"
# Havana and the Azores put their clocks back at midnight, and Apia left out a whole day in 2011.
ZONES = [NEW_YORK, MADRID, "UTC", "America/Havana", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia"]
MINUTE = timedelta(minutes=1)
TIMES = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
QUIET = st.tuples(TIMES, TIMES).filter(lambda ends: ends[0] != ends[1]).map(lambda ends: QuietHours(*ends))
RHYTHMS = st.builds(Rhythm, st.none() | TIMES, st.none() | QUIET)
MOMENTS = st.integers(0, 20 * 365 * 24 * 60).map(lambda minute: datetime(2011, 1, 1, tzinfo=UTC) + minute * MINUTE)

# The nights of 2026 in which the clocks change, each from the noon before.
CHANGES = [
    (NEW_YORK, datetime(2026, 3, 7, 17, 0, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 10, 31, 16, 0, tzinfo=UTC)),
    (MADRID, datetime(2026, 3, 28, 11, 0, tzinfo=UTC)),
    (MADRID, datetime(2026, 10, 24, 10, 0, tzinfo=UTC)),
]
HOURS_OF_CHANGE = [time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(8, 0), time(0, 0)]


def on(day: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def begins(rhythm: Rhythm, zone: str, at: datetime) -> bool:
    """Quiet hours may end when the next begin: where the clock leaves out all that lies between them."""
    day = at.astimezone(ZoneInfo(zone)).date()
    return rhythm.quiet is not None and rhythm.quiet.on(day, zone)[0] == at


def test_without_a_rhythm_alerts_are_due_at_once():
    at = on("2026-11-24 09:00")
    assert held(Rhythm(), NEW_YORK, at) is None
    assert due(Rhythm(), NEW_YORK, at) == at


def test_a_daily_digest_gathers_what_came_before_its_moment():
    daily = Rhythm(daily=time(8, 0))
    assert held(daily, NEW_YORK, on("2026-11-24 07:59")) == Held(
        on("2026-11-24 08:00"), Gathering.DAILY, date(2026, 11, 24)
    )
    at_its_moment = held(daily, NEW_YORK, on("2026-11-24 08:00"))
    assert at_its_moment is not None
    assert (at_its_moment.until, at_its_moment.name) == (on("2026-11-25 08:00"), "daily 2026-11-25")


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-24 21:59", None),
        ("2026-11-24 22:00", "2026-11-25 07:00"),
        ("2026-11-25 00:30", "2026-11-25 07:00"),
        ("2026-11-25 06:59", "2026-11-25 07:00"),
        ("2026-11-25 07:00", None),
    ],
)
def test_quiet_hours_hold_from_their_beginning_until_their_end(at, until):
    night = held(Rhythm(quiet=QuietHours(time(22, 0), time(7, 0))), NEW_YORK, on(at))
    assert (night and night.until) == (until and on(until))
    assert night is None or night.name == "quiet 2026-11-24", "a night is named by the day on which it began"


def test_quiet_hours_may_lie_within_a_day():
    noon = Rhythm(quiet=QuietHours(time(12, 0), time(14, 0)))
    assert due(noon, MADRID, on("2026-11-24 13:00", MADRID)) == on("2026-11-24 14:00", MADRID)
    assert due(noon, MADRID, on("2026-11-24 15:00", MADRID)) == on("2026-11-24 15:00", MADRID)


def test_quiet_hours_without_an_end_are_refused():
    with pytest.raises(ValueError, match="Name two times of a day"):
        QuietHours(time(7, 0), time(7, 0))


def test_a_digest_in_quiet_hours_comes_at_their_end_and_keeps_its_name():
    both = Rhythm(time(6, 0), QuietHours(time(22, 0), time(7, 0)))
    assert held(both, NEW_YORK, on("2026-11-24 12:00")) == Held(
        on("2026-11-25 07:00"), Gathering.DAILY, date(2026, 11, 25)
    )


@pytest.mark.parametrize(
    ("zone", "at", "daily", "until"),
    [
        (NEW_YORK, "2026-03-08 00:00", time(2, 30), "2026-03-08 03:00"),  # there is no half past two that night
        (MADRID, "2026-03-29 00:00", time(2, 30), "2026-03-29 03:00"),
        (NEW_YORK, "2026-11-01 00:00", time(1, 30), "2026-11-01 01:30"),  # and here two: the first counts
        (MADRID, "2026-10-25 00:00", time(2, 30), "2026-10-25 02:30"),
    ],
)
def test_the_first_of_two_hours_counts_and_the_first_minute_after_one_left_out(zone, at, daily, until):
    assert due(Rhythm(daily), zone, on(at, zone)) == on(until, zone)


def test_what_comes_in_the_repeated_hour_waits_for_the_next_day():
    at = on("2026-11-01 01:10", fold=1)
    assert due(Rhythm(daily=time(1, 30)), NEW_YORK, at) == on("2026-11-02 01:30")


def test_quiet_hours_that_touch_because_the_clock_left_out_what_lay_between_still_end():
    nearly_always = Rhythm(quiet=QuietHours(time(3, 0), time(2, 30)))
    assert due(nearly_always, NEW_YORK, on("2026-03-08 01:00")) == on("2026-03-08 03:00")
    assert due(nearly_always, NEW_YORK, on("2026-03-08 03:00")) == on("2026-03-09 02:30")


def test_a_night_that_the_clock_leaves_out_is_not_quiet():
    left_out = Rhythm(quiet=QuietHours(time(2, 10), time(2, 50)))
    moments = [on("2026-03-08 01:50") + minute * MINUTE for minute in range(60)]
    assert [due(left_out, NEW_YORK, at) for at in moments] == moments


@pytest.mark.parametrize(("zone", "noon"), CHANGES)
@pytest.mark.parametrize("daily", HOURS_OF_CHANGE)
def test_over_a_change_of_clocks_each_day_has_one_digest_and_each_alert_is_in_one(zone, noon, daily):
    moments = [noon + minute * MINUTE for minute in range(0, 2 * 24 * 60, 15)]
    gathered = [found for at in moments if (found := held(Rhythm(daily), zone, at))]
    assert len(gathered) == len(moments), "none is lost"
    by_name = {one.name: one.until for one in gathered}
    assert set(gathered) == {Held(by_name[one.name], one.gathering, one.day) for one in gathered}, "one moment a name"
    days = sorted({one.day for one in gathered})
    assert all(after - before == timedelta(days=1) for before, after in pairwise(days))
    assert len(days) == len(set(by_name.values())) == 3, "one digest a day"


@pytest.mark.parametrize(("zone", "noon"), CHANGES)
@pytest.mark.parametrize("start", HOURS_OF_CHANGE)
@pytest.mark.parametrize("end", HOURS_OF_CHANGE)
def test_over_a_change_of_clocks_quiet_hours_end(zone, noon, start, end):
    if start == end:
        return
    rhythm = Rhythm(quiet=QuietHours(start, end))
    moments = [noon + minute * MINUTE for minute in range(0, 2 * 24 * 60, 30)]
    for at in moments:
        until = due(rhythm, zone, at)
        assert at <= until <= at + timedelta(hours=25)
        assert due(rhythm, zone, until) == until or begins(rhythm, zone, until), "what was held is let go"


@given(RHYTHMS, st.sampled_from(ZONES), MOMENTS)
def test_whatever_the_rhythm_an_alert_is_held_forward_in_time_and_its_end_is_its_own(rhythm, zone, at):
    found = held(rhythm, zone, at)
    assert due(rhythm, zone, at) == (found.until if found else at)
    assert (found is None) <= (rhythm.daily is None)
    if found is None:
        return
    assert at < found.until <= at + timedelta(days=4)
    nothing_in_quiet_hours = held(Rhythm(quiet=rhythm.quiet), zone, found.until) is None
    assert nothing_in_quiet_hours or begins(rhythm, zone, found.until)


@given(RHYTHMS, st.sampled_from(ZONES), MOMENTS, st.integers(0, 3 * 24 * 60))
def test_an_alert_that_came_first_is_never_due_last(rhythm, zone, at, later):
    assert due(rhythm, zone, at) <= due(rhythm, zone, at + later * MINUTE)


@given(st.sampled_from(ZONES[:-1]), TIMES, MOMENTS, st.integers(1, 24 * 60))
def test_two_alerts_share_a_digest_when_they_share_its_name(zone, daily, at, later):
    one, other = held(Rhythm(daily), zone, at), held(Rhythm(daily), zone, at + later * MINUTE)
    assert one is not None
    assert other is not None
    assert (one.name == other.name) == (one.until == other.until)


def test_each_chat_is_told_when_it_wants_to_be_told():
    now = on("2026-11-24 23:00")
    night = Rhythm(quiet=QuietHours(time(22, 0), time(7, 0)))
    readers = [
        Reader(a_chat(1), Voice(), 1, "TPS"),
        Reader(a_chat(2), Voice(), 1, "TPS", Rhythm(daily=time(8, 0))),
        Reader(a_chat(3), Voice(), 1, "TPS", night),
        Reader(a_chat(4), Voice(zone="America/Los_Angeles"), 1, "TPS", night),
    ]
    verdict = Verdict(a_document(), State.NEW, "new", 1, (Match(1, ()),))
    changes = plan(a_cursor(), [verdict], readers, now)
    assert {one.chat: one.due_at for one in changes.deliveries} == {
        a_chat(1): now,
        a_chat(2): on("2026-11-25 08:00"),
        a_chat(3): on("2026-11-25 07:00"),
        a_chat(4): now,  # it is eight in the evening there
    }
    assert plan(a_cursor(), [verdict], readers, now) == changes, "deciding twice is deciding once"

"""How long a silence means something: no false alarm of steady sources, and every death found in time.

The rule is run over real dates day by day, knowing at each only what came before. A source is steady when nine of ten
gaps between its days with news are of three days or less, and none was longer than three times as long.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.habit import (
    DAYS_LEAST,
    REMEMBERED,
    SILENCE_LEAST,
    SILENCE_MOST,
    TIMES_THE_GAP,
    Habit,
    Rhythm,
    habit_of,
    silent_for,
)
from tests.shared_data import shared

DAY = timedelta(days=1)
SPAN_LEAST = 15  # days with news, below which a month of a whole collection is one that is missing or cut
gaps = st.lists(st.integers(1, 40), min_size=DAYS_LEAST - 1, max_size=60)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def days_after(steps: list[int]) -> tuple[date, ...]:
    days = [date(2026, 1, 1)]
    for step in steps:
        days.append(days[-1] + step * DAY)
    return tuple(days)


def known(days: tuple[date, ...]) -> Habit | None:
    return habit_of(Rhythm(days, noon(days[-1])), noon(days[-1]))


@given(gaps)
def test_patience_lies_within_its_bounds_and_a_steady_source_gets_three_gaps(steps):
    habit = known(days_after(steps))
    assert sum(step <= habit.gap.days for step in steps) >= 0.9 * len(steps)
    if habit.patience is None:
        assert max(steps) > SILENCE_MOST.days
        assert TIMES_THE_GAP * habit.gap > SILENCE_MOST
    else:
        assert SILENCE_LEAST <= habit.patience <= SILENCE_MOST
        assert habit.patience >= min(SILENCE_MOST, max(SILENCE_LEAST, habit.longest))
    if habit.is_steady:
        assert habit.patience == max(SILENCE_LEAST, TIMES_THE_GAP * habit.gap)


@given(st.integers(15, 399))
def test_one_long_hole_in_a_year_does_not_hide_the_death_of_a_daily_source(hole):
    habit = known(days_after([1] * 100 + [hole] + [1] * 100))
    assert habit.patience == SILENCE_MOST


def test_a_rare_source_with_a_long_hole_is_given_no_time_at_which_it_is_late():
    assert known(days_after([7] * 20)).patience == SILENCE_MOST
    assert known(days_after([7] * 20 + [15])).patience is None


def test_of_few_days_nothing_is_said():
    assert known(days_after([1] * (DAYS_LEAST - 2))) is None
    assert known(days_after([1] * (DAYS_LEAST - 1))) is not None
    assert habit_of(Rhythm(), noon(date(2026, 1, 1))) is None


def test_what_was_seen_alive_counts_and_nothing_lies_in_the_future():
    days = days_after([1] * 20)
    now = noon(days[-1]) + 5 * DAY
    assert habit_of(Rhythm(days, noon(days[0]), alive_at=now - DAY), now).last_at == now - DAY
    assert habit_of(Rhythm(days, now + DAY), now).last_at == now


def test_silence_is_counted_from_the_newest_item_and_never_less_than_nothing():
    habit = known(days_after([1] * 20))
    later = habit.measured_at + DAY
    assert silent_for(habit, None, later) == DAY
    assert silent_for(habit, habit.measured_at - DAY, later) == DAY
    assert silent_for(habit, later, later + DAY) == DAY
    assert silent_for(habit, later, habit.measured_at) == timedelta(0)


# --- on real dates


def dates(name: str, who: str) -> dict[str, list[date]]:
    """Read the days of news of each source in a collection, and of all of it as one."""
    found: dict[str, set[date]] = defaultdict(set)
    with gzip.open(shared(f"quality/{name}"), "rt") as lines:
        for line in lines:
            item = json.loads(line)
            for source in ("all", item.get(who)):
                if source:
                    found[source].add(date.fromisoformat(item["date"][:10]))
    return {source: sorted(days) for source, days in found.items()}


def spans(days: list[date], whole: set[tuple[int, int]]) -> list[list[date]]:
    """Cut out the months that a collection does not hold whole."""
    cut: list[list[date]] = [[]]
    for day in days:
        before = cut[-1][-1] if cut[-1] else day
        passed = {((before.year * 12 + before.month - 1) + ahead) for ahead in range(_months(before, day) + 1)}
        if not all((month // 12, month % 12 + 1) in whole for month in passed):
            cut.append([])
        if (day.year, day.month) in whole:
            cut[-1].append(day)
    return [span for span in cut if span]


def _months(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month


@pytest.mark.parametrize(
    ("name", "who", "judged_least"),
    [("fr_2020-01_2025-09.jsonl.gz", "none", 700), ("congress_press_fulltext_7months.jsonl.gz", "member", 200)],
)
def test_steady_sources_raise_no_false_alarm_and_every_death_is_found_in_time(name, who, judged_least):
    collection = dates(name, who)
    months: dict[tuple[int, int], int] = defaultdict(int)
    for day in collection["all"]:
        months[day.year, day.month] += 1
    whole = {month for month, number in months.items() if number >= SPAN_LEAST}
    judged, false, deaths, steady = 0, [], 0, set()
    for source, days in collection.items():
        past: list[timedelta] = []
        for span in spans(days, whole):
            for day, following in pairwise(span):
                habit = _habit(past, day)
                if habit is not None and habit.is_steady:
                    judged, steady = judged + 1, steady | {source}
                    if following - day > habit.patience:
                        false.append((source, day, following))
                    found_after = _found_after(habit)  # were this its last item
                    assert found_after <= 3.2 * max(habit.gap, SILENCE_LEAST / TIMES_THE_GAP)
                    deaths += 1
                past.append(following - day)
    print(f"{name}: {len(steady)} steady sources, {judged} gaps judged, {len(false)} false, {deaths} deaths found")
    assert not false
    assert judged >= judged_least


def _habit(past: list[timedelta], last: date) -> Habit | None:
    """Say what was known of a source on a day, of the gaps before it."""
    days = [last]
    for gap in reversed(past):
        days.append(days[-1] - gap)
    days = [day for day in days if last - day <= REMEMBERED]
    return habit_of(Rhythm(tuple(reversed(days)), noon(last)), noon(last))


def _found_after(habit: Habit) -> timedelta:
    """Look each hour, as the bot does, until the silence is long enough."""
    silence = timedelta(0)
    while silence <= habit.patience:
        silence += timedelta(hours=1)
    return silence

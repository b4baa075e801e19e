"""Federal holidays by rule, and parts of a working day by Washington's clock, through both changes of it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.office import CLOCKS, WASHINGTON, WORKING_HOURS, Spell, holidays, is_working_day, next_spell, pace
from tests.shared_data import shared

DESK = CLOCKS["public_inspection"]
MINUTE = timedelta(minutes=1)
moments = st.timedeltas(timedelta(0), timedelta(days=5_500)).map(lambda ahead: datetime(2020, 1, 1, tzinfo=UTC) + ahead)


def there(*when: int) -> datetime:
    """Take a moment by Washington's clock."""
    return datetime(*when, tzinfo=WASHINGTON).astimezone(UTC)  # type: ignore[arg-type, misc]  # year, month, day, …


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2026, "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25"),
        (2021, "01-01 01-18 01-20 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31"),
        (2022, "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26"),
        (2020, "01-01 01-20 02-17 05-25 07-03 09-07 10-12 11-11 11-26 12-25"),
    ],
)
def test_holidays_are_those_that_offices_observe(year, days):
    assert sorted(f"{day:%m-%d}" for day in holidays(year) if day.weekday() < 5) == days.split()


def test_the_federal_register_appears_on_working_days_and_on_no_others():
    issues = set()
    with gzip.open(shared("quality/fr_2020-01_2025-09.jsonl.gz"), "rt") as lines:
        for line in lines:
            issues.add(date.fromisoformat(json.loads(line)["date"]))
    whole = {month for month, number in Counter((day.year, day.month) for day in issues).items() if number > 15}
    every = (min(issues) + timedelta(days=ahead) for ahead in range((max(issues) - min(issues)).days + 1))
    covered = [day for day in every if (day.year, day.month) in whole]
    wrong = [day for day in covered if is_working_day(day) != (day in issues)]
    assert len(covered) > 1_200
    assert wrong == [date(2025, 1, 9)]  # closed by order of the day, for a mourning


@pytest.mark.parametrize(
    ("when", "every"),
    [
        ((2026, 11, 24, 8, 39, 59), None),
        ((2026, 11, 24, 8, 40), MINUTE),
        ((2026, 11, 24, 8, 59, 59), MINUTE),
        ((2026, 11, 24, 9), 3 * MINUTE),
        ((2026, 11, 24, 17, 30), None),
        ((2026, 11, 26, 8, 45), None),  # Thanksgiving
        ((2026, 11, 28, 8, 45), None),  # a Saturday
        ((2026, 3, 6, 8, 45), MINUTE),  # before and after the clock is set ahead, and back
        ((2026, 3, 9, 8, 45), MINUTE),
        ((2026, 10, 30, 8, 45), MINUTE),
        ((2026, 11, 2, 8, 45), MINUTE),
    ],
)
def test_the_clock_of_public_inspection_is_washingtons(when, every):
    assert pace(DESK, there(*when)) == every


def test_a_quarter_to_nine_is_another_hour_of_the_world_in_summer():
    assert pace(DESK, datetime(2026, 7, 1, 12, 45, tzinfo=UTC)) == MINUTE
    assert pace(DESK, datetime(2026, 12, 1, 13, 45, tzinfo=UTC)) == MINUTE
    assert pace(DESK, datetime(2026, 12, 1, 12, 45, tzinfo=UTC)) is None


def test_where_two_parts_of_the_day_meet_the_brisker_one_counts():
    both = (Spell(time(8), time(18), 5 * MINUTE), Spell(time(8, 40), time(9), MINUTE))
    assert pace(both, there(2026, 11, 24, 8, 50)) == MINUTE
    assert pace(both, there(2026, 11, 24, 9, 10)) == 5 * MINUTE


@given(moments)
def test_the_next_part_of_a_day_begins_on_a_working_day_and_none_before_it(now):
    begins, spell = next_spell(DESK, now)
    assert begins > now
    assert pace(DESK, begins) == spell.every
    assert begins.astimezone(WASHINGTON).time() in {time(8, 40), time(9)}
    assert begins - now <= timedelta(days=5)
    between = now + (begins - now) * 0.999
    assert pace(DESK, between) in {pace(DESK, now), None}


def test_nothing_begins_where_nothing_is_set():
    assert next_spell((), there(2026, 11, 24, 8)) is None
    assert pace((), there(2026, 11, 24, 8)) is None
    assert pace((Spell(*WORKING_HOURS, MINUTE),), there(2026, 11, 24, 19, 59)) == MINUTE

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.backups import is_due, last_turn, made_at, name_at, newest, outdated

NEW_YORK = "America/New_York"
AT = time(3, 30)
DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_name_says_when_it_was_made(at: datetime) -> None:
    at = at.replace(microsecond=0)
    assert made_at(name_at(at)) == at
    assert newest(["x", name_at(at), name_at(at - DAY)]) == at


@pytest.mark.parametrize(
    "name",
    ["", "policybell.db", "policybell-2023-10-05.db.gz", "policybell-2023-13-45T00-00-00Z.db.gz", "mine.db.gz"],
)
def test_other_names_say_nothing(name: str) -> None:
    assert made_at(name) is None
    assert newest([name]) is None


@pytest.mark.parametrize(
    ("now", "turn"),
    [
        ("2023-10-05T07:30:00", "2023-10-05T07:30:00"),  # summer: four hours behind
        ("2023-10-05T07:29:59", "2023-10-04T07:30:00"),
        ("2023-12-05T09:00:00", "2023-12-05T08:30:00"),  # winter: five
        ("2023-11-05T08:29:00", "2023-11-04T07:30:00"),  # the night in which clocks go back
        ("2023-11-05T08:31:00", "2023-11-05T08:30:00"),
        ("2023-03-12T07:31:00", "2023-03-12T07:30:00"),  # and forward
    ],
)
def test_the_turn_is_by_the_clocks_of_the_zone(now: str, turn: str) -> None:
    assert last_turn(utc(now), AT, NEW_YORK) == utc(turn)


def test_a_time_that_a_night_does_not_have_comes_once_all_the_same() -> None:
    turns = {last_turn(utc("2023-03-12T00:00:00") + timedelta(minutes=n), time(2, 30), NEW_YORK) for n in range(1440)}
    assert len(turns) == 2


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_one_is_due_a_day_and_a_missed_one_at_once(now: datetime) -> None:
    assert is_due(now, None, AT, NEW_YORK)
    assert not is_due(now, now, AT, NEW_YORK)
    assert is_due(now, now - timedelta(hours=25), AT, NEW_YORK)
    assert now - last_turn(now, AT, NEW_YORK) < timedelta(hours=25)


NOW = utc("2023-10-05T08:00:00")
BEFORE, ASIDE, ITS_LOG = (
    "policybell-before-m005_retention.db.gz",
    "policybell-replaced-2023-10-05T21-00-00Z.db",
    "policybell-replaced-2023-10-05T21-00-00Z.db-wal",
)


def nights(*ages: float) -> dict[str, datetime]:
    return {name_at(NOW - age * DAY): NOW - age * DAY for age in ages}


def test_seven_nights_are_kept() -> None:
    files = nights(*range(10))
    assert outdated(files, NOW, 7) == set(nights(7, 8, 9))


def test_none_is_kept_for_longer_than_so_many_days_but_the_very_newest_is() -> None:
    assert outdated(nights(0, 3, 6.9, 7.2, 30), NOW, 7) == set(nights(7.2, 30))
    assert outdated(nights(30, 31), NOW, 7) == set(nights(31))


def test_copies_on_occasion_go_by_their_age_and_other_peoples_files_never() -> None:
    young, old = NOW - 6 * DAY, NOW - 8 * DAY
    files = dict.fromkeys((BEFORE, ASIDE, ITS_LOG, "mine.db.gz", "policybell.db", "policybell.lock"), old)
    assert outdated(files, NOW, 7) == {BEFORE, ASIDE, ITS_LOG}
    assert outdated(dict.fromkeys(files, young), NOW, 7) == frozenset()

"""How one source is: in a word, in a sentence, with the other door and the next step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.condition import UNWATCHABLE, Condition, find
from bot.core.floods import Flood
from bot.core.habit import DAYS_LEAST, Glimpse, Habit, Rhythm, behavior_of
from bot.core.intake import Trouble
from bot.core.silences import silences
from bot.core.words import time_in_words
from tests.builders import NOW, a_cursor, a_source, at

DOOR = "the Federal Register"
SOURCE = a_source(elsewhere=DOOR, every=timedelta(minutes=15))
DAY = timedelta(days=1)
WEEKDAYS = Habit(gap=3 * DAY, longest=4 * DAY, last_at=at(days=-2), measured_at=NOW)


def failing(polls: int, trouble: Trouble, error: str = "HTTP 403"):
    since = at(hours=-3)
    return a_cursor(failures=polls, last_error=error, trouble=trouble, trouble_polls=polls, trouble_since=since)


SINCE, UNTIL = time_in_words(at(minutes=-20), "UTC"), time_in_words(at(minutes=40), "UTC")


def held(items: int) -> Flood:
    return Flood(SOURCE.id, at(minutes=-20), at(minutes=40), items)


@pytest.mark.parametrize(
    ("cursor", "known", "condition", "says", "door"),
    [
        (None, {}, Condition.NOT_YET, "not polled yet", False),
        (a_cursor(), {}, Condition.NOT_YET, "not polled yet", False),
        (failing(1, Trouble.REFUSED), {}, Condition.FAILING, "failing (1 time): HTTP 403; last good poll never", False),
        (failing(3, Trouble.REFUSED), {}, Condition.REFUSED, "refused from this network (3 times): HTTP 403", True),
        (
            failing(4, Trouble.REFUSED, "robots.txt does not allow it"),
            {},
            Condition.REFUSED,
            "refused by its site's rules for robots (4 times)",
            True,
        ),
        (
            failing(3, Trouble.BLOCKED, "a challenge came"),
            {},
            Condition.BLOCKED,
            "blocked, something else comes in its place (3 times): a challenge came",
            True,
        ),
        (failing(9, Trouble.UNREACHABLE, "no answer"), {}, Condition.FAILING, "failing (9 times): no answer", True),
        (failing(2, Trouble.BROKEN, "no list"), {}, Condition.FAILING, "failing (2 times): no list", False),
        (a_cursor(retired_at=NOW, failures=3), {}, Condition.GONE, "gone: its site says that it will not come", True),
        (
            a_cursor(failures=3),
            {"paused_since": at(hours=-3)},
            Condition.PAUSED,
            "paused by an operator 3 h ago",
            False,
        ),
        (
            a_cursor(last_success_at=NOW),
            {"held": held(3_000)},
            Condition.HELD,
            f"read, and 3,000 items are held back since {SINCE}, until an operator has looked or until {UNTIL}",
            False,
        ),
        (
            a_cursor(last_success_at=NOW),
            {"held": held(1)},
            Condition.HELD,
            f"read, and 1 item is held back since {SINCE}",
            False,
        ),
        (a_cursor(last_success_at=at(minutes=-3)), {}, Condition.OK, "ok, read 3 min ago", False),
        (
            a_cursor(last_success_at=NOW, last_new_at=at(hours=-5)),
            {},
            Condition.OK,
            "ok, read 0 s ago, last new item 5 h ago",
            False,
        ),
        (
            a_cursor(last_success_at=NOW, moved_polls=3, moved_to="https://new.example/"),
            {},
            Condition.OK,
            "ok, read 0 s ago; it has moved to https://new.example/",
            False,
        ),
    ],
)
def test_each_condition_has_its_words(cursor, known, condition, says, door):
    found = find(SOURCE, cursor, NOW, **known)
    assert found.condition is condition
    assert found.sentence.startswith(says)
    assert (f"the same news appears in {DOOR}" in found.words) == door
    if condition in UNWATCHABLE:
        assert found.next_step.endswith(".")


@pytest.mark.parametrize(("silence", "condition"), [(8.9, Condition.OK), (9.1, Condition.LATE), (40, Condition.LATE)])
def test_a_source_is_late_when_it_was_read_and_silent_for_three_times_its_gap(silence, condition):
    read_at = WEEKDAYS.last_at + silence * DAY
    found = find(SOURCE, a_cursor(last_success_at=read_at), read_at + DAY, habit=WEEKDAYS)
    assert found.condition is condition
    if condition is Condition.LATE:
        assert found.since == WEEKDAYS.last_at + 9 * DAY
        assert f"nothing new for {int(silence)} days; as a rule it is 3 days at most" in found.words
        assert DOOR in found.words
        assert SOURCE.url in found.next_step


def test_while_nothing_was_read_silence_says_nothing():
    asleep = a_cursor(last_success_at=at(days=-1))
    assert find(SOURCE, asleep, at(days=60), habit=WEEKDAYS).condition is Condition.OK


def test_one_new_item_ends_it_and_an_old_one_does_not():
    old, new = at(days=-1), at(days=18)
    read = {"last_success_at": at(days=20)}
    assert find(SOURCE, a_cursor(**read, last_new_at=old), at(days=20), habit=WEEKDAYS).condition is Condition.LATE
    assert find(SOURCE, a_cursor(**read, last_new_at=new), at(days=20), habit=WEEKDAYS).condition is Condition.OK


def test_a_source_that_was_silent_for_longer_than_two_weeks_is_never_late():
    monthly = Habit(gap=31 * DAY, longest=35 * DAY, last_at=at(days=-90), measured_at=NOW)
    assert find(SOURCE, a_cursor(last_success_at=NOW), NOW, habit=monthly).condition is Condition.OK


def seen(*days_ago: int, **known) -> Glimpse:
    """What is known of a list that was first read now, with an item of each of these days, the oldest first."""
    days = tuple(at(days=-ago).date() for ago in days_ago)
    return behavior_of(Rhythm(days, at(days=-days_ago[-1]), dated_at=at(days=-days_ago[-1]), **known), NOW)


@pytest.mark.parametrize("kind", ["feed", "listing", "sitemap"])
def test_a_list_that_was_frozen_before_it_was_first_read_is_late_and_says_its_newest_day(kind):
    source = a_source(kind=kind, every=timedelta(hours=1), elsewhere=DOOR)
    found = find(source, a_cursor(last_success_at=NOW), NOW, habit=seen(390, 389, 388, 387))
    day = at(days=-387)
    assert found.condition is Condition.LATE
    assert found.sentence == f"late: read, and its newest item is of {day:%B} {day.day}, {day.year}"
    assert found.since == day + 14 * DAY
    assert DOOR in found.words
    assert source.url in found.next_step


@pytest.mark.parametrize("kind", ["page", "docket", "federal_register", "public_inspection", "regulations", "congress"])
def test_what_is_no_list_of_news_by_date_may_be_as_old_as_it_is(kind):
    found = find(a_source(kind=kind), a_cursor(last_success_at=NOW), NOW, habit=seen(388, 387))
    assert found.condition is Condition.OK


@pytest.mark.parametrize(
    ("every", "days_ago", "condition"),
    [
        (timedelta(hours=1), (13,), Condition.OK),
        (timedelta(hours=1), (15,), Condition.LATE),
        (12 * timedelta(hours=1), (22,), Condition.OK),
        (12 * timedelta(hours=1), (23,), Condition.LATE),
        (DAY, (44,), Condition.OK),
        (DAY, (46,), Condition.LATE),
        (timedelta(hours=1), (91, 61, 30), Condition.OK),  # monthly, by its own dates
        (timedelta(hours=1), (161, 131, 100), Condition.LATE),
    ],
)
def test_a_slow_source_is_given_longer(every, days_ago, condition):
    found = find(a_source(every=every), a_cursor(last_success_at=NOW), NOW, habit=seen(*days_ago))
    assert found.condition is condition


def test_a_frozen_list_lives_again_with_its_next_item():
    frozen = seen(388, 387)
    later = at(days=1)
    source = a_source(every=timedelta(hours=1))
    assert (
        find(source, a_cursor(last_success_at=later, last_new_at=later), later, habit=frozen).condition is Condition.OK
    )
    assert (
        find(source, a_cursor(last_success_at=NOW), NOW, habit=seen(387, alive_at=at(days=-2))).condition
        is Condition.OK
    )


def test_where_nothing_is_dated_nothing_is_said_and_a_habit_counts_more():
    assert behavior_of(Rhythm((NOW.date(),), at(days=-99)), NOW) is None
    days = tuple(at(days=-ago).date() for ago in range(DAYS_LEAST, 0, -1))
    assert isinstance(behavior_of(Rhythm(days, NOW, dated_at=NOW), NOW), Habit)


def test_operators_are_told_of_silence_and_of_good_byes_and_of_nothing_else():
    sources = {one.id: one for one in (a_source(1), a_source(2), a_source(3))}
    cursors = [
        a_cursor(1, last_success_at=at(days=20)),
        a_cursor(2, retired_at=NOW),
        a_cursor(3, last_success_at=NOW),
        a_cursor(4, retired_at=NOW),
    ]
    alarms = silences(sources, cursors, {"source-1": WEEKDAYS}, at(days=20))
    assert [alarm.key for alarm in alarms] == ["silent:source-1", "gone:source-2"]
    assert alarms[0].sentence.startswith("Newsroom 1 · late: read, and nothing new for 22 days")
    assert all(alarm.next_step.endswith(".") for alarm in alarms)

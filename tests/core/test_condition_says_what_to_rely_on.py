"""How one source is: in a word, in a sentence, with the other door and the next step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.condition import UNWATCHABLE, Condition, find
from bot.core.floods import Flood
from bot.core.habit import Habit
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

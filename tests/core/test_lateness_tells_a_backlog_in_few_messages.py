"""What is told in lists, and what by itself, whatever the backlog looks like."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.lateness import KEPT_WHOLE, LIST_SIZE, LOOK_AHEAD, Patience, Waiting, told_next
from bot.core.model import Lateness
from tests.builders import NOW

ON_TIME, LATE, OVERDUE = Lateness.ON_TIME, Lateness.LATE, Lateness.OVERDUE
HOUR = timedelta(hours=1)
USUAL = Patience()


def lane(*ages: float, plain: tuple[int, ...] = ()) -> list[Waiting]:
    """Rows that wait for so many hours, the first of them first."""
    return [Waiting(NOW - age * HOUR, place in plain) for place, age in enumerate(ages)]


def told(waiting: list[Waiting], now: datetime = NOW, patience: Patience = USUAL) -> list[list[Lateness]]:
    """All messages of a lane, one after the other."""
    messages = []
    while waiting:
        messages.append(list(told_next(waiting[:LOOK_AHEAD], now, patience)))
        waiting = waiting[len(messages[-1]) :]
    return messages


@pytest.mark.parametrize(
    ("waiting", "messages"),
    [
        (lane(0), [[ON_TIME]]),
        (lane(*[0.2] * 40), [[ON_TIME]] * 40),  # a burst, not a backlog
        (lane(*[9] * 5), [[ON_TIME]] * 5),  # few enough to be told one by one
        (lane(*[9] * 6), [[ON_TIME]] * 6),  # a list of one is no list
        (lane(*[9] * 7), [[LATE] * 2] + [[ON_TIME]] * 5),
        (lane(*[9] * 25), [[LATE] * 10] * 2 + [[ON_TIME]] * 5),
        (lane(9, *[0] * 6), [[LATE] * 2] + [[ON_TIME]] * 5),
        (lane(24), [[ON_TIME]]),
        (lane(24.1), [[LATE]]),  # too old for an alert of its own, even alone
        (lane(30, 30, 1), [[LATE] * 2, [ON_TIME]]),
        (lane(80, 73, 72, 25), [[OVERDUE, OVERDUE, LATE, LATE]]),
        (lane(-3), [[ON_TIME]]),  # a clock that was set back
    ],
)
def test_backlogs(waiting: list[Waiting], messages: list[list[Lateness]]) -> None:
    assert told(waiting) == messages


def test_a_row_that_was_refused_goes_alone_and_ends_the_list_before_it() -> None:
    assert told(lane(*[30] * 5, plain=(2,))) == [[LATE] * 2, [ON_TIME], [LATE] * 2]
    assert told(lane(*[9] * 8, plain=(0, 2)))[:2] == [[ON_TIME], [ON_TIME]]


def test_patience_is_what_the_settings_say() -> None:
    impatient = Patience(max_age=HOUR, retry_for=2 * HOUR)
    assert told(lane(2.5, 1.5, 0.5), patience=impatient) == [[OVERDUE, LATE], [ON_TIME]]
    assert told(lane(3), patience=Patience(max_age=9 * HOUR, retry_for=2 * HOUR)) == [[OVERDUE]]


def test_three_days_with_400_alerts_are_45_messages() -> None:
    messages = told(lane(*[72 * (399 - number) / 400 for number in range(400)]))
    assert len(messages) == 45
    assert messages == [[LATE] * 10] * 39 + [[LATE] * 5] + [[ON_TIME]] * 5


@given(
    st.lists(st.floats(0.3, 100), min_size=1, max_size=400),
    st.sets(st.integers(0, 399), max_size=3),
    st.integers(1, 90),
)
def test_any_backlog_is_told_in_order_once_and_in_few_messages(
    ages: list[float], refused: set[int], max_age: int
) -> None:
    waiting = lane(*sorted(ages, reverse=True), plain=tuple(refused))
    patience = Patience(max_age * HOUR, 72 * HOUR)
    messages = told(waiting, patience=patience)
    assert sum(map(len, messages)) == len(waiting)  # each once: nothing is skipped, nothing comes twice
    assert all(len(message) <= LIST_SIZE for message in messages)
    assert len(messages) <= -(-len(ages) // LIST_SIZE) + KEPT_WHOLE + 3 * len(refused)
    ages_told = iter(waiting)
    for message in messages:
        for late in message:
            row = next(ages_told)
            assert late is not OVERDUE or NOW - row.since > patience.retry_for
            assert late is not LATE or NOW - row.since <= patience.retry_for
            assert late is ON_TIME or not row.plain
            assert late is not ON_TIME or row.plain or NOW - row.since <= patience.for_itself

"""Whatever the answers' delays, no window seen from the server holds more than its count."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Chat
from bot.core.pace import Limit, Pace, waits

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GROUP = Chat("telegram", "", "-100")
OTHER = Chat("telegram", "", "-200")


def busiest(times: list[datetime], window: timedelta) -> int:
    """The largest count in any half-open window."""
    return max((sum(start <= at < start + window for at in times) for start in times), default=0)


@given(
    delays=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 100)), min_size=1, max_size=60),
    count=st.integers(1, 5),
)
def test_no_window_at_the_server_holds_more_than_its_count(delays: list[tuple[int, int]], count: int) -> None:
    pace = Pace(Limit(30, SECOND), lambda _: (Limit(count, 2 * SECOND),))
    now = START
    accepted = []
    for milliseconds, share in delays:
        wait = pace.wait(GROUP, now)
        assert wait is not None
        now += wait
        pace.begin(GROUP)
        accepted.append(now + timedelta(milliseconds=milliseconds) * share / 100)
        now += timedelta(milliseconds=milliseconds)
        pace.end(GROUP, now)
    assert busiest(accepted, 2 * SECOND) <= count


def test_a_message_in_flight_holds_its_place_until_it_is_answered() -> None:
    pace = Pace(Limit(30, SECOND), lambda _: (Limit(1, SECOND),))
    pace.begin(GROUP)
    assert pace.wait(GROUP, START + 60 * SECOND) is None
    pace.end(GROUP, START + 60 * SECOND)
    assert pace.wait(GROUP, START + 60 * SECOND) == SECOND
    assert pace.wait(GROUP, START + 61 * SECOND) == timedelta(0)


def test_one_chat_at_its_limit_does_not_hold_another() -> None:
    pace = Pace(Limit(30, SECOND), lambda _: (Limit(1, SECOND),))
    pace.begin(GROUP)
    assert pace.wait(OTHER, START) == timedelta(0)


def test_the_overall_window_holds_across_chats_and_threads_share_their_chat() -> None:
    pace = Pace(Limit(2, SECOND), lambda _: ())
    for number in range(2):
        pace.begin(Chat("telegram", "", str(number)))
        pace.end(Chat("telegram", "", str(number)), START)
    assert pace.wait(OTHER, START) == SECOND
    narrow = Pace(Limit(30, SECOND), lambda _: (Limit(1, SECOND),))
    narrow.begin(Chat("telegram", "", "-100", "5"))
    assert narrow.wait(Chat("telegram", "", "-100", "6"), START) is None


def test_what_an_earlier_run_sent_counts() -> None:
    pace = Pace(Limit(30, SECOND), lambda _: (Limit(2, 60 * SECOND),))
    pace.recall(GROUP, START - 50 * SECOND)
    pace.recall(GROUP, START - 10 * SECOND)
    assert pace.wait(GROUP, START) == 10 * SECOND
    assert pace.rest(GROUP, START) == 10 * SECOND
    assert pace.rest(OTHER, START) == timedelta(0)


def test_quiet_chats_are_forgotten() -> None:
    pace = Pace(Limit(30, SECOND), lambda _: (Limit(1, SECOND),))
    pace.begin(GROUP)
    pace.tidy(START)
    assert pace.wait(GROUP, START) is None
    pace.end(GROUP, START)
    pace.tidy(START + 2 * SECOND)
    assert pace.wait(GROUP, START) == timedelta(0)


def test_a_clock_that_was_set_back_keeps_nobody_waiting_longer_than_a_window() -> None:
    pace = Pace(Limit(30, SECOND), lambda _: (Limit(1, 60 * SECOND),))
    pace.recall(GROUP, START)
    assert pace.wait(GROUP, START - timedelta(hours=1)) == 60 * SECOND


def test_a_chat_s_own_limits_can_be_asked_alone() -> None:
    pace = Pace(Limit(1, SECOND), lambda chat: (Limit(1, 60 * SECOND),) if chat == GROUP else ())
    pace.recall(GROUP, START)
    assert pace.wait_in_chat(GROUP, START) == 60 * SECOND
    assert pace.wait_in_chat(OTHER, START) == timedelta(0)
    assert pace.wait(OTHER, START) == SECOND


def test_there_is_one_line_for_each_chat_and_one_for_all() -> None:
    pace = Pace(Limit(30, SECOND), lambda _: ())
    line = pace.queue(GROUP, nullcontext)
    assert pace.queue(Chat("telegram", "", "-100", "5"), nullcontext) is line
    assert pace.queue(OTHER, nullcontext) is not line
    everybody = pace.queue(Chat("telegram", "", ""), nullcontext)
    assert pace.queue(Chat("telegram", "", "", "5"), nullcontext) is everybody is not line


def test_each_workspace_has_an_overall_limit_of_its_own() -> None:
    pace = Pace(Limit(1, SECOND), lambda _: ())
    here, beside, elsewhere = Chat("slack", "T1", "C1"), Chat("slack", "T1", "C2"), Chat("slack", "T2", "C1")
    pace.begin(here)
    pace.end(here, START)
    assert pace.wait(beside, START) == SECOND
    assert pace.wait(elsewhere, START) == timedelta(0)
    assert pace.queue(replace(here, id=""), nullcontext) is not pace.queue(replace(elsewhere, id=""), nullcontext)
    pace.clock_was_set(-SECOND)
    assert pace.wait(beside, START) == timedelta(0)


def test_a_clock_that_is_set_shortens_no_window_and_prolongs_none() -> None:
    for by in (timedelta(days=400), timedelta(days=-400)):
        pace = Pace(Limit(1, SECOND), lambda _: (Limit(1, 9 * SECOND),))
        pace.begin(GROUP)
        pace.end(GROUP, START)
        pace.clock_was_set(by)
        assert pace.wait(GROUP, START + by + SECOND) == 8 * SECOND
        assert pace.wait(OTHER, START + by + SECOND) == timedelta(0)


def test_who_cannot_reach_a_platform_waits_twice_as_long_each_time_and_never_longer_than_half_a_minute() -> None:
    assert list(islice(waits(), 8)) == [1, 2, 4, 8, 16, 30, 30, 30]

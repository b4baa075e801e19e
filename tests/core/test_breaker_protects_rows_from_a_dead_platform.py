"""The circuit breaker as a value: what opens it, how it is asked, what closes it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.breaker import MOST_FAILURES, PROBE_EVERY, Breaker
from tests.builders import NOW, at

LANES = 16


def failed(times: int) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = breaker.failed(NOW)
    return breaker


def test_five_failures_in_a_row_open_it() -> None:
    assert [failed(times).is_open for times in range(7)] == [False] * 5 + [True] * 2
    assert failed(9).failures == MOST_FAILURES
    assert failed(5).open_since == NOW


def test_an_answer_of_any_kind_between_failures_starts_the_count_anew() -> None:
    breaker = failed(4).answered(NOW)
    for _ in range(4):
        breaker = breaker.failed(NOW)
    assert not breaker.is_open


def test_no_message_begins_while_it_is_open() -> None:
    assert failed(5).room(NOW, 0, LANES) == 0
    assert failed(5).room(at(days=9), 0, LANES) == 0


def test_no_more_messages_are_under_way_than_may_fail_unless_one_arrived_just_now() -> None:
    assert [failed(times).room(NOW, 0, LANES) for times in range(5)] == [5, 4, 3, 2, 1]
    assert failed(2).room(NOW, 2, LANES) == 1
    assert failed(2).room(NOW, 9, LANES) == 0
    assert Breaker().room(NOW, 0, 3) == 3
    proven = Breaker().answered(NOW)
    assert proven.room(at(30), 4, LANES) == 12
    assert proven.room(at(31), 4, LANES) == 1
    assert proven.room(at(days=-1), 4, LANES) == 1
    assert proven.failed(NOW).room(NOW, 0, LANES) == 4


def test_it_is_probed_every_thirty_seconds_and_not_at_all_while_closed() -> None:
    assert not Breaker().wants_probe(NOW)
    assert not failed(4).wants_probe(at(days=1))
    breaker = failed(5)
    assert not breaker.wants_probe(at(29.9))
    assert breaker.wants_probe(at(30))
    breaker = breaker.probing(at(30)).failed(at(31))
    assert not breaker.wants_probe(at(59.9))
    assert breaker.wants_probe(at(60))
    assert breaker.open_since == NOW


def test_a_clock_that_was_set_back_delays_no_probe() -> None:
    assert failed(5).wants_probe(at(days=-1))
    assert not failed(5).probing(at(days=-1)).wants_probe(at(29, days=-1))


def test_a_probe_that_is_answered_lets_one_message_try_and_one_failure_opens_again() -> None:
    probed = failed(5).probed()
    assert not probed.is_open
    assert probed.room(NOW, 0, LANES) == 1
    assert probed.room(NOW, 1, LANES) == 0
    assert probed.failed(at(1)).is_open
    assert probed.answered(at(1)).room(at(1), 0, LANES) == LANES


def test_a_late_answer_to_a_probe_changes_nothing() -> None:
    closed = failed(5).answered(NOW)
    assert closed.probed() == closed


@given(st.lists(st.sampled_from(["fails", "answers", "probed"]), max_size=40), st.integers(1, 32))
def test_never_more_than_five_failures_without_an_answer_between_two_probes(events: list[str], lanes: int) -> None:
    """Whatever happens, in a time when nothing works: messages begin only where there is room."""
    breaker, now, attempts = Breaker(), NOW, 0
    for event in events:
        now += timedelta(seconds=1)
        if event == "probed":
            breaker, attempts = breaker.probed(), 0
        elif breaker.room(now, 0, lanes):
            attempts = attempts + 1 if event == "fails" else 0
            breaker = breaker.failed(now) if event == "fails" else breaker.answered(now)
        assert attempts <= MOST_FAILURES
        assert breaker.is_open == (breaker.probe_at is not None)
        assert breaker.probe_at is None or breaker.probe_at <= now + PROBE_EVERY

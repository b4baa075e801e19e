"""Twenty commands a minute and chat: one word about it, then silence, and nobody else notices."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.throttle import Hearing, Throttle
from tests.builders import NOW, a_chat, at

ANA, BEN = a_chat(1), a_chat(2)
TAKEN, REFUSED, IGNORED = Hearing.TAKEN, Hearing.REFUSED, Hearing.IGNORED


def test_twenty_are_taken_one_is_refused_and_the_rest_is_passed_over() -> None:
    throttle = Throttle()
    heard = [throttle.hear(ANA, at(number / 100)) for number in range(100)]
    assert heard == [TAKEN] * 20 + [REFUSED] + [IGNORED] * 79


def test_a_place_is_free_again_a_minute_after_it_was_taken() -> None:
    throttle = Throttle()
    for number in range(20):
        throttle.hear(ANA, at(number))
    assert throttle.hear(ANA, at(59.9)) is REFUSED
    assert throttle.wait(ANA, at(59)) == timedelta(seconds=1)
    assert throttle.hear(ANA, at(60)) is TAKEN
    assert throttle.hear(ANA, at(60.5)) is IGNORED  # it was told half a second ago
    assert throttle.hear(ANA, at(61)) is TAKEN


def test_it_is_told_again_a_minute_later_at_the_earliest() -> None:
    throttle = Throttle()
    heard = [(second, throttle.hear(ANA, at(second))) for second in range(300) for _ in range(10)]
    told = [second for second, hearing in heard if hearing is REFUSED]
    assert len(told) == 5
    assert all(later - earlier >= 60 for earlier, later in pairwise(told))


def test_another_chat_is_heard_while_one_floods() -> None:
    throttle = Throttle()
    for number in range(1_000):
        throttle.hear(ANA, at(number / 100))
    assert throttle.hear(BEN, at(10)) is TAKEN
    assert throttle.wait(BEN, at(10)) == throttle.wait(a_chat(9), at(10)) == timedelta(0)


def test_threads_of_a_chat_share_its_window_and_workspaces_do_not() -> None:
    throttle = Throttle()
    heard = Counter(throttle.hear(a_chat(1, thread=str(number)), at(0)) for number in range(30))
    assert heard[TAKEN] == 20
    assert throttle.hear(a_chat(1, workspace="T2"), at(0)) is TAKEN


def test_memory_is_bounded_whoever_comes() -> None:
    throttle = Throttle(chats=100)
    for number in range(5_000):
        throttle.hear(a_chat(number), at(number / 1_000))
        assert len(throttle) <= 100
    assert throttle.hear(a_chat(4_999), at(5)) is TAKEN


def test_who_has_been_silent_for_a_window_is_forgotten() -> None:
    throttle = Throttle()
    for number in range(50):
        throttle.hear(a_chat(number), at(number))
    throttle.hear(ANA, at(1_000))
    assert len(throttle) == 1


def test_a_clock_set_back_locks_nobody_out() -> None:
    throttle = Throttle()
    for _ in range(21):
        throttle.hear(ANA, at(hours=2))
    assert throttle.hear(ANA, at(0)) is TAKEN


TURNS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=200)


@settings(max_examples=100, deadline=None)
@given(TURNS)
def test_no_window_ever_holds_more_than_the_limit_and_none_is_refused_without_need(
    turns: list[tuple[int, int]],
) -> None:
    throttle, now = Throttle(limit=3), NOW
    taken: dict[int, list[datetime]] = {}
    for who, pause in turns:
        now += timedelta(seconds=pause)
        recent = [one for one in taken.get(who, []) if now - one < timedelta(minutes=1)]
        heard = throttle.hear(a_chat(who), now)
        assert (heard is TAKEN) == (len(recent) < 3)
        if heard is TAKEN:
            taken[who] = [*recent, now]
        else:
            assert timedelta(0) < throttle.wait(a_chat(who), now) <= timedelta(minutes=1)

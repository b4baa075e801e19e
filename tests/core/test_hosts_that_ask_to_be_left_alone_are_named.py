"""A host that asks for a day of rest: its sources are not "ok" meanwhile, and a bot that was off accuses nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.agenda import AgendaLimits, after_failure, after_postponed, after_success, left_alone_since
from bot.core.alarms import Facts, SourceHealth, Thresholds, standing
from bot.core.condition import Condition, find
from bot.core.intake import Cursor, Trouble
from tests.builders import NOW, a_cursor, a_response, a_source, at

LIMITS = AgendaLimits(jitter_share=0.2, backoff_max=timedelta(hours=6), minimum=timedelta(minutes=1))
HOUR = timedelta(hours=1)
DOOR = "the Federal Register"
SOURCE = a_source(every=HOUR / 2, elsewhere=DOOR)
READ = a_cursor(last_success_at=at(minutes=-30), next_poll_at=NOW)


def put_off(cursor: Cursor, after: timedelta, now: datetime = NOW) -> Cursor:
    return after_postponed(cursor, after, now, jitter=0.0, limits=LIMITS)


def failed(cursor: Cursor, retry_after: timedelta | None, now: datetime = NOW) -> Cursor:
    chance = {"jitter": 0.5, "limits": LIMITS}
    return after_failure(
        SOURCE, cursor, "it answered 429", now, trouble=Trouble.UNREACHABLE, retry_after=retry_after, **chance
    )


def alarmed(cursor: Cursor, now: datetime, *, official: bool = True) -> bool:
    health = SourceHealth(
        "s", "S", official, cursor.failures, failing_since=None, left_alone_since=left_alone_since(SOURCE, cursor, now)
    )
    return bool(standing(Facts(now, (health,)), Thresholds()))


def test_a_neighbor_of_who_was_sent_away_is_named_within_the_hour_and_not_at_once():
    cursor = put_off(READ, 24 * HOUR)
    assert find(SOURCE, cursor, at(hours=1)).condition is Condition.OK
    found = find(SOURCE, cursor, at(hours=5))
    assert found.condition is Condition.FAILING
    assert found.words == (
        "failing: its host asks to be left alone; not read for 5 h, and asked again in 19 h; "
        f"the same news appears in {DOOR}"
    )
    assert found.since == cursor.last_success_at
    assert found.next_step.endswith(".")


def test_a_source_that_was_never_read_is_named_too():
    found = find(SOURCE, put_off(a_cursor(), 24 * HOUR), at(hours=23))
    assert found.sentence.startswith("failing: its host asks to be left alone; not read for 23 h")


def test_one_failure_that_lasts_names_the_other_door():
    cursor = failed(READ, 24 * HOUR)
    assert DOOR not in find(SOURCE, cursor, at(minutes=30)).words
    assert DOOR in find(SOURCE, cursor, at(hours=2)).words


@pytest.mark.parametrize("cursor", [put_off(READ, 24 * HOUR), failed(READ, 24 * HOUR)], ids=["neighbor", "first"])
def test_it_is_an_alarm_after_the_patience_with_official_sources_and_with_others(cursor):
    assert not alarmed(cursor, at(minutes=59))
    assert alarmed(cursor, at(minutes=61))
    assert not alarmed(cursor, at(hours=5), official=False)
    assert alarmed(cursor, at(hours=7), official=False)


def test_it_stands_until_the_source_is_read_however_often_it_is_sent_away():
    cursor = put_off(READ, 3 * HOUR)
    cursor = put_off(cursor, HOUR, at(hours=3))
    cursor = failed(cursor, 6 * HOUR, at(hours=4))
    assert cursor.trouble_since == NOW
    assert alarmed(cursor, at(hours=9), official=False)
    read = after_success(SOURCE, cursor, a_response(), at(hours=10), jitter=0.5, new=False, body_hash="", limits=LIMITS)
    assert left_alone_since(SOURCE, read, at(hours=10)) is None
    assert find(SOURCE, read, at(hours=10)).condition is Condition.OK


@given(st.timedeltas(timedelta(hours=26), timedelta(days=30)), st.sampled_from([READ, put_off(READ, 24 * HOUR)]))
def test_a_bot_that_was_off_begins_anew(off, before):
    monday = NOW + off
    assert find(SOURCE, before, monday).condition is Condition.OK
    for after in (put_off(before, HOUR / 4, monday), failed(before, None, monday)):
        assert after.trouble_since == monday
        assert not alarmed(after, monday + timedelta(minutes=10))


@given(st.floats(0, 1), st.sampled_from([HOUR / 4, HOUR, 12 * HOUR, 24 * HOUR]))
def test_one_failure_is_forgiven_until_the_next_poll_could_have_been_made(jitter, every):
    source = a_source(every=every)
    cursor = after_failure(
        source, READ, "no answer", NOW, jitter=jitter, trouble=Trouble.UNREACHABLE, retry_after=None, limits=LIMITS
    )
    assert left_alone_since(source, cursor, cursor.next_poll_at + timedelta(minutes=1)) is None


def test_one_failure_before_a_weekend_off_is_no_alarm_where_the_next_poll_is_put_off():
    monday = at(days=3)
    after = put_off(failed(READ, None), HOUR, monday)
    assert not alarmed(after, monday + timedelta(minutes=10))
